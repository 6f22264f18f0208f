"""Requests to the matcher of a running system."""

from __future__ import annotations

import os

import pytest
import zmq

from stream.bus.messages import EnrolRequest, unpack
from stream.bus.sockets import Bus
from stream.errors import RunError
from stream.system import matcher_client
from stream.system.matcher_client import request_enrolment
from stream.system.run_folder import open_run


def test_without_a_reply_the_message_says_that_the_walk_may_be_stored(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SGE_RUNTIME_DIR", str(tmp_path_factory.mktemp("r")))
    monkeypatch.setattr(matcher_client, "REPLY_TIMEOUT_S", 0.5)
    with open_run("sqlite:///g.db") as run, Bus(run.wiring) as bus:
        matcher = bus.bind(zmq.ROUTER, "control")
        with pytest.raises(RunError) as raised:
            request_enrolment(run, EnrolRequest("Ada L.", (1,), "--yes"))
        # As when the matcher dies between storing and replying.
        _, *parts = matcher.recv_multipart()
        request, _ = unpack(parts)
    assert isinstance(request, EnrolRequest)
    assert str(raised.value) == (
        f"the running system (process {os.getpid()}) did not reply within 0.5 s; see whether the walk is "
        "stored before you try again: sge-stream people show 'Ada L.'"
    )
