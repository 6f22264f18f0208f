"""Calibration of thresholds by the people of a gallery."""
