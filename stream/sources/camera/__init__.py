"""Webcams, network cameras and video files as sources: pose estimation from colour pictures."""
