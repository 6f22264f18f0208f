"""Enrolling walks as new people, by the function of the product."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from encoder.inference import Encoder
from encoder.weights import load_encoder
from gallery.scoring.backend import load_backend
from gallery.scoring.template_index import TemplateIndex
from tools.backend_fit.offline_pipeline import encode_walk, enrol, simulated_walks
from tools.trials.enrolment_checks import Shares, refusal


@pytest.mark.slow
@pytest.mark.parametrize("compared", [True, False])
def test_people_of_the_gallery_are_refused_and_others_are_not(compared: bool) -> None:
    encoder = Encoder(load_encoder(), "cpu")
    walks = {
        (int(walk.person), number): encode_walk(encoder, walk)
        for number in (1, 2)
        for walk in simulated_walks(3, seed=5, walk=number, seconds=6)
    }
    enrolled = enrol(walks[person, 1] for person in (1, 2))
    index = TemplateIndex(enrolled, load_backend(encoder.contract.id), ["simulated"])
    assert "recognised as person 1: score" in refusal(index, walks[1, 2], compared=compared)
    assert "is a recording that person 2 was enrolled from" in refusal(index, walks[2, 1], compared=compared)
    assert refusal(index, walks[3, 2], compared=compared) == ""


def test_shares_have_intervals_over_people() -> None:
    shares = Shares()
    for person in range(10):
        shares.add("refused", person, person < 5)
        shares.add("always", person, True)
    text = io.StringIO()
    Console(file=text, width=100).print(shares.table("title"))
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.getvalue().splitlines()]
    assert ["refused", "10", "50.0 %", "20.0-80.0"] in rows
    assert ["always", "10", "100.0 %", "100.0-100.0"] in rows
