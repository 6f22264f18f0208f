"""Fitting of the scoring back-end: projections, discriminants, fusion and thresholds, from data sets."""
