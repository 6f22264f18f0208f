"""Settings that the parent sends to the matcher process; cheap to import."""

from __future__ import annotations

import msgspec

from stream.bus.sockets import Wiring
from stream.decision import MatcherName

__all__ = ["MatcherSettings", "SourceCard"]


class SourceCard(msgspec.Struct, frozen=True):
    """Description of a source for the matcher.

    Attributes:
        name: as shown in decisions.
        sensor: the kind of sensor; thresholds and templates belong to it.
        live: whether its windows may be dropped on the way.
    """

    name: str
    sensor: str
    live: bool


class MatcherSettings(msgspec.Struct, frozen=True):
    """Settings of the matcher process.

    Attributes:
        wiring: the run's sockets.
        gallery: the URL of the gallery.
        contract: of the encoder's CAGEs; only templates of the same contract are compared.
        f: skeletons of a window.
        sources: one for each capture worker, in order.
        fpir: the rate of strangers that may be named; None accepts the best candidate always.
        weights: files and trained folders of the encoder, for a back-end beside them.
        matcher: how people are compared; see `gallery.scoring.fusion`, and `gallery.recognition.reranking`
            for `rn`.
        had_gallery: whether the run had a gallery before this start: one that is missing now is gone, and an
            enrolment makes no other in its place.
        places: the place of each source, by its number; empty if nothing is known of places.
        history_s: how long visits are stored, seconds; 0 stores none.
        remember_strangers_s: how long walks of strangers are kept, seconds; 0 keeps none.
    """

    wiring: Wiring
    gallery: str
    contract: str
    f: int
    sources: tuple[SourceCard, ...]
    fpir: float | None
    weights: tuple[str, ...] = ()
    matcher: MatcherName = "fusion"
    had_gallery: bool = False
    places: tuple[str, ...] = ()
    history_s: float = 0.0
    remember_strangers_s: float = 0.0
