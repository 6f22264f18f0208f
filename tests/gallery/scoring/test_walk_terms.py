"""What a score is the sum of, with the back-end that ships."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from encoder.inference import Encoder
from encoder.weights import load_encoder
from gallery.calibration.stranger_visits import template_ends
from gallery.scoring.backend import load_backend
from gallery.scoring.template_index import TemplateIndex
from tools.backend_fit.offline_pipeline import encode_walk, enrol, simulated_walks, stored_walk


@pytest.mark.slow
@pytest.mark.parametrize("fused", [True, False])
def test_the_terms_of_a_walk_add_up_to_its_score(fused: bool) -> None:
    encoder = Encoder(load_encoder(), "cpu")
    backend = load_backend(encoder.contract.id, fused=fused)
    enrolled = [encode_walk(encoder, walk) for walk in simulated_walks(3, seed=4, walk=1, seconds=5)]
    again = [encode_walk(encoder, walk) for walk in simulated_walks(3, seed=4, walk=2, seconds=4)]
    index = TemplateIndex(enrol([*enrolled, again[2]]), backend, ["simulated"])
    for walk in again:
        probe = replace(stored_walk(walk.cages, "simulated"), person_id=9)
        ends = template_ends(probe)
        course = index.walk_course(probe.templates, probe.statistics, ends, "simulated")
        terms = index.walk_terms(probe.templates, probe.statistics, ends, "simulated")
        np.testing.assert_allclose(np.sum(list(terms.values()), axis=0), course[-1], atol=1e-9)
        assert ("windows" in terms, len(terms) > 1) == (True, fused)
