"""What the page of an evaluation says about the measurement: model, date, command line, machine."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime

from encoder.weights import load_encoder
from stream.terminal.version import version_text
from stream.user_text import readable
from tools.evaluation.evaluation_request import Request
from tools.evaluation.live import SHIPPED
from tools.evaluation.report_sections import machine_description

__all__ = ["command_line", "report_facts"]

_OPTIONS = {
    "encoders": "encoder",
    "trust_encoder": "trust-encoder",
    "shuffle": "shuffle-probes",
    "enrol": "enroll",
}
"""Options that have another name than their attribute of `Request`."""

_HIDDEN = "NAMES"
"""Stands for `--people` with names; a page may be passed on, so it has only numbers of people."""

_NUMBERS = re.compile(r"[A-Za-z]{0,8}[-_ ]?[0-9]{1,8}(-[0-9]{1,8})?")


def report_facts(request: Request) -> dict[str, str]:
    """Returns names and values of what was measured, how and when; loads the encoder to name it.

    Args:
        request: of the evaluation that has just ended.
    """
    facts = {
        "data set": request.dataset,
        "protocol": request.protocol,
        "model": _model(request),
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "command": readable(command_line(request)),
        "f": str(request.f),
        "seed": str(request.seed),
        "probes": "names permuted (--shuffle-probes): figures must be at chance" if request.shuffle else "",
        "program": version_text(),
        "machine": machine_description(),
    }
    return {name: fact for name, fact in facts.items() if fact}


def command_line(request: Request) -> str:
    """Returns a command that repeats the evaluation, with the options that are not defaults.

    Names of people are replaced by `NAMES`.
    """
    return shlex.join(["sge-stream", "evaluate", request.dataset, *_options(request)])


def _options(request: Request) -> Iterator[str]:
    for each in fields(request):
        value = getattr(request, each.name)
        if each.name == "dataset" or value == each.default:
            continue
        option = f"--{_OPTIONS.get(each.name, each.name)}"
        if value is True:
            yield option
        elif isinstance(value, tuple):
            for one in value:
                yield from (option, str(one))
        elif each.name == "people" and not all(map(_NUMBERS.fullmatch, value.split(","))):
            yield from (option, _HIDDEN)
        else:
            yield from (option, str(value))


def _model(request: Request) -> str:
    if request.encoders or (request.protocol == "live" and _measures_shipped(request.method)):
        return load_encoder(*request.encoders).description
    if request.protocol == "live":
        return "none loaded"
    return f"none loaded; methods that need an encoder train it here ({request.epochs} epochs)"


def _measures_shipped(methods: str) -> bool:
    return not {name.strip() for name in methods.split(",")}.isdisjoint({"default", SHIPPED})
