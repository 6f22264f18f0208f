"""Metrics of identification and open-set search, and their confidence intervals."""
