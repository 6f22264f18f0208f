"""Method `encoder`: descriptions computed with given weights files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from encoder.model import GaitEncoder
from encoder.training.contrast import Contrast, load_head
from encoder.training.model_card import HEAD
from encoder.weights import Weights, load_weights
from encoder.weights_files import find_weights_files
from stream.errors import UserError
from stream.skeleton import CANONICAL_LAYOUT, get_layout
from tools.evaluation.methods.encoder_descriptions import (
    build_encoder,
    encoder_descriptions,
    plus_description,
)
from tools.evaluation.methods.method import Description, FixedMethod
from tools.evaluation.methods.named_joints import span_layout
from tools.evaluation.methods.train_test_overlap import training_people_of

__all__ = ["encoder_method"]


def encoder_method(given: Sequence[Path], f: int, layout: str, *, trusted: bool = False) -> FixedMethod:
    """Returns the method of given weights: `cage`, `h` and `z` for one file, `cage-plus` for several.

    The contrastive projection is read from the file beside the weights; without it there is no `z`. Weights
    trained without contrastive loss provide `age` instead of `cage`.

    Args:
        given: weights files, or output folders of `sge-stream train`.
        f: skeletons in a window.
        layout: joint layout of the windows.
        trusted: accept weights that do not record their training people; see `training_people_of`.

    Raises:
        UserError: an encoder expects other windows, or does not record its training people.
        DataError: a weights file is not usable.
    """
    files = find_weights_files(given)
    loaded = [_load(file, f, layout) for file in files]
    people = frozenset[str]().union(
        *(
            training_people_of(file, each.extra, trusted=trusted)
            for file, each in zip(files, loaded, strict=True)
        )
    )
    models = [build_encoder(weights.config, dict(weights.state)) for weights in loaded]
    if len(models) > 1:
        return FixedMethod((plus_description(models),), people)
    return FixedMethod(_single_encoder_descriptions(files[0], loaded[0], models[0]), people)


def _load(file: Path, f: int, layout: str) -> Weights:
    weights = load_weights(file)
    if (expected := weights.config.f) != f:
        raise UserError(
            f"{file} takes windows of {expected} skeletons, not of {f}: give --f {expected}, or other weights"
        )
    trained_layout = weights.extra.get("layout", CANONICAL_LAYOUT)
    if (trained_layout, weights.config.joints) != (span_layout(layout), len(get_layout(layout).joints)):
        raise UserError(
            f"{file} takes skeletons of {weights.config.joints} joints ({trained_layout}), the windows here "
            f"are in the layout {layout}: give weights that were trained on such windows"
        )
    return weights


def _single_encoder_descriptions(file: Path, weights: Weights, model: GaitEncoder) -> tuple[Description, ...]:
    if weights.extra.get("contrast") == Contrast.NONE:
        return encoder_descriptions(model, contexts_name="age")
    head_file = file.with_name(HEAD)
    head = load_head(head_file, weights.config.f, weights.config.hidden) if head_file.is_file() else None
    return encoder_descriptions(model, head)
