"""A site's own figures: how often answers were right, by the visits whose truth somebody recorded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from scipy.stats import binomtest

from gallery.store.history_records import StoredVisit

__all__ = ["Share", "SiteFigures", "site_figures"]


@dataclass(frozen=True, slots=True)
class Share:
    """A share of visits.

    Attributes:
        count: visits of the share.
        total: visits that it is a share of.
    """

    count: int
    total: int

    @property
    def value(self) -> float | None:
        """The share, 0..1; None of no visits."""
        return self.count / self.total if self.total else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Its 95 % interval (Wilson); None of no visits."""
        if not self.total:
            return None
        found = binomtest(self.count, self.total).proportion_ci(0.95, method="wilson")
        return float(found.low), float(found.high)


@dataclass(frozen=True, slots=True)
class SiteFigures:
    """What the judged visits show.

    Attributes:
        visits: number of stored visits.
        judged: how many of them were confirmed or denied.
        false_matches: of judged visits in which somebody was named, those where it was somebody else.
        misses: of judged visits of enrolled people, those in which they were not named.
        strangers_named: of judged visits of strangers, those in which somebody was named.
    """

    visits: int
    judged: int
    false_matches: Share
    misses: Share
    strangers_named: Share


def site_figures(visits: Iterable[StoredVisit]) -> SiteFigures:
    """Returns the figures of stored visits.

    A denied name without the name of who it was counts as a stranger's visit; a denied `unknown` as a visit
    of somebody who is enrolled.
    """
    known = list(visits)
    judged = [visit for visit in known if visit.truth is not None]
    named = [visit for visit in judged if visit.outcome == "person"]
    unknown = [visit for visit in judged if visit.outcome == "unknown"]
    wrong = [visit for visit in named if visit.truth == "denied"]
    confused = sum(visit.was is not None for visit in wrong)
    unseen = sum(visit.truth == "denied" for visit in unknown)
    strangers = len(unknown) - unseen + len(wrong) - confused
    return SiteFigures(
        len(known),
        len(judged),
        Share(len(wrong), len(named)),
        Share(confused + unseen, len(named) - len(wrong) + confused + unseen),
        Share(len(wrong) - confused, strangers),
    )
