"""The running system: its processes, settings, run folder and clients; `live.Live` is all of it."""
