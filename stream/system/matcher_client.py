"""Client of a running system's matcher, over its control socket."""

from __future__ import annotations

import shlex

import zmq

from stream.bus.messages import BadMessage, EnrolReply, EnrolRequest, pack, unpack
from stream.bus.sockets import Bus
from stream.errors import RunError, UserError
from stream.system.run_folder import Run

__all__ = ["request_enrolment"]

REPLY_TIMEOUT_S = 30


def request_enrolment(run: Run, request: EnrolRequest) -> EnrolReply:
    """Sends an enrolment request to the matcher of a running system and returns its reply.

    Raises:
        UserError: the matcher refused; the text gives the reason.
        RunError: no valid reply came.
    """
    with Bus(run.wiring) as bus:
        socket = bus.connect(zmq.DEALER, "control")
        socket.send_multipart(pack(request))
        if not socket.poll(REPLY_TIMEOUT_S * 1000):
            msg = (
                f"the running system (process {run.pid}) did not reply within {REPLY_TIMEOUT_S} s; see "
                "whether the walk is stored before you try again: "
                f"sge-stream people show {shlex.quote(request.name)}"
            )
            raise RunError(msg)
        try:
            reply, _ = unpack(socket.recv_multipart())
        except BadMessage as error:
            msg = f"the running system (process {run.pid}) uses another protocol version: {error}"
            raise RunError(msg) from None
    if not isinstance(reply, EnrolReply):
        msg = f"the running system (process {run.pid}) sent no valid reply"
        raise RunError(msg)
    if reply.error:
        raise UserError(reply.error)
    return reply
