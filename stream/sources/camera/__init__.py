"""Cameras and video files as sources: from pictures to the bodies in them."""
