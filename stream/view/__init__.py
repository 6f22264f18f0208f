"""Pictures of the running system, where they are asked for: what each source sees, and who that is.

    frame, decisions  ->  painter           ->  show
    (capture worker)      a thread there        the parent: files in a folder, or MJPEG on loopback

Only `--view` starts any of this. A picture that nobody is ready for is never drawn.
"""
