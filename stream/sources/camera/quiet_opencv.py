"""OpenCV (`cv2`) without log output: OpenCV and FFmpeg may write an address with its password to stderr."""

from __future__ import annotations

import os

os.environ["OPENCV_FFMPEG_LOGLEVEL"] = "-8"  # FFmpeg's AV_LOG_QUIET; read when the first stream is opened

import cv2

__all__ = ["cv2"]

cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
