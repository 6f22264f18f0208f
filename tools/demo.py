"""`sge-stream demo`: enrols and identifies simulated people with the real system, in under a minute.

Four of five people are enrolled on one walk; all five are identified on another. The result says nothing
about accuracy: simulated people differ more clearly than real ones.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.live import Live as Screen
from rich.table import Table
from rich.text import Text

from gallery.scoring.backend import load_backend
from stream.bus.messages import Verdict
from stream.consent import Consent
from stream.outputs.dashboard import Dashboard, confidence_text
from stream.system.live import Live
from stream.terminal.identify import echo_to, print_encoder

__all__ = ["ENROLLED", "PEOPLE", "SEED", "Outcome", "enrol_walkers", "run_demo"]

ENROLLED = ("Ada", "Ben", "Chen", "Dora")
PEOPLE = len(ENROLLED) + 1
SEED = 7
ENROL_SECONDS = 12
FPIR = 0.01


@dataclass(frozen=True, slots=True)
class Outcome:
    """Result of one person's second walk.

    Attributes:
        truth: the person's name; None for the stranger.
        verdict: the final verdict of the track; None if there was none.
    """

    truth: str | None
    verdict: Verdict | None

    @property
    def answer(self) -> str:
        """The name or state that the system decided on."""
        if self.verdict is None:
            return "none"
        return self.verdict.decision.person or self.verdict.decision.state

    @property
    def correct(self) -> bool:
        """Whether the answer is the name, or `unknown` for the stranger."""
        return self.answer == (self.truth or "unknown")


def run_demo(seconds: float, encoder: Sequence[str] = (), *, out: Console, err: Console, debug: bool) -> int:
    """Runs the demo and prints a table of results.

    Args:
        seconds: length of the second walk.
        encoder: weights files and trained folders; empty for the shipped weights.
        out: console for the table.
        err: console for notes and, with `debug`, the logs of the processes.
        debug: whether to show the logs.

    Returns:
        The exit status.

    Raises:
        SgeError: the weights cannot be used, or the system failed.
    """
    with tempfile.TemporaryDirectory(prefix="sge-demo-", ignore_cleanup_errors=True) as folder:
        gallery = str(Path(folder) / "gallery.db")
        out.print(f"1. Enrolling {', '.join(ENROLLED)} on a simulated walk of {ENROL_SECONDS} s.")
        calibrated = enrol_walkers(gallery, encoder, err, debug)
        out.print(f"2. Identifying the same people and a stranger on another walk of {seconds:.0f} s.")
        if not calibrated:
            out.print("   No threshold is known: every person gets the best matching name (--fpir off).")
        finals = _identify(gallery, seconds, encoder, FPIR if calibrated else None, out, err, debug)
    outcomes = [Outcome(name, finals.get(number)) for number, name in enumerate((*ENROLLED, None), start=1)]
    out.print(_table(outcomes))
    correct = sum(outcome.correct for outcome in outcomes)
    out.print(
        f"{correct} of {len(outcomes)} correct. Next: sge-stream --source walkers:n=3, or sge-stream --help"
    )
    return 0


def enrol_walkers(gallery: str, encoder: Sequence[str], err: Console, debug: bool) -> bool:
    """Enrols all simulated people but the last, on their first walk.

    Args:
        gallery: file of the gallery.
        encoder: as in `run_demo`.
        err: as in `run_demo`.
        debug: as in `run_demo`.

    Returns:
        Whether a threshold is known for the simulated sensor.
    """
    only = "+".join(str(number) for number in range(1, PEOPLE))
    source = f"walkers:n={PEOPLE},seed={SEED},walk=1,only={only},seconds={ENROL_SECONDS},live=0"
    echo = echo_to(err, debug)
    with Live([source], gallery, fpir=None, speed=0, encoder=encoder, echo=echo, history="0") as live:
        print_encoder(live, err)
        for _ in live:
            pass
        for number, name in enumerate(ENROLLED, start=1):
            live.enrol(name, [number], consent=Consent.STATED, force=True)  # all are new people
    backend = load_backend(live.encoder.contract, map(Path, encoder))
    return backend.visits_of(live.infos[0].sensor) is not None


def _identify(
    gallery: str,
    seconds: float,
    encoder: Sequence[str],
    fpir: float | None,
    out: Console,
    err: Console,
    debug: bool,
) -> dict[int, Verdict]:
    """Identifies all people on the second walk; returns the final verdict of each track."""
    source = f"walkers:n={PEOPLE},seed={SEED},walk=2,seconds={seconds:g}"
    finals: dict[int, Verdict] = {}
    live_system = Live(
        [source],
        gallery,
        fpir=fpir,
        encoder=encoder,
        echo=echo_to(err, debug),
        notify=lambda line: out.print(line, highlight=False),
    )
    with live_system as live:
        dashboard = Dashboard(live)
        with Screen(dashboard, console=out, refresh_per_second=4, transient=True):
            while not live.done:
                verdict = live.next(0.1)
                if verdict is None:
                    continue
                dashboard.update(verdict)
                if verdict.decision.final:
                    finals[verdict.decision.track] = verdict
        live.check()
    return finals


def _table(outcomes: Sequence[Outcome]) -> Table:
    table = Table(title="Results", title_justify="left")
    for column in ("person", "identified as", "confidence", "walking", ""):
        table.add_column(column)
    for outcome in outcomes:
        confidence = walking = "-"
        if outcome.verdict is not None:
            decision = outcome.verdict.decision
            confidence = confidence_text(decision)
            walking = f"{outcome.verdict.seconds:.1f} s"
        mark = Text("correct", style="green") if outcome.correct else Text("wrong", style="bold red")
        table.add_row(outcome.truth or "a stranger", outcome.answer, confidence, walking, mark)
    return table
