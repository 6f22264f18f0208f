"""Scores of tracks for enrolled people: similarities, evidence, their fusion, and thresholds."""
