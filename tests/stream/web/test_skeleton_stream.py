"""The stream of skeletons."""

from __future__ import annotations

import json

from stream.view.skeleton_frames import ShownBody, SkeletonFrame
from stream.view.skeleton_receiver import SkeletonReceiver
from tests.stream.web.test_event_stream import records
from tests.stream.web.web_server import WebServer


def test_the_newest_skeletons_are_streamed(server: WebServer) -> None:
    receiver = SkeletonReceiver()
    assert server.service.live is not None
    server.service.live.skeletons = receiver
    body = ShownBody(3, ((0.1, 1.2, 3.0), None), (0.9, 0.0))
    with server.client.stream("GET", "/api/v1/skeletons") as answer:
        stream = records(answer.iter_lines())
        receiver.put(SkeletonFrame(0, 1.5, (body,)))
        first = next(stream)
        receiver.put(SkeletonFrame(1, 2.5, ()))
        second = next(stream)
    assert first["event"] == second["event"] == "skeletons"
    assert json.loads(first["data"]) == {
        "source": 0,
        "t": 1.5,
        "bodies": [{"track": 3, "joints": [[0.1, 1.2, 3.0], None], "confidence": [0.9, 0.0]}],
    }
    assert json.loads(second["data"])["source"] == 1
