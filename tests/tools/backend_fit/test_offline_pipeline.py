"""The offline pipeline gives the windows, CAGEs and templates of the live path."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from encoder.inference import Encoder
from encoder.weights import load_encoder
from gallery.scoring.descriptions import describe_windows
from gallery.scoring.segments import segments_of
from gallery.scoring.track_scores import MAX_TEMPLATES
from stream.capture.tracking import Tracker
from stream.skeleton import get_layout
from stream.sources.simulated import SimulatedConfig, simulated_frames
from stream.windows.cutting import Window
from tools.backend_fit.offline_pipeline import encode_walk, enrol, kgbd_walks, patho_walks, simulated_walks


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder(load_encoder(), "cpu")


def test_windows_and_cages_equal_those_of_the_live_path(encoder: Encoder) -> None:
    walks = simulated_walks(2, seed=3, walk=2, seconds=3.0)
    assert [(walk.person, walk.walk, walk.sensor) for walk in walks] == [
        ("1", "2", "simulated"),
        ("2", "2", "simulated"),
    ]
    tracker = Tracker(get_layout("kinect-v1"))
    windows_of: dict[int, list[Window]] = {1: [], 2: []}
    for frame in simulated_frames(SimulatedConfig(n=2, seed=3, walk=2, seconds=3.0, live=False)):
        for track, window in tracker.push(frame).windows:
            windows_of[track].append(window)
    for walk, windows in zip(walks, windows_of.values(), strict=True):
        encoded = encode_walk(encoder, walk)
        assert len(windows) > 10
        assert [(row.start_ns, row.end_ns) for row in encoded.rows] == [
            (window.start_ns, window.end_ns) for window in windows
        ]
        live = encoder.encode(np.stack([window.joints for window in windows]))
        np.testing.assert_array_equal(encoded.cages, live)


def test_a_longer_step_increases_the_distance_of_windows(encoder: Encoder) -> None:
    (walk,) = simulated_walks(1, seed=3, walk=1, seconds=2.0)
    starts = [row.start_ns for row in encode_walk(encoder, walk, step=15).rows]
    assert set(np.diff(starts).round(-6)) <= {500_000_000}


def test_an_enrolment_stores_means_of_windows_and_of_segments(encoder: Encoder) -> None:
    (walk,) = simulated_walks(1, seed=3, walk=1, seconds=9.0)
    encoded = encode_walk(encoder, walk)
    assert len(encoded.cages) > MAX_TEMPLATES
    (entry,) = enrol([encoded])
    assert (entry.person_id, entry.sensor) == (1, "simulated")
    cages = encoded.cages
    pairs = [cages[n : n + 2].mean(axis=0) for n in range(0, len(cages), 2)]
    np.testing.assert_allclose(entry.templates, np.stack(pairs), atol=1e-6)
    segments = segments_of(describe_windows(cages))
    np.testing.assert_allclose(entry.statistics, segments.mean(axis=0), atol=1e-5)


def test_the_duplicate_walk_of_kgbd_is_left_out(data_dir: Path) -> None:
    found = [(ref.person, ref.walk) for ref in kgbd_walks(data_dir, range(63, 65))]
    assert found == [("63", str(n)) for n in range(1, 6)] + [("64", str(n)) for n in range(1, 5)]


def test_the_pathological_gaits_are_found(data_dir: Path) -> None:
    found = patho_walks(data_dir, {2})
    assert {ref.person for ref in found} == {"2"}
    assert len({ref.walk for ref in found}) == len(found) == 3 * 20 * 6
