"""The recognition network f_RN of the paper (Sec. 3.3.3), trained on the gallery."""
