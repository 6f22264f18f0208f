"""The picture of the documentation that shows the processes and their sockets.

Change it when a process, a channel or a message changes (`stream/bus/sockets.py`, `stream/bus/messages.py`).
It has the same bytes each time. A browser may use another font: leave room.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Literal, NamedTuple

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import BoxStyle, FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path as MplPath

__all__ = ["architecture_svg"]

WIDTH, HEIGHT = 800, 600
"""Size of the picture, CSS pixels; all positions below count them from the upper left corner."""

_LINE_HEIGHT = 15
_FONT = {"font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"], "font.size": 8.25}
"""The font comes with matplotlib and is wider than most, so that a browser's own font fits as well."""

_STYLE = {**_FONT, "svg.fonttype": "none", "svg.hashsalt": "architecture"}


class _Box(NamedTuple):
    """A process of the run, a program of the same user, or what a process owns."""

    left: float
    top: float
    right: float
    bottom: float
    lines: tuple[str, ...]
    kind: Literal["process", "program", "resource"] = "process"


class _Line(NamedTuple):
    """A connection through corners, with arrow heads at its end or at both ends."""

    corners: tuple[tuple[float, float], ...]
    arrows: Literal["-|>", "<|-|>"] = "-|>"
    kind: Literal["channel", "access", "pipe"] = "channel"


class _Label(NamedTuple):
    """Lines of text beside a connection, the first one bold; `x` is the end that `align` names."""

    x: float
    top: float
    lines: tuple[str, ...]
    align: Literal["left", "center", "right"] = "left"


_FILLS = {"process": "#d9efec", "program": "#fff3d6", "resource": "#eeeeee"}
_EDGES = {"process": "#00695c", "program": "#9a6700", "resource": "#616161"}

_STROKES = {"channel": ("#111111", "solid"), "access": ("#757575", "solid"), "pipe": ("#757575", "dashed")}
"""Colour and dashes of each kind of line."""

_PARENT = (
    "sge-stream, or a Python program with Live",
    "starts, watches, restarts and stops the other processes; owns the run folder",
    "acknowledges a decision when all outputs have written it",
)

_BOXES = (
    _Box(20, 18, 150, 62, ("device or file", "opened by capture"), "resource"),
    _Box(295, 18, 455, 62, ("other programs", "stream.observe"), "program"),
    _Box(565, 18, 665, 62, ("gallery", "SQLite file"), "resource"),
    _Box(680, 18, 785, 62, ("command", "enroll --track"), "program"),
    _Box(20, 140, 195, 240, ("capture worker", "one for each source", "tracks, windows", "resends or drops")),
    _Box(
        305,
        140,
        460,
        240,
        ("encoder process", "one, or --encoders N", "owns the weights", "windows to CAGEs"),
    ),
    _Box(570, 140, 785, 240, ("matcher process", "one", "templates in memory", "scores, decisions, visits")),
    _Box(20, 400, 785, 480, ("parent process", *_PARENT)),
    _Box(20, 535, 300, 580, ("run folder", "lock, run.json, ipc sockets"), "resource"),
    _Box(505, 535, 785, 580, ("outputs", "terminal, MQTT, webhooks, web server"), "resource"),
)

_LINES = (
    _Line(((75, 62), (75, 140)), kind="access"),
    _Line(((195, 190), (305, 190))),
    _Line(((460, 190), (570, 190))),
    _Line(((610, 62), (610, 140)), "<|-|>", "access"),
    _Line(((745, 62), (745, 140)), "<|-|>"),
    _Line(((585, 140), (585, 112), (160, 112), (160, 140))),
    _Line(((370, 112), (370, 62))),
    _Line(((590, 240), (590, 280), (175, 280), (175, 240))),
    _Line(((80, 240), (80, 400))),
    _Line(((140, 240), (140, 400))),
    _Line(((390, 240), (390, 400))),
    _Line(((740, 240), (740, 400))),
    _Line(((640, 240), (640, 400)), "<|-|>"),
    *(_Line(((x, 400), (x, 240)), "<|-|>", "pipe") for x in (35, 335, 690)),
    _Line(((160, 480), (160, 535)), kind="access"),
    _Line(((645, 480), (645, 535)), kind="access"),
)

_LABELS = (
    _Label(82, 78, ("", "frames")),
    _Label(250, 153, ("windows", "PUSH → PULL", "", "Tick with", "skeletons"), "center"),
    _Label(515, 153, ("cages", "PUSH → PULL", "", "Tick with", "CAGEs"), "center"),
    _Label(180, 80, ("decisions", "XPUB → SUB: JSON")),
    _Label(738, 68, ("control", "ROUTER ↔ DEALER", "EnrolRequest;", "EnrolReply back"), "right"),
    _Label(190, 262, ("acks",)),
    _Label(190, 270, ("", "ROUTER → DEALER: Ack")),
    _Label(40, 320, ("", "pipe")),
    _Label(85, 320, ("status",)),
    _Label(145, 320, ("pictures, skeletons", "PUSH → PULL", "only if shown")),
    _Label(330, 320, ("", "pipe: settings,", "keys, stop;", "log lines back"), "right"),
    _Label(395, 320, ("status", "PUSH → PULL", "Status")),
    _Label(
        635,
        320,
        ("sink", "DEALER ↔ ROUTER", "Verdict, VisitMessage,", "SourceEnded;", "VerdictReceipt back"),
        "right",
    ),
    _Label(695, 320, ("", "pipe")),
    _Label(745, 320, ("status",)),
    _Label(402, 512, ("", "black: ZeroMQ channel", "grey: file, device, terminal", "dashed: pipe"), "center"),
)


def architecture_svg() -> bytes:
    """Returns the picture."""
    with style.context(["default", _STYLE]):
        figure = Figure(figsize=(WIDTH / 96, HEIGHT / 96), facecolor="white")
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set_xlim(0, WIDTH)
        axes.set_ylim(HEIGHT, 0)
        for line in _LINES:
            _draw_line(axes, line)
        for box in _BOXES:
            _draw_box(axes, box)
        for label in _LABELS:
            _draw_text(axes, label.x, label.top, label.lines, label.align)
        file = io.BytesIO()
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    return file.getvalue()


def _draw_line(axes: Axes, line: _Line) -> None:
    colour, dashes = _STROKES[line.kind]
    patch = FancyArrowPatch(path=MplPath(line.corners), arrowstyle=line.arrows, mutation_scale=9)
    patch.set(color=colour, linestyle=dashes)
    axes.add_patch(patch)


def _draw_box(axes: Axes, box: _Box) -> None:
    width, height = box.right - box.left, box.bottom - box.top
    corners = BoxStyle.Round(pad=0, rounding_size=6)
    patch = FancyBboxPatch((box.left, box.top), width, height, corners)
    patch.set(facecolor=_FILLS[box.kind], edgecolor=_EDGES[box.kind])
    axes.add_patch(patch)
    top = box.top + (height - _LINE_HEIGHT * len(box.lines)) / 2
    _draw_text(axes, box.left + width / 2, top, box.lines, "center")


def _draw_text(axes: Axes, x: float, top: float, lines: Iterable[str], align: str) -> None:
    """Draws each line as a text of its own: its end stays where it is in every font."""
    for number, line in enumerate(lines):
        y = top + _LINE_HEIGHT * (number + 0.75)
        axes.text(x, y, line, ha=align, weight="normal" if number else "bold")
