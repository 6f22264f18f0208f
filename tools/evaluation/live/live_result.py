"""Results of the protocol `live`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tools.evaluation.live.scenarios import Scenario
from tools.evaluation.live.search_figures import moment_name
from tools.evaluation.live.searches import MOMENTS, Searches
from tools.evaluation.metrics.bootstrap import MIN_SAMPLE_SIZE, Estimate

__all__ = ["LiveResult", "LiveRow"]


@dataclass(frozen=True, slots=True, eq=False)
class LiveRow:
    """The figures of one comparison method.

    Figures cover the searches of all splits, with the 95 % interval of a bootstrap over people; rates are in
    percent. Scores are those of a gallery of exactly the people enrolled. Figures are for the whole walk, and
    with `_2s`, `_5s`, `_10s` after that many seconds of usable walking (shorter recordings do not count):

    - `rank1_window` (single windows), `rank1_2s`, `rank1_5s`, `rank1_10s`, `rank1_walk`: Rank-1 with all
      people enrolled (closed set).
    - `fnir_at_fpir1`, `fnir_at_fpir5`, `eer_search`: half of the people enrolled, at thresholds set on these
      same searches (`tools.evaluation.metrics.open_set`): the potential of the scores.
      `eer_search` is where FPIR and FNIR are equal.
    - `fpir_realised`, `fnir_realised` (requested FPIR 1 %), `fpir_realised5`, `fnir_realised5`: at thresholds
      set beforehand on other people, as users have them. `fpir_ever`, `fpir_ever5`: strangers named at any
      moment up to then, which is the rate asked of the shipped system. `fnir_ever`, `fnir_ever5`: enrolled
      people who were not named up to then, or with a wrong name at some moment. With `10`: for 10 %.
    - `eer`, `d_prime`: of all comparisons of one probe with one person, all people enrolled. `eer` is where
      the false match rate and the false non-match rate are equal.
    - `seconds_to_name`, `seconds_to_name5`: median seconds of walking until the right name was decided on for
      the rest of the walk, over the searches in which it was.

    Attributes:
        name: of the method.
        supervised: whether labels were used in training.
        figures: by name: value, low, high; None where undefined.
        searches: the searches behind the figures.
        seconds: time taken.
    """

    name: str
    supervised: bool
    figures: Mapping[str, Estimate | None]
    searches: Searches
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """Returns all but the name and the searches."""
        rounded = {
            key: None if found is None else [round(number, 3) for number in found]
            for key, found in self.figures.items()
        }
        return {"supervised": self.supervised, **rounded, "seconds": round(self.seconds, 1)}


@dataclass(frozen=True, slots=True, eq=False)
class LiveResult:
    """A scenario's table.

    Attributes:
        scenario: the scenario.
        people: the P people, in the order of the scores.
        walks: names of the recordings, in the order of `Searches.track`.
        sensor: their kind of sensor.
        drawn: settings and draws, for JSON.
        rows: the shipped system first, then the methods in their order.
    """

    scenario: Scenario
    people: tuple[str, ...]
    walks: tuple[str, ...]
    sensor: str
    drawn: Mapping[str, Any]
    rows: tuple[LiveRow, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Numbers of probe recordings and searches, in all and for each moment."""
        searches = self.rows[0].searches
        found = {"probes": len(set(searches.track.tolist())), "searches": len(searches.split)}
        for moment in range(len(MOMENTS)):
            lasting = searches.track[searches.lasting(moment)]
            found[f"probes_{moment_name(moment)}"] = len(set(lasting.tolist()))
        found["windows"] = int(searches.windows.sum())
        return found

    @property
    def notes(self) -> list[str]:
        """Warnings that belong beside the figures."""
        found = []
        if len(self.people) < MIN_SAMPLE_SIZE:
            found.append(f"N = {len(self.people)} people: too few to conclude from")
        if any(row.name == "shipped" and row.searches.ever is None for row in self.rows):
            found.append(f"{self.sensor} is uncalibrated: the shipped system has no thresholds for it")
        if self.drawn["encoder_may_know_them"]:
            found.append("the encoder does not record its training people: they may be among these people")
        counts = self.counts
        for moment, seconds in enumerate(MOMENTS):
            lasting = counts[f"probes_{moment_name(moment)}"]
            if seconds is not None and 0 < lasting < MIN_SAMPLE_SIZE:
                found.append(f"walks that last {seconds:g} s: {lasting}, too few to conclude from")
        return found

    def as_json(self) -> dict[str, Any]:
        """Returns all but the arrays and the names."""
        methods = {row.name: row.as_json() for row in self.rows}
        return {"protocol": "live", **self.drawn, **self.counts, "notes": self.notes, "methods": methods}

    def table_rows(self) -> list[dict[str, Any]]:
        """Rows for `tools.evaluation.terminal_tables.figure_table`: figures without their intervals."""
        rows: list[dict[str, Any]] = []
        for row in self.rows:
            values = {key: None if found is None else found[0] for key, found in row.figures.items()}
            rows.append({"name": row.name, "supervised": row.supervised, **values, "seconds": row.seconds})
        return rows
