"""Writes the results of a training: weights for the live system, the model card, settings and history."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from encoder.training.contrast import save_head
from encoder.training.spans import Spans
from encoder.training.train_config import TrainConfig
from encoder.training.trainer import Trainer
from encoder.training.training_progress import EpochReport
from encoder.weights import save_weights, weights_digest
from encoder.weights_files import WEIGHTS
from stream.errors import RunError
from stream.skeleton import CANONICAL_LAYOUT

__all__ = ["CARD", "HEAD", "DataSource", "export", "model_card", "training_people"]

HEAD = "contrast.safetensors"
"""Name of the contrastive projection's file in a training folder."""

CARD = "MODEL_CARD.md"
"""Name of the model card in a training folder."""

_NUMBER_RANGES = r"\d+(-\d+)?(, \d+(-\d+)?)*"

_CARD = """\
# Model card: gait encoder

Model `{digest}`.

Turns windows of 3D skeletons ({skeleton}, relative to the hip, metres,
{rate} a second) into gait encodings that can be compared to identify people. Trained
without labels, after Rao et al., *A Self-Supervised Gait Encoding Approach with
Locality-Awareness for 3D Skeleton Based Person Re-Identification*, IEEE TPAMI 2022.

## Use

For research, unless the licences below permit more. Gait is biometric data: obtain the consent of
the people whom you record. The figures below are training losses; they do not measure
identification. Measure it on people who are not in the training data.

## Data

| source | people | walks | frames | licence |
|---|---|---|---|---|
{data}

{windows}. SHA-256 of the windows: `{data_digest}`.

## Settings

```toml
{settings}
```

Products with weights were computed in {precision}.

## Figures

Means per window, summed over X, Y and Z. Reconstruction in square metres.

| epoch | reconstruction (L_S) | alignment (L_A) | contrast (L_C) | L2 | windows/s |
|---|---|---|---|---|---|
{figures}
"""


@dataclass(frozen=True, slots=True)
class DataSource:
    """A source of training data, as it appears in the model card.

    Attributes:
        name: name of the data set, or of the folder of recordings.
        people: the people as number ranges if they are anonymous numbers, else their count.
        walks: number of recordings.
        frames: number of skeletons.
        licence: what is known about the licence, and what to cite.
        named: whether the people have names, so that `people` is only their count.
    """

    name: str
    people: str
    walks: int
    frames: int
    licence: str
    named: bool = False


def export(trainer: Trainer, spans: Spans, sources: Sequence[DataSource], folder: Path) -> Path:
    """Writes the weights, the model card, the settings and the history of a finished training.

    Returns:
        The weights file, for `encoder.weights.load_encoder`.

    Raises:
        DataError, RunError: a file cannot be written.
    """
    config, model = trainer.config, trainer.model
    extra = {
        "pretext": config.pretext,
        "contrast": config.contrast,
        "epochs": str(len(trainer.history)),
        "data": spans.digest,
        "layout": spans.layout,
        "rate_hz": f"{spans.rate_hz:g}",
        "seen": json.dumps([{"source": s.name, "people": _number_ranges(s)} for s in sources]),
    }
    save_weights(folder / WEIGHTS, model.state_dict(), model.config, extra)
    save_head(folder / HEAD, trainer.head)
    digest = weights_digest(model.state_dict())
    texts = {
        CARD: model_card(config, digest, spans, sources, trainer.history, trainer.precision),
        "training.toml": config.as_toml(),
        "history.json": json.dumps([asdict(report) for report in trainer.history], indent=1) + "\n",
    }
    try:
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise RunError(
            f"{folder}: the model card cannot be written ({error.strerror}); free some space and run the "
            "same command again, the training is saved in its checkpoint"
        ) from error
    return folder / WEIGHTS


def _number_ranges(source: DataSource) -> str | None:
    """Returns the people of a source as number ranges; None if they have names or are unknown."""
    return source.people if not source.named and re.fullmatch(_NUMBER_RANGES, source.people) else None


def training_people(extra: Mapping[str, str]) -> dict[str, frozenset[str]] | None:
    """Returns the people that an encoder was trained on, from the metadata of its weights.

    Args:
        extra: the metadata, `encoder.weights.Weights.extra`.

    Returns:
        For each source, by the stem of its file or folder, its people as numbers without leading zeros. The
        set is empty if the metadata do not identify the people: they have names, or are unknown. None if the
        metadata do not list the sources, for example in weights from another program.
    """
    try:
        sources = [(str(one["source"]), one["people"]) for one in json.loads(extra["seen"])]
        people = [frozenset[str]() if text is None else _parse_ranges(text) for _, text in sources]
    except (KeyError, TypeError, ValueError):
        return None
    # Sources of the same name are merged; if one of them has unknown people, the merged set is unknown.
    unknown = {name for (name, _), numbers in zip(sources, people, strict=True) if not numbers}
    merged: dict[str, frozenset[str]] = {}
    for (name, _), numbers in zip(sources, people, strict=True):
        merged[name] = frozenset() if name in unknown else merged.get(name, frozenset()) | numbers
    return merged


def _parse_ranges(text: str) -> frozenset[str]:
    """Returns the numbers of ranges such as `1-80, 90`."""
    if not re.fullmatch(_NUMBER_RANGES, text):
        raise ValueError(text)
    ranges = [[int(number) for number in part.split("-")] for part in text.split(", ")]
    return frozenset(str(number) for bounds in ranges for number in range(bounds[0], bounds[-1] + 1))


def model_card(
    config: TrainConfig,
    digest: str,
    spans: Spans,
    sources: Sequence[DataSource],
    history: Sequence[EpochReport],
    precision: str,
) -> str:
    """Returns a model card in Markdown: description, data and licences, settings and training losses.

    Args:
        config: the settings.
        digest: the digest of the weights (`encoder.weights.weights_digest`).
        spans: the training data.
        sources: the sources of the training data.
        history: one report per epoch.
        precision: the precision of the products.
    """
    data = [
        f"| {s.name} | {s.people} | {s.walks} | {s.frames:,} | {s.licence} |"
        for s in sorted(sources, key=lambda s: s.name)
    ]
    figures = [
        f"| {r.epoch} | {r.reconstruction:.4f} | {r.alignment:.4f} | {r.contrast:.4f} | {r.l2:.4f} "
        f"| {r.windows / r.seconds:.0f} |"
        for r in history
    ]
    layout = "" if spans.layout == CANONICAL_LAYOUT else f" of {spans.layout}"
    return _CARD.format(
        digest=digest,
        skeleton=f"{spans.joints} joints{layout}",
        rate=f"{spans.rate_hz:g}",
        data="\n".join(data),
        windows=f"{len(spans):,} windows from {len(spans.names):,} walks; {len(spans.empty)} walks gave none",
        data_digest=spans.digest,
        settings=config.as_toml().rstrip(),
        precision=precision,
        figures="\n".join(figures),
    )
