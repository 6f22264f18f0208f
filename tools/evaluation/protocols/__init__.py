"""Evaluation protocols: measure methods on one draw of a data set."""
