"""Evaluation: protocols, splits, methods, metrics, and the tables and reports of their results."""
