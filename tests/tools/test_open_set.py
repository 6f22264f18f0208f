"""The open set, measured offline, says what the matcher says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from gallery.backend import Backend
from gallery.calibration import Calibration, ImpostorScores
from gallery.matcher import Finding, Matcher
from gallery.orders import SourceCard
from gallery.scoring import TemplateIndex
from stream.bus.messages import Row, Tick
from stream.errors import UserError
from tools.live_path import WalkCages, enrol
from tools.open_set import FPIRS, attempts_at, measure, score_walks, thresholds_over_time

F, D, PEOPLE = 6, 8, 6
LOW = ImpostorScores(
    "test", 6, (10, 40), (30, 30), (0.5, 0.05, 0.01), ((0.7, 0.73, 0.742), (0.7, 0.726, 0.738))
)
BACKEND = Backend(calibration=Calibration({"kinect-v1": LOW}))
CARD = SourceCard("a.mcap", "kinect-v1", False)


def walks(windows: Sequence[int] = (40, 25, 9)) -> list[WalkCages]:
    """Walks 1 to 3 and more of people who differ a little; probes last as long as said."""
    random = np.random.default_rng(31)
    own = random.standard_normal((PEOPLE, 1, F, D))
    made = []
    for person in range(PEOPLE):
        for number, length in enumerate((30, 30, *windows), start=1):
            cages = own[person] + 3.5 * random.standard_normal((length, F, D))
            rows = tuple(Row(1, n * 10**8, n * 10**8 + 1, 0, 1.0) for n in range(length))
            found = WalkCages(101 + person, str(number), "kinect-v1", rows, cages.astype(np.float32))
            made.append(found)
    return made


def live(templates: list[WalkCages], probe: WalkCages, fpir: float) -> list[Finding]:
    matcher = Matcher((CARD,), F, fpir, TemplateIndex(enrol(templates), BACKEND, ["kinect-v1"]))
    findings = []
    for row, cages in zip(probe.rows, probe.cages, strict=True):
        findings += matcher.observe(Tick(0, 0, 0, "c", (1, F, D), (row,)), cages[None])
    return findings


@pytest.mark.parametrize("windows", [20, None])
def test_it_agrees_with_the_matcher_walk_by_walk(windows: int | None) -> None:
    made = walks()
    people, probes = score_walks(made, BACKEND)
    assert (people, len(probes)) == (PEOPLE, 3 * PEOPLE)
    enrolled = np.array([True, False, True, True, False, True])
    thresholds = thresholds_over_time(BACKEND, 4, 40, F)
    attempts = attempts_at(windows, probes, [enrolled], thresholds)

    templates = [walk for walk in made if walk.walk in ("1", "2") and enrolled[walk.person - 101]]
    known, strange = [], []
    for probe in (walk for walk in made if walk.walk not in ("1", "2")):
        if windows is not None and len(probe.rows) < windows:
            continue
        found = [live(templates, probe, fpir)[:windows] for fpir in FPIRS]
        last = found[0][-1]
        named = [findings[-1].state == "person" for findings in found]
        ever = [any(finding.state == "person" for finding in findings) for findings in found]
        right = last.candidate == f"person {probe.person}"
        if enrolled[probe.person - 101]:
            named = [name and right for name in named]
            known.append((last.score if right else -np.inf, probe.person - 101, named))
        else:
            strange.append((last.score, probe.person - 101, named, ever))
    scores, who, named_right = zip(*known, strict=True)
    np.testing.assert_allclose(attempts.scores, scores, atol=1e-6)
    np.testing.assert_array_equal(attempts.people, who)
    np.testing.assert_array_equal(attempts.named, named_right)
    stranger_scores, strangers, strangers_named, ever_named = zip(*strange, strict=True)
    np.testing.assert_allclose(attempts.stranger_scores, stranger_scores, atol=1e-6)
    np.testing.assert_array_equal(attempts.strangers, strangers)
    np.testing.assert_array_equal(attempts.strangers_named, strangers_named)
    np.testing.assert_array_equal(attempts.ever_named, ever_named)
    assert attempts.named.any()
    assert not attempts.named.all()
    assert attempts.ever_named.any()


def test_the_table_has_every_figure_at_every_moment() -> None:
    people, probes = score_walks(walks((110, 120)), BACKEND)
    table = measure(probes, people, BACKEND, F, splits=3, seed=0)
    assert [str(column.header) for column in table.columns][1:] == [
        "after 2 s",
        "after 5 s",
        "after 10 s",
        "whole walk",
    ]
    assert list(table.columns[0].cells) == [
        "walks",
        "Rank-1, all enrolled",
        "EER",
        "FNIR where FPIR is 1%",
        "FNIR where FPIR is 5%",
        "--fpir 0.01: FPIR",
        "--fpir 0.01: FPIR, at any moment so far",
        "--fpir 0.01: FNIR",
        "--fpir 0.05: FPIR",
        "--fpir 0.05: FPIR, at any moment so far",
        "--fpir 0.05: FNIR",
    ]
    assert next(iter(table.columns[1].cells)) == str(2 * PEOPLE)
    again = measure(probes, people, BACKEND, F, splits=3, seed=0)
    assert [list(c.cells) for c in again.columns] == [list(c.cells) for c in table.columns]


def test_who_cannot_take_part_is_said() -> None:
    made = walks((40,))
    with pytest.raises(UserError, match="person 103 has no walk 1 or 2"):
        score_walks([walk for walk in made if walk.person != 103 or walk.walk == "3"], BACKEND)
    people, probes = score_walks(made[:9], BACKEND)
    with pytest.raises(UserError, match="at least 4 people"):
        measure(probes, people, BACKEND, F, splits=2, seed=0)
    people, probes = score_walks(made, Backend())
    with pytest.raises(UserError, match="no thresholds ship for kinect-v1"):
        measure(probes, people, Backend(), F, splits=2, seed=0)
