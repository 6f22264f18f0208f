"""The capture process: frames of a source to tracks, windows and the bus; or into a recording."""
