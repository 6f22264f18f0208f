"""Visit scores for tests: strangers whose scores hardly differ, so that the threshold is known."""

from __future__ import annotations

from gallery.scoring.visit_scores import VisitScores

__all__ = ["flat_visits"]


def flat_visits(threshold: float, boundary: float = 0.0) -> VisitScores:
    """Returns visit scores by which the threshold of any gallery is `threshold`, after many windows.

    No site differs, so that nothing is provisional.
    """
    return VisitScores(
        data="test",
        strangers=9,
        visits=9,
        boundary=boundary,
        people=(1,),
        means=(threshold,),
        deviations=(1e-12,),
        tails=(0.5, 0.01),
        scores=(0.0, 1.0),
        excess=1.0,
        between_sites=0.0,
    )
