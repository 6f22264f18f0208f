"""Visits: the events that tell of them, and who is present according to these."""
