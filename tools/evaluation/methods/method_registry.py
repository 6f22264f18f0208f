"""Registry of all methods by name.

`_factories` lists them in the order of a table; a new baseline is added there
(`tools.evaluation.methods.method.Method` says how to write one).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from encoder.training.train_config import TrainConfig
from stream.errors import UserError
from stream.skeleton import get_layout
from tools.evaluation.methods.classifier_networks import lstm_method
from tools.evaluation.methods.classifiers import CLASSIFIER_KINDS, DescriptorClassifier
from tools.evaluation.methods.descriptors import DESCRIPTORS, descriptor_method
from tools.evaluation.methods.encoder_descriptions import untrained_encoder_method
from tools.evaluation.methods.fused import FusionMethod
from tools.evaluation.methods.method import Description, Method, Progress, TrainingInput
from tools.evaluation.methods.named_joints import adapt_to_layout
from tools.evaluation.methods.posegait_like import posegait_like_method
from tools.evaluation.methods.raw_and_bones import bones_method, raw_method
from tools.evaluation.methods.sgela import PLUS, REVERSE, EncoderCache, Sgela
from tools.evaluation.methods.trained_weights import encoder_method

__all__ = ["MethodOptions", "choose_methods"]

_DEFAULT = ("raw", "bones", "d13", "d16", "untrained", "encoder")
_CLASSIFY_ONLY = frozenset(f"{name}-{kind}" for name in DESCRIPTORS for kind in CLASSIFIER_KINDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodOptions:
    """Options of all methods.

    Attributes:
        f: skeletons in a window.
        layout: joint layout of the windows; `kinect-v1` where they were mapped to the canonical joints.
        seed: seed of the `untrained` encoder's weights.
        encoders: files of trained weights; the CAGEs of several encoders are concatenated.
        trust_encoder: accept weights that do not record their training people.
        epochs: epochs of encoders trained within the command.
        cache: folder that keeps encoders trained within the command for the next one; None keeps none.
    """

    f: int = 6
    layout: str = "kinect-v1"
    seed: int = 0
    encoders: tuple[Path, ...] = ()
    trust_encoder: bool = False
    epochs: int = 20
    cache: Path | None = None


def choose_methods(
    names: str | None, options: MethodOptions, *, features_required: bool
) -> tuple[Method, ...]:
    """Returns the methods of a table.

    Args:
        names: comma-separated names of methods or of single descriptions. `default` (also None) stands for
            the methods that need no training here. `all` stands for all methods; with weights files it omits
            `sgela` (with several, `sgela-plus`), because the files provide the same descriptions.
        options: options of the methods.
        features_required: leave out methods that only classify; for protocols that compare features.

    Raises:
        UserError: a method does not exist, two methods provide the same description, or an encoder does not
            match.
        DataError: a weights file is not usable.
    """
    factories = _factories(options)
    available = [name for name in factories if not (features_required and name in _CLASSIFY_ONLY)]
    selected: dict[str, list[str]] = {}
    created: dict[str, Method] = {}
    for name in _expand_names(names, available, options):
        method = _find_method(name, available, factories, created)
        provided = created[method].description_names if name == method else (name,)
        chosen = selected.setdefault(method, [])
        chosen.extend(each for each in provided if each not in chosen)
    providers: dict[str, str] = {}
    for method, descriptions in selected.items():
        for each in descriptions:
            if (other := providers.setdefault(each, method)) != method:
                raise UserError(
                    f"--method: {other} and {method} both provide {each!r}; measure them in two commands"
                )
    return tuple(_MethodSubset(created[method], tuple(names)) for method, names in selected.items())


@dataclass(frozen=True, slots=True, eq=False)
class _MethodSubset:
    """A method, restricted to some of its descriptions."""

    method: Method
    description_names: tuple[str, ...]

    @property
    def needs_training(self) -> bool:
        return self.method.needs_training

    @property
    def training_people(self) -> frozenset[str]:
        return self.method.training_people

    def fit(self, data: TrainingInput | None, progress: Progress) -> tuple[Description, ...]:
        by_name = {each.name: each for each in self.method.fit(data, progress)}
        return tuple(by_name[name] for name in self.description_names)


def _expand_names(names: str | None, available: list[str], options: MethodOptions) -> list[str]:
    """Splits the list of names and expands `default` and `all`."""
    found: list[str] = []
    replaced = {"sgela-plus"} if len(options.encoders) > 1 else {"sgela"} if options.encoders else set()
    for name in (names or "default").split(","):
        match name.strip():
            case "default":
                found += [name for name in _DEFAULT if name in available]
            case "all":
                found += [name for name in available if name not in replaced]
            case other:
                found.append(other)
    return list(dict.fromkeys(found))


def _find_method(
    name: str,
    available: list[str],
    factories: Mapping[str, Callable[[], Method]],
    created: dict[str, Method],
) -> str:
    """Returns the method with this name or with a description of this name, and creates it in `created`."""
    if name in available:
        if name not in created:
            created[name] = factories[name]()
        return name
    # `encoder` first: descriptions of given weights files have priority over training here.
    for method in sorted(available, key=lambda each: each != "encoder"):
        if method not in created:
            created[method] = factories[method]()
        if name in created[method].description_names:
            return method
    if name == "encoder":
        raise UserError("--method: encoder needs weights; give --encoder FILE, or train here: sgela")
    raise UserError(
        f"--method: {name!r} is not available here; available: default, all, {', '.join(available)}"
    )


def _factories(options: MethodOptions) -> dict[str, Callable[[], Method]]:
    """Returns the constructor of each method by name, in the order of a table."""
    joints = len(get_layout(options.layout).joints)
    cache = EncoderCache(options.cache)

    def sgela(pretext: str) -> Sgela:
        return Sgela(TrainConfig(pretext=pretext, f=options.f, epochs=options.epochs), cache)

    factories: dict[str, Callable[[], Method]] = {
        "raw": lambda: raw_method(options.f),
        "bones": lambda: bones_method(options.layout),
        "d13": lambda: descriptor_method("d13", options.layout),
        "d16": lambda: descriptor_method("d16", options.layout),
        "untrained": lambda: untrained_encoder_method(options.f, joints, options.seed),
    }
    for name, features in DESCRIPTORS.items():
        adapted = adapt_to_layout(features, options.layout)
        for kind in CLASSIFIER_KINDS:
            factories[f"{name}-{kind}"] = partial(DescriptorClassifier, name, adapted, kind)
    factories |= {
        "lstm-1": lambda: lstm_method("lstm-1", 1),
        "lstm-2": lambda: lstm_method("lstm-2", 2),
        "posegait_like": lambda: posegait_like_method(options.layout),
        "sgela": lambda: sgela(REVERSE),
        "sgela-plus": lambda: sgela(PLUS),
        "fused": lambda: FusionMethod(sgela(REVERSE), options.layout),
    }
    if options.encoders:
        factories["encoder"] = lambda: encoder_method(
            options.encoders, options.f, options.layout, trusted=options.trust_encoder
        )
    return factories
