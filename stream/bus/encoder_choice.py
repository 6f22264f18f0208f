"""Which of several encoder processes encodes the windows of a track, and the parts of a tick for each.

Rendezvous hashing chooses: each encoder has a weight for each track of a source, a hash of the three, and the
largest one wins. So the tracks spread evenly, every process that asks gets the same answer, and with another
number of encoders only those tracks move that must.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b

import msgspec

from stream.body import FloatArray
from stream.bus.messages import Tick, TrackSplit

__all__ = ["EncoderChoice", "rendezvous", "split_by_encoder", "split_by_track"]


@lru_cache(maxsize=4096)
def rendezvous(source: int, track: int, encoders: int) -> int:
    """Returns the encoder, from 0, that a track of a source belongs to."""

    def weight(encoder: int) -> bytes:
        return blake2b(f"{source} {track} {encoder}".encode(), digest_size=8).digest()

    return max(range(encoders), key=weight)


class EncoderChoice:
    """The encoders of the tracks of one source.

    A track that continues another one after a change of the body stays with its encoder: its first windows
    follow those of the other one, and only one encoder keeps their order.

    Args:
        source: number of the source in the run.
        encoders: number of encoder processes.
    """

    def __init__(self, source: int, encoders: int) -> None:
        self.encoders = encoders
        self._source = source
        self._continued: dict[int, int] = {}
        """Encoders of the tracks in view that continue another one."""

    def of(self, track: int) -> int:
        """Returns the encoder of a track."""
        continued = self._continued.get(track)
        return rendezvous(self._source, track, self.encoders) if continued is None else continued

    def of_source(self) -> int:
        """Returns the encoder of a file's ticks without windows."""
        return rendezvous(self._source, 0, self.encoders)  # no track has the number 0

    def follow(self, splits: Iterable[TrackSplit]) -> None:
        """Gives tracks that continue others the encoders of these; call it before their first window."""
        for split in splits:
            self._continued[split.successor] = self.of(split.track)

    def forget(self, ended: Iterable[int]) -> None:
        """Forgets tracks that have no further windows."""
        for track in ended:
            self._continued.pop(track, None)


def split_by_encoder(
    tick: Tick, joints: FloatArray | None, choice: EncoderChoice
) -> dict[int, tuple[Tick, FloatArray | None]]:
    """Splits a tick of a file into one part for each encoder that has windows of it.

    The first part has everything but the windows of the others; a tick without windows is one part.

    Args:
        tick: the whole tick.
        joints: (n, f, 20, 3) float32, one window for each row; None without rows.
        choice: the encoders of its tracks; follows the tick's splits and ends.

    Returns:
        The parts and their windows by encoder.
    """
    if choice.encoders == 1:
        return {0: (tick, joints)}
    choice.follow(tick.splits)
    rows: dict[int, list[int]] = {}
    for place, row in enumerate(tick.rows):
        rows.setdefault(choice.of(row.track), []).append(place)
    choice.forget(tick.ended)
    if joints is None or len(rows) < 2:
        encoder = next(iter(rows), choice.of_source())
        return {encoder: (msgspec.structs.replace(tick, encoder=encoder), joints)}
    found: dict[int, tuple[Tick, FloatArray | None]] = {}
    for encoder, places in sorted(rows.items()):
        part = msgspec.structs.replace(
            Tick(tick.source, tick.epoch, tick.seq) if found else tick,
            shape=(len(places), *tick.shape[1:]),
            rows=tuple(tick.rows[place] for place in places),
            encoder=encoder,
            parts=len(rows),
            positions=tuple(places),
        )
        found[encoder] = (part, joints[places])
    return found


def split_by_track(tick: Tick, joints: FloatArray, choice: EncoderChoice) -> list[tuple[Tick, FloatArray]]:
    """Splits a tick of a device into one part for each encoder: what the tick says of its tracks.

    Args:
        tick: the whole tick.
        joints: (n, f, 20, 3) float32, one window for each row.
        choice: the encoders of its tracks; follows the tick's splits and ends.

    Returns:
        A part and its windows for each encoder; many say nothing of any track.
    """
    if choice.encoders == 1:
        return [(tick, joints)]
    choice.follow(tick.splits)
    parts = [_of_encoder(tick, joints, choice, encoder) for encoder in range(choice.encoders)]
    choice.forget(tick.ended)
    return parts


def _of_encoder(
    tick: Tick, joints: FloatArray, choice: EncoderChoice, encoder: int
) -> tuple[Tick, FloatArray]:
    def own(track: int) -> bool:
        return choice.of(track) == encoder

    places = [place for place, row in enumerate(tick.rows) if own(row.track)]
    part = msgspec.structs.replace(
        tick,
        shape=(len(places), *tick.shape[1:]) if places else (),
        rows=tuple(tick.rows[place] for place in places),
        notes=tuple(note for note in tick.notes if own(note.track)),
        ended=tuple(filter(own, tick.ended)),
        open=tuple(filter(own, tick.open)),
        cut={track: count for track, count in tick.cut.items() if own(track)},
        splits=tuple(split for split in tick.splits if own(split.track)),
        places=tuple(place for place in tick.places if own(place.track)),
        encoder=encoder,
    )
    return part, joints[places]
