"""What goes beyond the paper: CAGEs and pose numbers together, and directions in which people differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from encoder.pose import pose_numbers
from evaluation.methods.contract import Description, Features, Material, Told, describe
from evaluation.methods.joints import through_canonical
from evaluation.methods.trained import Sgela
from gallery.fusion import describe_windows, unit
from stream.body import FloatArray
from tools.fusion_fit import fit_window_directions

__all__ = ["Fused"]


@dataclass(frozen=True, slots=True, eq=False)
class Fused:
    """The live system's windows (`gallery.fusion`), learned from the trial's training walks alone.

    Attributes:
        encoder: makes the CAGEs, learned without labels.
        layout: of the windows' joints.
        seen: nobody before the trial.
    """

    encoder: Sgela
    layout: str
    seen: frozenset[str] = frozenset()

    @property
    def gives(self) -> tuple[str, ...]:
        """`cage-pose`, skeleton by skeleton; of whole windows `fused-white`, without labels, and `fused`."""
        return ("cage-pose", "fused-white", "fused")

    @property
    def learns(self) -> bool:
        """From windows, and for `fused` from whose they are."""
        return True

    def learn(self, material: Material | None, told: Told) -> tuple[Description, ...]:
        """Train the encoder, then fit."""
        assert material is not None
        cage, *_ = self.encoder.learn(material, lambda done, text: told(0.9 * done, text))
        assert cage.features is not None
        both = _BesidePose(cage.features, through_canonical(_flat_pose, self.layout), material.f)
        train = material.train
        found = fit_window_directions(describe(both.whole, train.windows), train.people)
        told(1.0, "fitted")

        def along(matrix: FloatArray) -> Features:
            return lambda windows: unit((both.whole(windows) - found.mean) @ matrix)

        return (
            Description("cage-pose", both, material.f),
            Description("fused-white", along(found.whitening), metric="cosine"),
            Description("fused", along(found.discriminants), metric="cosine", supervised=True),
        )


def _flat_pose(windows: FloatArray) -> FloatArray:
    return pose_numbers(windows).reshape(len(windows), -1)


@dataclass(frozen=True, slots=True, eq=False)
class _BesidePose:
    """CAGEs and pose numbers of each skeleton side by side."""

    cages: Features
    pose: Features
    f: int

    def __call__(self, windows: FloatArray) -> FloatArray:
        return self._rows(windows).reshape(len(windows), -1)

    def whole(self, windows: FloatArray) -> FloatArray:
        """The same as one description of the window."""
        return describe_windows(self._rows(windows))

    def _rows(self, windows: FloatArray) -> FloatArray:
        parts = [part(windows).reshape(len(windows), self.f, -1) for part in (self.cages, self.pose)]
        return np.concatenate(parts, axis=2)
