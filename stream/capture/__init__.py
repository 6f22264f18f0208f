"""Capture: turns the frames of a source into tracks and windows on the bus, or into a recording."""
