"""Authentication of connecting sockets; a CURVE server alone accepts any client that has its public key.

ZeroMQ sends authentication requests by its protocol ZAP (RFC 27). The handler of pyzmq runs on zmq.asyncio,
which the default event loop of Windows does not support; this handler is a thread with a socket.
"""

from __future__ import annotations

import threading

import zmq
from zmq.utils import z85

__all__ = ["ZapAuthenticator"]

_ENDPOINT = "inproc://zeromq.zap.01"
_POLL_MS = 100


class ZapAuthenticator:
    """Accepts only clients with one given key, for all CURVE servers of a context.

    Args:
        context: the context of the servers; create the authenticator before they bind.
        public_key: public key of accepted clients, Z85.
    """

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], public_key: str) -> None:
        self._key = z85.decode(public_key)
        self._socket = context.socket(zmq.REP)
        self._socket.linger = 0
        self._socket.bind(_ENDPOINT)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stops the thread; no further connection is accepted."""
        self._closing.set()
        self._thread.join()

    def _serve(self) -> None:
        while not self._closing.is_set():
            if self._socket.poll(_POLL_MS):
                self._socket.send_multipart(self._answer(self._socket.recv_multipart()))
        self._socket.close()

    def _answer(self, request: list[bytes]) -> list[bytes]:
        version, request_id = request[:2]
        known = request[5:7] == [b"CURVE", self._key]
        status = [b"200", b"OK"] if known else [b"400", b"unknown key"]
        return [version, request_id, *status, b"", b""]
