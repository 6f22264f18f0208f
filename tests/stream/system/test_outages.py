"""Notifications about sources and the gallery."""

from __future__ import annotations

from stream.bus.messages import Status
from stream.system.notices import Notifier
from stream.system.outages import Outages


def notifier(texts: list[str]) -> Notifier:
    return Notifier(texts.append, lambda notice: None)


def test_the_reason_why_a_gallery_cannot_be_read_is_notified_once_and_its_end_too() -> None:
    texts: list[str] = []
    outages = Outages(["door"], notifier(texts))
    for text in ("", "it is gone", "it is gone", "it is locked", "", ""):
        outages.update_gallery(Status("matcher", 0, "ready", {}, text))
        assert outages.gallery == text
    outages.update_gallery(Status("matcher", 0, "failed", {}, "no memory"))
    assert texts == ["it is gone", "it is locked", "the gallery can be read again"]


def test_a_source_that_is_off_at_the_start_is_up_with_its_first_frame() -> None:
    told: list[str] = []
    outages = Outages(["door"], notifier(told))

    def beat(state: str, frames: int, text: str = "") -> None:
        outages.update(Status("capture", 0, state, {"frames": frames}, text))

    beat("ready", 0)
    beat("down", 0, "door could not be opened")
    beat("ready", 0)  # a worker that was started again, before it has tried
    assert dict(outages.down) == {0: "door could not be opened"}
    beat("ready", 1)
    beat("down", 9, "its stream stopped")
    beat("ready", 10)
    assert told == [
        "door is down: could not be opened; retrying until it is back",
        "door is up",
        "door is down: its stream stopped; retrying until it is back",
        "door is up again",
    ]
    assert not outages.down


def test_a_remark_at_the_end_of_a_source_is_told() -> None:
    told: list[str] = []
    outages = Outages(["door"], notifier(told))
    for state, text in (("ready", "Kinect 7"), ("ending", "a.mp4: 3 damaged"), ("ready", ""), ("done", "")):
        outages.update(Status("capture", 0, state, {}, text))
    assert told == ["a.mp4: 3 damaged"]
    assert not outages.down


def test_visits_that_cannot_be_stored_are_told_once_and_are_no_unreadable_gallery() -> None:
    texts: list[str] = []
    outages = Outages(["door"], notifier(texts))
    stuck: dict[str, float] = {"history_stuck": 1}
    full: tuple[dict[str, float], str] = (stuck, "its disk is full")
    none: tuple[dict[str, float], str] = ({}, "")
    for counters, text in (none, full, full, (stuck, "it is locked")):
        outages.update_gallery(Status("matcher", 0, "ready", counters, text))
    assert (outages.gallery, outages.history) == ("", "it is locked")
    assert texts == ["visits are not stored: its disk is full; they wait until they can be"]
    for counters, text in (({}, "it is gone"), full, none, none):
        outages.update_gallery(Status("matcher", 0, "ready", counters, text))
    assert texts[1:] == ["it is gone", "the gallery can be read again", "visits are stored again"]
