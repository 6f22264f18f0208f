"""Every method there is, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from encoder.training.train_config import TrainConfig
from stream.errors import UserError
from stream.skeleton import get_layout
from tools.evaluation.methods.classifier_networks import lstm
from tools.evaluation.methods.classifiers import CLASSIFIERS, Classifier
from tools.evaluation.methods.descriptors import DESCRIPTORS, descriptor
from tools.evaluation.methods.encoder_descriptions import untrained
from tools.evaluation.methods.fused import Fused
from tools.evaluation.methods.method import Description, Material, Method, Told
from tools.evaluation.methods.named_joints import through_canonical
from tools.evaluation.methods.posegait_like import posegait_like
from tools.evaluation.methods.raw_and_bones import bones, raw
from tools.evaluation.methods.sgela import PLUS, REVERSE, Sgela, Workshop
from tools.evaluation.methods.trained_weights import encoder_files

__all__ = ["MethodOptions", "choose_methods", "method_names"]

_DEFAULT = ("raw", "bones", "d13", "d16", "untrained", "encoder")
_CLASSIFY_ONLY = frozenset(f"{name}-{kind}" for name in DESCRIPTORS for kind in CLASSIFIERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodOptions:
    """What methods are told beside their names.

    Attributes:
        f: skeletons a window.
        layout: of the windows' joints; that of the canonical ones, where windows were mapped to them.
        seed: of untrained weights.
        encoders: trained weights; with several their CAGEs are put side by side.
        trust_encoder: take weights that do not say whom they were trained on.
        epochs: of encoders trained within the command.
        cache: a folder that keeps what was trained within the command; None keeps nothing.
    """

    f: int = 6
    layout: str = "kinect-v1"
    seed: int = 0
    encoders: tuple[Path, ...] = ()
    trust_encoder: bool = False
    epochs: int = 20
    cache: Path | None = None


def method_names(*, described: bool, files: bool) -> tuple[str, ...]:
    """The names of methods.

    Args:
        described: only those that describe windows, and do not merely classify them.
        files: with `encoder`, for weights files.
    """
    names = _makers(MethodOptions(encoders=(Path(),) if files else ()))
    return tuple(name for name in names if not (described and name in _CLASSIFY_ONLY))


def choose_methods(names: str | None, options: MethodOptions, *, described: bool) -> tuple[Method, ...]:
    """The methods of a table.

    Args:
        names: with commas between: methods, or single descriptions of them; `default` (None is the same) for
            those that need no training of their own; `all`, but for a second source of the same descriptions:
            with weights files there is no `sgela`.
        options: see there.
        described: leave out what only classifies, because the protocol compares features.

    Raises:
        UserError: there is no such method, two give the same, or the encoder cannot be used.
        DataError: weights cannot be used.
    """
    makers = _makers(options)
    possible = [name for name in makers if not (described and name in _CLASSIFY_ONLY)]
    wanted: dict[str, list[str]] = {}
    made: dict[str, Method] = {}
    for name in _expand(names, possible, options):
        method = _find(name, possible, makers, made)
        only = made[method].gives if name == method else (name,)
        wanted.setdefault(method, []).extend(each for each in only if each not in wanted.get(method, []))
    given: dict[str, str] = {}
    for method, gives in wanted.items():
        for each in gives:
            if given.setdefault(each, method) != method:
                raise UserError(
                    f"--method: {given[each]} and {method} both give {each!r}; measure them in two commands"
                )
    return tuple(_Selected(made[method], tuple(gives)) for method, gives in wanted.items())


@dataclass(frozen=True, slots=True, eq=False)
class _Selected:
    """Some of a method's descriptions."""

    method: Method
    gives: tuple[str, ...]

    @property
    def learns(self) -> bool:
        return self.method.learns

    @property
    def seen(self) -> frozenset[str]:
        return self.method.seen

    def learn(self, material: Material | None, told: Told) -> tuple[Description, ...]:
        by_name = {each.name: each for each in self.method.learn(material, told)}
        return tuple(by_name[name] for name in self.gives)


def _expand(names: str | None, possible: list[str], options: MethodOptions) -> list[str]:
    """The names meant, one by one."""
    found: list[str] = []
    doubled = {"sgela-plus"} if len(options.encoders) > 1 else {"sgela"} if options.encoders else set()
    for name in (names or "default").split(","):
        match name.strip():
            case "default":
                found += [name for name in _DEFAULT if name in possible]
            case "all":
                found += [name for name in possible if name not in doubled]
            case other:
                found.append(other)
    return list(dict.fromkeys(found))


def _find(
    name: str, possible: list[str], makers: Mapping[str, Callable[[], Method]], made: dict[str, Method]
) -> str:
    """The method that is called so, or gives a description that is."""
    if name in possible:
        if name not in made:
            made[name] = makers[name]()
        return name
    # Weights files before trainings: who names a file means it.
    for method in sorted(possible, key=lambda each: each != "encoder"):
        if method not in made:
            made[method] = makers[method]()
        if name in made[method].gives:
            return method
    if name == "encoder":
        raise UserError("--method: encoder wants weights; give --encoder FILE, or train here: sgela")
    raise UserError(f"--method: there is no {name!r} here; there are default, all, {', '.join(possible)}")


def _makers(options: MethodOptions) -> dict[str, Callable[[], Method]]:
    """What makes each method, in the order of a table."""
    joints = len(get_layout(options.layout).joints)
    workshop = Workshop(options.cache)

    def sgela(pretext: str) -> Sgela:
        return Sgela(TrainConfig(pretext=pretext, f=options.f, epochs=options.epochs), workshop)

    makers: dict[str, Callable[[], Method]] = {
        "raw": lambda: raw(options.f),
        "bones": lambda: bones(options.layout),
        "d13": lambda: descriptor("d13", options.layout),
        "d16": lambda: descriptor("d16", options.layout),
        "untrained": lambda: untrained(options.f, joints, options.seed),
    }
    for name, features in DESCRIPTORS.items():
        mapped = through_canonical(features, options.layout)
        makers |= {f"{name}-{kind}": partial(Classifier, name, mapped, kind) for kind in CLASSIFIERS}
    makers |= {
        "lstm-1": lambda: lstm("lstm-1", 1),
        "lstm-2": lambda: lstm("lstm-2", 2),
        "posegait_like": lambda: posegait_like(options.layout),
        "sgela": lambda: sgela(REVERSE),
        "sgela-plus": lambda: sgela(PLUS),
        "fused": lambda: Fused(sgela(REVERSE), options.layout),
    }
    if options.encoders:
        makers["encoder"] = lambda: encoder_files(
            options.encoders, options.f, options.layout, trusted=options.trust_encoder
        )
    return makers
