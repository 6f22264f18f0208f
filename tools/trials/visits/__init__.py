"""Trials of visits: one visit per passage, names, and times, on scenes whose truth is known."""
