"""Registry of all kinds of evidence. To add one, see `gallery.scoring.evidence.protocol`.

Galleries store the segment statistics of the kinds in the order of `EVIDENCE`, so kinds with such statistics
are never reordered. A new kind with statistics changes S: walks enrolled before are compared without segments
until they are enrolled again.
"""

from __future__ import annotations

from itertools import takewhile

import numpy as np

from encoder.pose import POSE_WIDTH
from gallery.scoring.evidence.bone_lengths import BoneLengths
from gallery.scoring.evidence.coordination import Coordination
from gallery.scoring.evidence.mean_walk import MeanWalk
from gallery.scoring.evidence.mean_window import MeanWindow
from gallery.scoring.evidence.protocol import EvidenceKind
from gallery.scoring.evidence.swing import Swing
from stream.body import FloatArray

__all__ = ["EVIDENCE", "STATISTICS", "segment_statistics", "statistics_slice"]

EVIDENCE: tuple[EvidenceKind, ...] = (
    MeanWindow,
    MeanWalk,
    Swing,
    Coordination,
    BoneLengths,
)
"""Every kind, in the order of their terms in a score."""

STATISTICS = sum(kind.numbers for kind in EVIDENCE)
"""S, numbers of a segment in all."""


def statistics_slice(kind: EvidenceKind) -> slice:
    """Returns the position of a kind's own numbers in the statistics (S,) of a segment."""
    start = sum(other.numbers for other in takewhile(lambda other: other.name != kind.name, EVIDENCE))
    return slice(start, start + kind.numbers)


def segment_statistics(described: FloatArray) -> FloatArray:
    """Returns the statistics (S,) float32 of a segment.

    Args:
        described: (m, D) descriptions of its windows, m > 0; numbers behind the pose are not used.
    """
    pose = described[:, :POSE_WIDTH]
    return np.concatenate([kind.statistics(pose) for kind in EVIDENCE])
