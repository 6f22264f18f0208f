"""Descriptions by weights that were trained before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from encoder.training.contrast import Contrast, load_head
from encoder.training.model_card import HEAD
from encoder.weights import Weights, load_weights
from encoder.weights_files import weights_files
from stream.errors import UserError
from stream.skeleton import CANONICAL_LAYOUT, get_layout
from tools.evaluation.methods.encoder_descriptions import encoder_descriptions, model_of, plus_description
from tools.evaluation.methods.method import Description, Fixed
from tools.evaluation.methods.named_joints import span_layout
from tools.evaluation.methods.train_test_overlap import seen_by

__all__ = ["encoder_files"]


def encoder_files(given: Sequence[Path], f: int, layout: str, *, trusted: bool = False) -> Fixed:
    """The descriptions by trained weights: `cage`, `h` and `z` of one file, `cage-plus` of several.

    Args:
        given: weights files, or folders as `sge-stream train` leaves them. The contrastive projection is
            taken from the file beside the weights; `age` stands for `cage` where no contrastive loss was.
        f: skeletons a window.
        layout: of the windows' joints.
        trusted: take weights that do not say whom they were trained on; see `seen_by`.

    Raises:
        UserError: an encoder takes other windows, or does not say whom it has seen.
        DataError: the weights cannot be used.
    """
    files = weights_files(given)
    found = [_load(file, f, layout) for file in files]
    seen = frozenset[str]().union(
        *(seen_by(file, each.extra, trusted=trusted) for file, each in zip(files, found, strict=True))
    )
    models = [model_of(weights.config, dict(weights.state)) for weights in found]
    if len(models) > 1:
        return Fixed((plus_description(models),), seen)
    return Fixed(_alone(files[0], found[0]), seen)


def _load(file: Path, f: int, layout: str) -> Weights:
    weights = load_weights(file)
    if (taken := weights.config.f) != f:
        raise UserError(f"{file} takes windows of {taken} skeletons, not of {f}: give --f {taken}, or others")
    learned = weights.extra.get("layout", CANONICAL_LAYOUT)
    if (learned, weights.config.joints) != (span_layout(layout), len(get_layout(layout).joints)):
        raise UserError(
            f"{file} takes skeletons of {weights.config.joints} joints ({learned}), the windows here are in "
            f"the layout {layout}: give weights that were trained on such windows"
        )
    return weights


def _alone(file: Path, weights: Weights) -> tuple[Description, ...]:
    model = model_of(weights.config, dict(weights.state))
    if weights.extra.get("contrast") == Contrast.NONE:
        return encoder_descriptions(model, contexts="age")
    beside = file.with_name(HEAD)
    head = load_head(beside, weights.config.f, weights.config.hidden) if beside.is_file() else None
    return encoder_descriptions(model, head)
