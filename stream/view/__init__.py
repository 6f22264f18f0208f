"""Live view (`--view`): images of each source with skeletons and decisions.

    frame, decisions  ->  DrawingThread            ->  open_view, open_pictures
    (capture worker)      (capture worker, thread)     (parent: files in a folder, or memory)

`stream.web` shows browsers what is in memory.

Only `--view` starts any of this. An image is drawn only if the receiver is ready for it.

A view without images (`skeleton_frames`, `skeleton_receiver`) sends the joints instead.
"""
