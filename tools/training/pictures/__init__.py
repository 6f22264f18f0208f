"""Pictures of a training: numbers in, a `matplotlib.figure.Figure` out, and PNG files of those.

Nothing here trains or reads files, and nothing touches pyplot, so that drawing needs no screen and leaves no
state behind.
"""
