"""Tables and lines about visits; times are local."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from stream.decision import ReasonCode

if TYPE_CHECKING:  # numpy
    from gallery.store.history_records import StoredVisit
    from gallery.visits.review import Review, VisitEvidence
    from gallery.visits.site_figures import Share, SiteFigures

__all__ = [
    "describe_figures",
    "describe_review",
    "describe_visit",
    "render_candidates",
    "render_evidence",
    "render_visits",
    "who",
]

_REASONS: dict[ReasonCode, str] = {
    "accepted": "the score reaches the threshold",
    "strangers-not-rejected": "the best candidate; strangers were not rejected (--fpir off)",
    "stranger": "the score of the best candidate is below the threshold",
    "denied-visit": "the score is no higher than that of a visit that was denied",
    "ambiguous": "several people fit equally well",
    "uncalibrated": "no threshold is known for this kind of sensor",
    "nobody-enrolled": "nobody was enrolled",
    "gallery-gone": "the gallery was gone",
    "other-sensor": "everybody was enrolled on another kind of sensor",
    "other-encoder": "everybody was enrolled with another encoder",
    "not-compared": "everybody was enrolled during the visit",
    "gallery-changed": "the person was removed during the visit",
}


def render_visits(visits: Sequence[StoredVisit]) -> Table:
    """Returns a table with one row for each visit, in the given order."""
    table = Table(caption=None if visits else "no visit is stored; sge-stream watch stores them")
    table.add_column("visit", no_wrap=True, overflow="fold")
    table.add_column("arrived", no_wrap=True)
    table.add_column("source", overflow="ellipsis", min_width=6, max_width=18)
    table.add_column("who", overflow="fold", min_width=7)
    table.add_column("walking", justify="right", no_wrap=True)
    table.add_column("truth", overflow="fold", min_width=8)
    for visit in visits:
        table.add_row(
            visit.id,
            local_time(visit.arrived_at),
            Text(visit.source),
            Text(who(visit)),
            f"{visit.walking_s:.1f} s",
            Text(truth(visit)),
        )
    return table


def who(visit: StoredVisit) -> str:
    """Returns the answer of a visit in a few words."""
    if visit.outcome == "person":
        return visit.person or ""
    parts = [visit.visitor] if visit.visitor else []
    if visit.person is not None:
        parts.append(f"{visit.person} since")
    return f"{visit.outcome} ({', '.join(parts)})" if parts else visit.outcome


def truth(visit: StoredVisit) -> str:
    """Returns what was recorded about a visit; empty if nothing was."""
    if visit.truth == "denied" and visit.was is not None:
        return f"denied, was {visit.was}"
    return visit.truth or ""


def local_time(time: datetime) -> str:
    """Returns a time in the local zone."""
    return f"{time.astimezone():%Y-%m-%d %H:%M:%S}"


def describe_visit(visit: StoredVisit) -> list[str]:
    """Returns why a visit has its answer, a line each."""
    end = visit.left_at.astimezone()
    lines = [
        f"visit {visit.id} at {visit.source} ({visit.sensor})",
        f"{local_time(visit.arrived_at)} to {end:%H:%M:%S %Z}: {visit.walking_s:.1f} s of usable walking, "
        f"{', '.join(visit.views) or 'view not known'}; quality {100 * visit.quality:.0f} %",
        f"{who(visit)}: {_REASONS.get(visit.reason_code, visit.reason_code.replace('-', ' '))}",
    ]
    if visit.confidence is not None:
        lines.append(f"confidence {visit.confidence} %")
    if visit.people:
        rate = "strangers were not rejected" if visit.fpir is None else f"--fpir {visit.fpir:g}"
        number = "1 person" if visit.people == 1 else f"{visit.people} people"
        lines.append(f"compared with {number}, {rate}")
    if visit.changes:
        lines.append(f"the answer changed {visit.changes} time{'' if visit.changes == 1 else 's'}")
    if visit.interrupted:
        lines.append("the visit was cut off: a process of the system was restarted")
    if visit.truth is not None:
        lines.append(truth(visit))
    if not visit.kept:
        lines.append("nothing of the walk is kept, so that it cannot be compared anew")
    return lines


def render_candidates(visit: StoredVisit) -> Table:
    """Returns a table of the candidates of a visit, best first."""
    table = Table()
    table.add_column("candidate", overflow="fold")
    for column in ("score", "threshold", "missing"):
        table.add_column(column, justify="right")
    for each in visit.candidates:
        limit = each.threshold
        missing = "" if limit is None or each.score >= limit else f"{limit - each.score:.3f}"
        shown = "" if limit is None else f"{limit:.3f}"
        table.add_row(Text(each.name), f"{each.score:.3f}", shown, missing)
    return table


_EVIDENCE = {
    "windows": "single windows",
    "means": "mean of the windows",
    "walks": "mean of the walk",
    "swing": "swing of the joints",
    "coordination": "coordination of the limbs",
    "bones": "bone lengths",
    "steadiness": "how alike the enrolled walks are",
}


def render_evidence(evidence: VisitEvidence) -> Table:
    """Returns a table of what each kind of evidence adds to the scores in the present gallery."""
    table = Table()
    table.add_column("evidence", overflow="fold")
    for name in evidence.people:
        table.add_column(Text(name), justify="right", overflow="fold")
    for kind, added in evidence.terms.items():
        table.add_row(_EVIDENCE.get(kind, kind), *(f"{each:+.3f}" for each in added))
    table.add_row("score", *(f"{each:.3f}" for each in evidence.scores))
    return table


def describe_review(review: Review) -> list[str]:
    """Returns what a review of visits found, a line each."""
    lines = [
        f"{each.visit.id}, {local_time(each.visit.arrived_at)}: {who(each.visit)} -> "
        f"{each.person or 'unknown'}{_score(each.score, each.threshold)}"
        for each in review.changed
    ]
    lines.append(f"{len(review.changed)} of {review.compared} compared visits would have another answer now")
    if review.unknown_not_kept:
        lines.append(
            f"{_visits(review.unknown_not_kept)} of unknown people not compared: nothing is kept of their "
            "walks unless strangers are remembered (--remember-strangers)"
        )
    if review.other_encoder:
        lines.append(
            f"{_visits(review.other_encoder)} not compared: everybody is enrolled with another encoder"
        )
    if review.others_not_kept:
        lines.append(
            f"{_visits(review.others_not_kept)} not compared: nothing is kept of their walks any more"
        )
    return lines


def _score(score: float | None, threshold: float | None) -> str:
    if score is None:
        return ""
    return f" (score {score:.3f}{'' if threshold is None else f', threshold {threshold:.3f}'})"


def _visits(count: int) -> str:
    return "1 visit" if count == 1 else f"{count} visits"


def describe_figures(figures: SiteFigures) -> list[str]:
    """Returns the site's own figures, a line each."""
    if not figures.judged:
        return [
            f"none of {_visits(figures.visits)} is judged; do so: sge-stream visits confirm ID, or deny ID"
        ]
    return [
        f"{figures.judged} of {_visits(figures.visits)} judged",
        f"false matches: {_share(figures.false_matches)} in which somebody was named",
        f"misses: {_share(figures.misses)} of enrolled people",
        f"strangers named: {_share(figures.strangers_named)} of people who are not enrolled",
        "the figures hold for all visits only if those judged are like the others: judge every visit of a "
        "day, not only those that surprise you",
    ]


def _share(share: Share) -> str:
    if share.value is None or share.interval is None:
        return "no judged visit"
    low, high = share.interval
    noun = "visit" if share.total == 1 else "visits"
    return (
        f"{share.count} of {share.total} judged {noun} ({100 * share.value:.0f} %, "
        f"95 % interval {100 * low:.0f} to {100 * high:.0f} %)"
    )
