"""Markers for LabStreamingLayer."""

from __future__ import annotations

import threading
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from stream.outputs.lsl_settings import LslSettings
from tests.stream.outputs.sample_events import arrived
from tests.stream.outputs.waiting import WAIT_S

pylsl = pytest.importorskip("pylsl", reason="needs the extra lsl")


def test_a_marker_has_the_time_of_its_event_on_the_clock_of_lsl() -> None:
    from stream.outputs.lsl_output import LslOutput

    name = f"gait {uuid.uuid4()}"
    found: list[Any] = []
    ready = threading.Event()

    def record() -> None:
        (stream,) = pylsl.resolve_byprop("name", name, 1, WAIT_S)
        inlet = pylsl.StreamInlet(stream, recover=False)
        inlet.open_stream(WAIT_S)
        ready.set()
        found.extend([inlet.pull_sample(WAIT_S), (inlet.info().type(), inlet.info().source_id())])

    recorder = threading.Thread(target=record)
    recorder.start()
    with LslOutput(LslSettings(url=f"lsl:{name}")) as output:
        assert ready.wait(WAIT_S)
        before = pylsl.local_clock()
        long_ago = (datetime.now(UTC) - timedelta(seconds=100)).isoformat()
        output.write_event(msgspec.structs.replace(arrived("v1"), time=long_ago))
        after = pylsl.local_clock()
        recorder.join()
    (_, timestamp), described = found
    assert before - 100 <= timestamp <= after - 100
    assert described == ("Markers", f"sge-stream-{name}")


def test_markers_without_a_recorder_go_nowhere() -> None:
    from stream.outputs.lsl_output import LslOutput

    with LslOutput(LslSettings(url=f"lsl:{uuid.uuid4()}")) as output:
        for number in range(100):
            output.write_event(arrived(f"v{number}"))


@pytest.mark.parametrize("url", ["lsl:", "lsl: ", "lsl:a\nb", "LSL:gait"])
def test_a_stream_needs_a_name(url: str) -> None:
    with pytest.raises(ValueError, match="expected lsl: and the name of a stream"):
        LslSettings(url=url)
