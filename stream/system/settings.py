"""What a run is told by options and by a `--config` file, checked once."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields, replace
from math import isfinite
from pathlib import Path
from typing import Any, Self, get_args

from stream.decision import MatcherName
from stream.errors import UserError

__all__ = ["Settings", "check_fpir", "check_matcher", "read_config"]

KINDS: dict[str, tuple[type, ...]] = {
    "sources": (list,),
    "gallery": (str,),
    "fpir": (str, float, int),
    "device": (str,),
    "encoder": (list,),
    "matcher": (str,),
    "speed": (float, int),
    "json": (bool,),
    "view": (str, int),
}
_LISTS = {"sources", "encoder"}


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of a run; a config file holds the same words.

    Attributes:
        sources: what `--source` takes, one for each source.
        gallery: a URL or a path; None for the default.
        fpir: the rate of strangers that may be named, 0..1; None for `off`.
        device: of the encoder.
        encoder: what `--encoder` takes, one for each; none stand for the weights that ship.
        speed: of recordings; 1 is real time, 0 as quick as the system takes them.
        json: JSON lines instead of the dashboard.
        matcher: how people are compared: `fusion`, by windows and segments (`gallery.scoring.fusion`);
            `nearest`, by the paper's encodings and the nearest templates; `rn`, by the same, and of several
            people whom the score accepts the one whom the recognition network predicts.
        view: a folder, or a port on loopback, that shows what the sources see; None shows nothing.
    """

    sources: tuple[str, ...] = ()
    gallery: str | None = None
    fpir: float | None = 0.01
    device: str = "auto"
    speed: float = 1.0
    json: bool = False
    encoder: tuple[str, ...] = ()
    matcher: MatcherName = "fusion"
    view: str | None = None

    def override(self, **given: Any) -> Self:
        """Put what was given (is not None) in place of what stood here.

        Raises:
            UserError: a value is out of its bounds.
        """
        known = {name: value for name, value in given.items() if value is not None}
        for name in known.keys() & _LISTS:
            known[name] = tuple(known[name])
        if "fpir" in known:
            known["fpir"] = _fpir(known["fpir"])
        if "matcher" in known:
            check_matcher(known["matcher"])
        if "speed" in known and not (isfinite(known["speed"]) and known["speed"] >= 0):
            msg = f"--speed: expected 0 or more, such as 1 (real time), got {known['speed']}"
            raise UserError(msg)
        if "view" in known:
            known["view"] = str(known["view"])
        return replace(self, **known)


def _fpir(text: str | float) -> float | None:
    if text == "off":
        return None
    try:
        rate = float(text)
    except ValueError:
        raise _wrong_rate(text) from None
    check_fpir(rate)
    return rate


def check_fpir(rate: float | None) -> None:
    """Check a rate of strangers; None stands for `off`.

    Raises:
        UserError: it does not lie between 0 and 1.
    """
    if rate is not None and not 0 < rate < 1:
        raise _wrong_rate(rate)


def check_matcher(name: str) -> None:
    """Check the name of a matcher.

    Raises:
        UserError: there is none of that name.
    """
    if name not in get_args(MatcherName):
        *others, last = get_args(MatcherName)
        msg = f"--matcher: expected {', '.join(others)} or {last}, got {name}"
        raise UserError(msg)


def _wrong_rate(given: str | float) -> UserError:
    return UserError(f"--fpir: expected off or a rate between 0 and 1, such as 0.01, got {given}")


def read_config(path: Path) -> Settings:
    """Read a TOML file of settings.

    Raises:
        UserError: it cannot be read, or holds an unknown word or a value of a wrong kind.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        msg = f"cannot read the config {path}: {error.strerror}"
        raise UserError(msg) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"{path} is not TOML: {error}"
        raise UserError(msg) from None
    possible = ", ".join(field.name for field in fields(Settings))
    for name, value in content.items():
        if name not in KINDS:
            msg = f"{path}: unknown setting {name}; possible: {possible}"
            raise UserError(msg)
        listed = name not in _LISTS or (isinstance(value, list) and all(isinstance(v, str) for v in value))
        if not (isinstance(value, KINDS[name]) and listed and isinstance(value, bool) == (name == "json")):
            wanted = "a list of texts" if name in _LISTS else KINDS[name][0].__name__
            # A source may hold a password.
            came = f"a {type(value).__name__}" if name == "sources" else repr(value)
            msg = f"{path}: {name}: expected {wanted}, got {came}"
            raise UserError(msg)
    return Settings().override(**content)
