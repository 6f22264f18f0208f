"""Ways to use the views of enrolled walks."""

from __future__ import annotations

import numpy as np
import pytest

from encoder.inference import Encoder
from encoder.weights import load_encoder
from gallery.scoring.backend import load_backend
from stream.body import FloatArray
from stream.bus.messages import WindowRow
from stream.skeleton import CANONICAL
from tests.stream.bodies import at_rate, walking
from tools.backend_fit.offline_pipeline import WalkCages
from tools.trials.left_out_sites import SiteWalk
from tools.trials.view_comparison import MirroredWalk, mirror, ways_of


def test_a_mirror_exchanges_left_and_right() -> None:
    body = walking(at_rate(30, 1))
    left, right = CANONICAL.index("AnkleLeft"), CANONICAL.index("AnkleRight")
    mirrored = mirror(body)
    np.testing.assert_array_equal(mirrored[:, left], body[:, right] * [-1, 1, 1])
    np.testing.assert_array_equal(mirrored[:, 0], body[:, 0] * [-1, 1, 1])
    np.testing.assert_array_equal(mirror(mirrored), body)
    assert mirrored[:, left, 0].mean() > 0.05, "the left ankle is still on the left"


@pytest.mark.slow
def test_views_and_mirrored_templates_are_compared_as_they_are_named() -> None:
    encoder = Encoder(load_encoder(), "cpu")
    random = np.random.default_rng(2)

    def encoded(person: int, name: str, joints: FloatArray) -> WalkCages:
        rows = tuple(WindowRow(1, n, n + 1, 0, 1.0) for n in range(len(joints)))
        return WalkCages(person, name, "camera", rows, encoder.encode(joints))

    def walk(person: int, name: str, view: str, *, limp: float) -> MirroredWalk:
        frames = walking(at_rate(30, 4), distance=0.0) * np.float32(1 + 0.1 * person)
        frames[:, CANONICAL.index("KneeLeft"), 1] += np.float32(limp)
        frames += random.normal(0, 0.002, frames.shape).astype(np.float32)
        joints = np.stack([frames[n : n + 6] for n in range(0, 110, 3)])
        joints -= joints[:, :, :1].copy()
        cages = encoded(person, name, joints)
        return MirroredWalk(SiteWalk(cages, "", view), encoded(person, name, mirror(joints)))

    walks = [
        walk(person, f"{view}-{number}", view, limp=0.1 if view == "away" else 0.0)
        for person in range(3)
        for view in ("towards", "away")
        for number in (1, 2)
    ]
    backend = load_backend(encoder.contract.id)
    enrolled = [n for n, each in enumerate(walks) if each.walk.cages.walk.endswith("1")]
    probes = [n for n in range(len(walks)) if n not in enrolled]
    found = ways_of(walks, enrolled, probes, backend)
    owners = [walks[n].walk.cages.person for n in probes]
    for way in ("all templates", "the probe's view only", "mean of both", "with mirrored templates"):
        assert found[way].shape == (6, 3)
        assert found[way].argmax(axis=1).tolist() == owners
    np.testing.assert_allclose(
        found["mean of both"], (found["all templates"] + found["the probe's view only"]) / 2
    )
    one_view = [n for n in enrolled if walks[n].walk.view == "towards"]
    assert ways_of(walks, one_view, probes, backend).keys() == {"all templates", "with mirrored templates"}
    same = ways_of(walks, one_view, [1], backend)["all templates"]
    np.testing.assert_allclose(found["the probe's view only"][probes.index(1)], same[0])
