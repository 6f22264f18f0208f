"""Evaluation protocols: how methods are measured on one draw of a data set."""
