"""Settings of a run, from command line options and a `--config` file, with their checks."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from math import isfinite
from pathlib import Path
from typing import Any, Literal, Self, get_args

from encoder.precision import Precision, check_precision
from stream.decision import MatcherName
from stream.durations import parse_duration
from stream.errors import UserError
from stream.system.serve_settings import ServeSettings
from stream.user_text import decode_text, user_path

__all__ = [
    "EventChoice",
    "Settings",
    "check_encoders",
    "check_fpir",
    "check_history",
    "check_matcher",
    "read_config",
]

EventChoice = Literal["decisions", "visits", "all"]
"""Lines of `--json`."""

MAX_ENCODERS = 64
"""Most encoder processes."""

_TYPES: dict[str, tuple[type, ...]] = {
    "sources": (list,),
    "gallery": (str,),
    "fpir": (str, float, int),
    "device": (str,),
    "precision": (str,),
    "encoder": (list,),
    "encoders": (int,),
    "matcher": (str,),
    "speed": (float, int),
    "json": (bool,),
    "events": (str,),
    "output": (list,),
    "places": (dict,),
    "history": (str, int),
    "remember_strangers": (str, int),
    "view": (str, int),
    "strict": (bool,),
    "serve": (dict,),
}
_LIST_SETTINGS = {"sources", "encoder", "output"}
_EXPECTED = {
    "sources": "a list of strings",
    "encoder": "a list of strings",
    "places": 'a table with lists of sources, such as hall = ["front", "back"]',
    "output": "a list of addresses and tables",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of a run; the keys of a config file have the same names.

    Attributes:
        sources: source specifications, as `--source` takes them.
        gallery: URL or path of the gallery; None for the default.
        fpir: accepted false positive identification rate, 0..1: the share of strangers that are named at any
            moment of a visit; None for `off`.
        device: device of the encoder: `auto`, `cpu`, `cuda`, `cuda:1`.
        precision: of the encoder: `fp32`, or `bf16` on a CPU that has products of such numbers.
        places: names of sources by the place that they see, in a config file only; see `stream.Live`.
        encoder: weights files and training folders, as `--encoder` takes them; empty for the shipped weights.
        encoders: number of encoder processes; each encodes the windows of its own tracks.
        speed: playback speed of recordings; 1 is real time, 0 as fast as possible.
        json: True for JSON lines, False for the dashboard.
        events: lines of `json`: `decisions`, events of `visits`, or `all`.
        output: further outputs, each as `--output` takes it or as a table with `kind` and its settings; see
            `stream.outputs.output_settings`.
        matcher: comparison method. `fusion`: windows and segments (`gallery.scoring.fusion`); `nearest`: the
            paper's encodings and the nearest templates; `rn`: like `nearest`, but if the score accepts
            several people, the recognition network chooses among them.
        history: how long visits are stored in the gallery, such as `30d` or `12h`; `0` stores none.
        remember_strangers: how long walks of people who are not enrolled are kept, such as `7d`, so that one
            who comes again has the same id; `0` keeps none. They are biometric data without consent. At most
            as long as `history`.
        view: folder, or port on loopback, that shows the pictures of the sources; None for no pictures.
        strict: True ends the run as soon as a source is lost, also if it could not be opened at the start.
        serve: settings of the web server, a table; `sge-stream serve` uses them.
    """

    sources: tuple[str, ...] = ()
    gallery: str | None = None
    fpir: float | None = 0.05
    device: str = "auto"
    precision: Precision = "fp32"
    speed: float = 1.0
    json: bool = False
    events: EventChoice = "decisions"
    output: tuple[str | dict[str, Any], ...] = ()
    places: dict[str, list[str]] | None = None
    encoder: tuple[str, ...] = ()
    encoders: int = 1
    matcher: MatcherName = "fusion"
    history: str = "30d"
    remember_strangers: str = "0"
    view: str | None = None
    strict: bool = False
    serve: ServeSettings = field(default_factory=ServeSettings)

    def override(self, **given: Any) -> Self:
        """Returns a copy with the given values; None keeps the present value.

        Raises:
            UserError: a value is out of range.
        """
        known = {name: value for name, value in given.items() if value is not None}
        for name in known.keys() & _LIST_SETTINGS:
            known[name] = tuple(known[name])
        if "fpir" in known:
            known["fpir"] = _parse_fpir(known["fpir"])
        if "events" in known and known["events"] not in get_args(EventChoice):
            msg = f"--events: expected decisions, visits or all, got {known['events']}"
            raise UserError(msg)
        if "matcher" in known:
            check_matcher(known["matcher"])
        if "precision" in known:
            known["precision"] = check_precision(known["precision"])
        if "encoders" in known:
            check_encoders(known["encoders"])
        if "speed" in known and not (isfinite(known["speed"]) and known["speed"] >= 0):
            msg = f"--speed: expected 0 or more, such as 1 (real time), got {known['speed']}"
            raise UserError(msg)
        if "serve" in known:
            known["serve"] = self.serve.override(known["serve"])
        for name in known.keys() & {"history", "remember_strangers"}:
            known[name] = str(known[name])
        history, strangers = (
            known.get(name, getattr(self, name)) for name in ("history", "remember_strangers")
        )
        check_history(history, strangers)
        if "view" in known:
            known["view"] = str(known["view"])
        if "encoder" in known:
            known["encoder"] = tuple(str(user_path(path)) for path in known["encoder"])
        return replace(self, **known)


