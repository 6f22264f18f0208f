"""Entry point of every child process: `python -m stream.system.child_process ROLE`.

The child imports its modules and reads its settings, with the keys of the run, from standard input. It stops
when that is closed, which also happens when the parent dies.
"""

from __future__ import annotations

import os
import sys
import threading
from importlib import import_module

from stream.errors import SgeError
from stream.exact_json import from_exact_json
from stream.lasting_imports import lasting_imports

__all__ = ["main"]

ROLES = {
    "capture": ("stream.capture.capture_process", "CaptureSettings"),
    "encoder": ("encoder.encoder_process", "EncoderSettings"),
    "matcher": ("gallery.matcher_process", "MatcherSettings"),
}
EXIT_TIMEOUT_S = 10.0


def main() -> int:
    """Runs the role given on the command line; returns the exit status."""
    role = sys.argv[1]
    # Several processes share the cores: BLAS threads that wait for a core would delay every product.
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    module_name, settings_name = ROLES[role]
    with lasting_imports():
        module = import_module(module_name)
    line = sys.stdin.buffer.readline()
    if not line:
        return 0  # the run ended before the settings were known
    settings = from_exact_json(line, getattr(module, settings_name))
    stop = threading.Event()
    threading.Thread(target=_wait_for_stdin_to_close, args=(stop,), daemon=True).start()
    try:
        module.run(settings, stop)
    except SgeError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def _wait_for_stdin_to_close(stop: threading.Event) -> None:
    # Not sys.stdin.read: a waiting thread would hold its lock, which crashes the interpreter at exit.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    stop.set()
    # The process ends even if the role does not react.
    timer = threading.Timer(EXIT_TIMEOUT_S, os._exit, (1,))
    timer.daemon = True
    timer.start()


if __name__ == "__main__":
    sys.exit(main())
