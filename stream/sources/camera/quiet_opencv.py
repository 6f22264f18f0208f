"""OpenCV without its chatter: what FFmpeg and it write on stderr may hold an address with its password."""

from __future__ import annotations

import os

os.environ["OPENCV_FFMPEG_LOGLEVEL"] = "-8"  # FFmpeg's AV_LOG_QUIET; read when a stream is opened first

import cv2

__all__ = ["cv2"]

cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
