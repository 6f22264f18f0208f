"""Plots of a training: functions from numbers to `matplotlib.figure.Figure`, and PNG output.

No module trains or reads files. None uses pyplot, so plotting needs no display and keeps no global state.
"""
