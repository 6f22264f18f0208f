"""Evaluation protocols: who is compared with whom, by which windows, and the tables that come of it."""
