"""Visits: tracks of one passage become one answer, with the events that tell of it."""
