"""Entry of every child process: `python -m stream.system.child_process ROLE`, settings and keys on stdin.

Closing its standard input tells the process to finish; that also happens when the parent dies.
"""

from __future__ import annotations

import os
import sys
import threading
from importlib import import_module

import msgspec

from stream.errors import SgeError

__all__ = ["main"]

ROLES = {
    "capture": ("stream.capture.capture_process", "CaptureOrders"),
    "encoder": ("encoder.encoder_process", "EncoderOrders"),
    "matcher": ("gallery.matcher_process", "MatcherOrders"),
}
FINISH_WITHIN_S = 10.0


def main() -> int:
    """Run the role that the parent asked for; the exit status is the program's."""
    role = sys.argv[1]
    # Several processes share the cores: threads that wait for a core make every product wait.
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    module_name, orders_name = ROLES[role]
    module = import_module(module_name)
    orders = msgspec.json.decode(sys.stdin.buffer.readline(), type=getattr(module, orders_name))
    stop = threading.Event()
    threading.Thread(target=_wait_for_parent, args=(stop,), daemon=True).start()
    try:
        module.run(orders, stop)
    except SgeError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def _wait_for_parent(stop: threading.Event) -> None:
    # Not through sys.stdin: its lock, held by a waiting thread, would crash the interpreter's exit.
    while os.read(sys.stdin.fileno(), 4096):
        pass
    stop.set()
    # The parent is gone, or has asked: nothing may keep this process for ever.
    timer = threading.Timer(FINISH_WITHIN_S, os._exit, (1,))
    timer.daemon = True
    timer.start()


if __name__ == "__main__":
    sys.exit(main())
