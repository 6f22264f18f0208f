"""The running system: processes, settings, run folder and clients; `live.Live` is its public interface."""
