"""Notifications about sources and the gallery."""

from __future__ import annotations

from stream.bus.messages import Status
from stream.system.outages import Outages


def test_the_reason_why_a_gallery_cannot_be_read_is_notified_once_and_its_end_too() -> None:
    texts: list[str] = []
    outages = Outages(["door"], texts.append)
    for text in ("", "it is gone", "it is gone", "it is locked", "", ""):
        outages.update_gallery(Status("matcher", 0, "ready", {}, text))
        assert outages.gallery == text
    outages.update_gallery(Status("matcher", 0, "failed", {}, "no memory"))
    assert texts == ["it is gone", "it is locked", "the gallery can be read again"]
