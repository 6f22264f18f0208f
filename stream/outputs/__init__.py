"""Outputs of decisions: one interface, one registry, a module for each output (dashboard, JSON lines)."""
