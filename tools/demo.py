"""`sge-stream demo`: the main job on simulated people, through the real processes, in under a minute.

Four of five people are enrolled on one walk; all five come back on another. No accuracy claim rests on it:
simulated people differ more plainly than real ones.
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
from stream.system.live import Live
from stream.terminal.dashboard import Dashboard
from stream.terminal.identify import echo_to, tell_encoder

__all__ = ["Outcome", "run_demo"]

ENROLLED = ("Ada", "Ben", "Chen", "Dora")
PEOPLE = len(ENROLLED) + 1
SEED = 7
ENROL_SECONDS = 12
FPIR = 0.01


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one person's second walk ended.

    Attributes:
        truth: the person's name; None for the stranger.
        verdict: the track's last one; None if there was none.
    """

    truth: str | None
    verdict: Verdict | None

    @property
    def said(self) -> str:
        """What the system said."""
        if self.verdict is None:
            return "nothing"
        return self.verdict.decision.person or self.verdict.decision.state

    @property
    def right(self) -> bool:
        """Whether that was right: the name, or `unknown` for the stranger."""
        return self.said == (self.truth or "unknown")


def run_demo(seconds: float, encoder: Sequence[str] = (), *, out: Console, err: Console, debug: bool) -> int:
    """Run the demo and print its closing table; returns the exit status.

    Args:
        seconds: length of the second walk.
        encoder: weights files and trained folders; none stand for the weights that ship.
        out: where the table goes.
        err: where notes and, with `debug`, the processes' logs go.
        debug: show the logs.

    Raises:
        SgeError: the weights cannot be used, or the system failed.
    """
    with tempfile.TemporaryDirectory(prefix="sge-demo-", ignore_cleanup_errors=True) as folder:
        gallery = str(Path(folder) / "gallery.db")
        out.print(f"1. {', '.join(ENROLLED)} are enrolled on a first walk of {ENROL_SECONDS} s (simulated).")
        calibrated = _enrol(gallery, encoder, err, debug)
        out.print(f"2. They come back on another walk, and a stranger with them; watch for {seconds:.0f} s.")
        if not calibrated:
            out.print("   Without a threshold, everyone is called by the best name (--fpir off).")
        finals = _identify(gallery, seconds, encoder, FPIR if calibrated else None, out, err, debug)
    outcomes = [Outcome(name, finals.get(number)) for number, name in enumerate((*ENROLLED, None), start=1)]
    out.print(_table(outcomes))
    right = sum(outcome.right for outcome in outcomes)
    out.print(
        f"{right} of {len(outcomes)} right. Next: sge-stream --source walkers:n=3, or sge-stream --help"
    )
    return 0


def _enrol(gallery: str, encoder: Sequence[str], err: Console, debug: bool) -> bool:
    """Enrol the four; whether thresholds are known for them."""
    only = "+".join(str(number) for number in range(1, PEOPLE))
    source = f"walkers:n={PEOPLE},seed={SEED},walk=1,only={only},seconds={ENROL_SECONDS},live=0"
    with Live([source], gallery, fpir=None, speed=0, encoder=encoder, echo=echo_to(err, debug)) as live:
        tell_encoder(live, err)
        for _ in live:
            pass
        for number, name in enumerate(ENROLLED, start=1):
            live.enrol(name, [number], consent_by="--yes")
    backend = load_backend(live.encoder.contract, map(Path, encoder))
    return live.infos[0].sensor in backend.calibration.known


def _identify(
    gallery: str,
    seconds: float,
    encoder: Sequence[str],
    fpir: float | None,
    out: Console,
    err: Console,
    debug: bool,
) -> dict[int, Verdict]:
    source = f"walkers:n={PEOPLE},seed={SEED},walk=2,seconds={seconds:g}"
    finals: dict[int, Verdict] = {}
    with Live([source], gallery, fpir=fpir, encoder=encoder, echo=echo_to(err, debug)) as live:
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
    table = Table(title="What was said of whom", title_justify="left")
    for column in ("walked by", "said", "score / threshold", "seen", ""):
        table.add_column(column)
    for outcome in outcomes:
        score = seen = "-"
        if outcome.verdict is not None:
            decision = outcome.verdict.decision
            score = " / ".join("-" if x is None else f"{x:.3f}" for x in (decision.score, decision.threshold))
            seen = f"{outcome.verdict.seconds:.1f} s"
        mark = Text("right", style="green") if outcome.right else Text("wrong", style="bold red")
        table.add_row(outcome.truth or "a stranger", outcome.said, score, seen, mark)
    return table
