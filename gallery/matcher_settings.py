"""What the parent tells the matcher process; cheap to import."""

from __future__ import annotations

import msgspec

from stream.bus.sockets import Wiring
from stream.decision import MatcherName

__all__ = ["MatcherOrders", "SourceCard"]


class SourceCard(msgspec.Struct, frozen=True):
    """What the matcher needs to know of a source.

    Attributes:
        name: as decisions show it.
        sensor: the kind of sensor, to which the threshold belongs.
        live: whether its windows may be dropped on the way.
    """

    name: str
    sensor: str
    live: bool


class MatcherOrders(msgspec.Struct, frozen=True):
    """What the matcher process is told.

    Attributes:
        wiring: the run's sockets.
        gallery: the URL of the gallery.
        contract: of the CAGEs that will come; only templates of the same contract are compared.
        f: skeletons a window.
        sources: one for each capture worker, in order.
        fpir: the rate of strangers that may be named; None accepts the best candidate always.
        weights: files and trained folders of the encoder, beside which its back-end may lie.
        matcher: how people are compared; see `gallery.scoring.fusion`, and `gallery.recognition.reranking`
            for `rn`.
    """

    wiring: Wiring
    gallery: str
    contract: str
    f: int
    sources: tuple[SourceCard, ...]
    fpir: float | None
    weights: tuple[str, ...] = ()
    matcher: MatcherName = "fusion"