def _parse_fpir(text: str | float) -> float | None:
    if text == "off":
        return None
    try:
        rate = float(text)
    except ValueError:
        raise _invalid_fpir(text) from None
    check_fpir(rate)
    return rate


def check_fpir(rate: float | None) -> None:
    """Checks an FPIR; None stands for `off`.

    Raises:
        UserError: the rate is not between 0 and 1.
    """
    if rate is not None and not 0 < rate < 1:
        raise _invalid_fpir(rate)


def check_history(history: str, remember_strangers: str) -> tuple[timedelta, timedelta]:
    """Returns how long visits are stored, and how long walks of strangers are kept.

    Raises:
        UserError: one is no duration, or walks were kept longer than visits.
    """
    stored = parse_duration(history, "--history")
    kept = parse_duration(remember_strangers, "--remember-strangers")
    if kept > stored:
        msg = (
            f"--remember-strangers {remember_strangers} needs a --history of at least the same time, "
            f"got {history}"
        )
        raise UserError(msg)
    return stored, kept


def check_encoders(count: int) -> None:
    """Checks a number of encoder processes.

    Raises:
        UserError: it is out of range.
    """
    if not 1 <= count <= MAX_ENCODERS:
        raise UserError(f"--encoders: expected 1 to {MAX_ENCODERS} processes, got {count}")


def check_matcher(name: str) -> None:
    """Checks the name of a matcher.

    Raises:
        UserError: there is no matcher of that name.
    """
    if name not in get_args(MatcherName):
        *others, last = get_args(MatcherName)
        msg = f"--matcher: expected {', '.join(others)} or {last}, got {name}"
        raise UserError(msg)


def _invalid_fpir(given: str | float) -> UserError:
    return UserError(f"--fpir: expected off or a rate between 0 and 1, such as 0.05, got {given}")


def read_config(path: Path) -> Settings:
    """Reads settings from a TOML file, UTF-8 unless its byte order mark says otherwise.

    Raises:
        UserError: the file cannot be read, has an unknown key, or a value of a wrong type or out of range.
    """
    path = user_path(str(path))
    try:
        content = tomllib.loads(decode_text(path.read_bytes()))
    except OSError as error:
        msg = f"cannot read the config {path}: {error.strerror}"
        raise UserError(msg) from None
    except (ValueError, RecursionError) as error:  # the latter from deep nesting
        msg = f"{path} is not valid TOML: {error}"
        raise UserError(msg) from None
    known = ", ".join(each.name for each in fields(Settings))
    for name, value in content.items():
        if name not in _TYPES:
            msg = f"{path}: unknown setting {name}; known settings: {known}"
            raise UserError(msg)
        if not _has_valid_type(name, value):
            expected = _EXPECTED.get(name, _TYPES[name][0].__name__)
            msg = f"{path}: {name}: expected {expected}, {_actual(name, value)}"
            raise UserError(msg)
    try:
        return Settings().override(**content)
    except OverflowError as error:
        msg = f"{path}: a number is too large: {error}"
        raise UserError(msg) from None


def _wrong_entry(name: str, entries: list[Any]) -> int | None:
    """Returns the place of the first entry of a wrong type, from 0."""
    types = (str, dict) if name == "output" else (str,)  # a table or an address
    return next((place for place, entry in enumerate(entries) if not isinstance(entry, types)), None)


def _actual(name: str, value: object) -> str:
    """Returns what a setting of a wrong type is, without the text of a source or an output: a password."""
    if name not in _LIST_SETTINGS:
        return f"got {value!r}"
    place = _wrong_entry(name, value) if isinstance(value, list) else None
    if place is None or not isinstance(value, list):
        return f"got a {type(value).__name__}"
    return f"but entry {place + 1} is of type {type(value[place]).__name__}"


def _has_valid_type(name: str, value: object) -> bool:
    if name in _LIST_SETTINGS:
        return isinstance(value, list) and _wrong_entry(name, value) is None
    if name == "places":
        return isinstance(value, dict) and all(
            isinstance(members, list) and all(isinstance(member, str) for member in members)
            for members in value.values()
        )
    # bool is a subclass of int, but no number.
    return isinstance(value, _TYPES[name]) and isinstance(value, bool) == (bool in _TYPES[name])
