"""Figures of identification and of open-set search, and their confidence intervals."""
