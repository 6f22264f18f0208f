"""Asking a running system's matcher for something, by its control socket."""

from __future__ import annotations

import zmq

from stream.bus.messages import Ask, BadMessage, Reply, pack, unpack
from stream.bus.sockets import Bus
from stream.errors import RunError, UserError
from stream.system.run_folder import Run

__all__ = ["ask"]

ANSWER_WITHIN_S = 30


def ask(run: Run, question: Ask) -> Reply:
    """Put a question to the matcher of a running system.

    Raises:
        UserError: the matcher refused; the text says why.
        RunError: no answer came.
    """
    with Bus(run.wiring) as bus:
        socket = bus.connect(zmq.DEALER, "control")
        socket.send_multipart(pack(question))
        if not socket.poll(ANSWER_WITHIN_S * 1000):
            msg = f"the running system (process {run.pid}) did not answer within {ANSWER_WITHIN_S} s"
            raise RunError(msg)
        try:
            reply, _ = unpack(socket.recv_multipart())
        except BadMessage as error:
            msg = f"the running system (process {run.pid}) speaks another version: {error}"
            raise RunError(msg) from None
    if not isinstance(reply, Reply):
        msg = f"the running system (process {run.pid}) gave no reply"
        raise RunError(msg)
    if reply.error:
        raise UserError(reply.error)
    return reply
