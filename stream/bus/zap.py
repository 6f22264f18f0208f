"""Who may connect: a CURVE server without this lets in anyone who knows its public key.

ZeroMQ asks over its authentication protocol (RFC 27, ZAP). pyzmq's own handler runs on zmq.asyncio, which
Windows' default event loop cannot serve; this one is a thread with a socket.
"""

from __future__ import annotations

import threading

import zmq
from zmq.utils import z85

__all__ = ["Doorman"]

_ENDPOINT = "inproc://zeromq.zap.01"
_LOOK_MS = 100


class Doorman:
    """Admits to all CURVE servers of a context the holders of one key, and nobody else.

    Args:
        context: whose servers; the doorman must be there before they bind.
        public_key: Z85, of those who may come in.
    """

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], public_key: str) -> None:
        self._key = z85.decode(public_key)
        self._socket = context.socket(zmq.REP)
        self._socket.linger = 0
        self._socket.bind(_ENDPOINT)
        self._gone = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Leave; nobody new is admitted afterwards."""
        self._gone.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._gone.is_set():
            if self._socket.poll(_LOOK_MS):
                self._socket.send_multipart(self._answer(self._socket.recv_multipart()))
        self._socket.close()

    def _answer(self, request: list[bytes]) -> list[bytes]:
        version, request_id = request[:2]
        known = request[5:7] == [b"CURVE", self._key]
        status = [b"200", b"OK"] if known else [b"400", b"not of this run"]
        return [version, request_id, *status, b"", b""]
