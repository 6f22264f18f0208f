"""What a training leaves behind: weights for the live system, and a model card that says what they are."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from encoder.training.checkpoint import EpochReport
from encoder.training.contrast import save_head
from encoder.training.spans import Spans
from encoder.training.train_config import TrainConfig
from encoder.training.trainer import Trainer
from encoder.weights import save_weights, weights_digest
from encoder.weights_files import WEIGHTS
from stream.errors import RunError
from stream.skeleton import CANONICAL_LAYOUT

__all__ = ["CARD", "HEAD", "DataSource", "export", "model_card", "seen_people"]

HEAD = "contrast.safetensors"
CARD = "MODEL_CARD.md"

_NUMBERS = r"\d+(-\d+)?(, \d+(-\d+)?)*"


@dataclass(frozen=True, slots=True)
class DataSource:
    """Where training data came from, as a model card names it.

    Attributes:
        name: of the data set, or of the recordings' folder.
        people: who, where numbers say it without naming anybody; else how many.
        walks: how many recordings.
        frames: how many skeletons.
        licence: what is known of the licence, and whom to cite.
        named: whether its people have names, so that `people` only counts them.
    """

    name: str
    people: str
    walks: int
    frames: int
    licence: str
    named: bool = False


def export(trainer: Trainer, spans: Spans, sources: Sequence[DataSource], folder: Path) -> Path:
    """Write the weights, the model card, the settings and the figures of a finished training.

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
        "seen": json.dumps([{"source": s.name, "people": _numbers(s)} for s in sources]),
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
            f"{folder}: the model card cannot be written ({error.strerror}); make room and start the same "
            "command again, the training is in its checkpoint"
        ) from error
    return folder / WEIGHTS


def _numbers(source: DataSource) -> str | None:
    """The people of a source as its card has them, where they are numbers."""
    return source.people if not source.named and re.fullmatch(_NUMBERS, source.people) else None


def seen_people(extra: Mapping[str, str]) -> dict[str, frozenset[str]] | None:
    """Whom an encoder was trained on, as the metadata of its weights say (`encoder.weights.Weights.extra`).

    Returns:
        For each source, by the stem of its file or folder, its people as numbers without leading zeros. The
        set is empty where somebody was seen and weights do not say who: people with names, or unknown ones.
        None where nothing is known of sources either, as of weights that others wrote.
    """
    try:
        listed = [(str(one["source"]), one["people"]) for one in json.loads(extra["seen"])]
        people = [frozenset[str]() if text is None else _parse(text) for _, text in listed]
    except (KeyError, TypeError, ValueError):
        return None
    # Of two sources of one name, both were seen; whom nobody knows spoils what is known of the other.
    unsaid = {name for (name, _), who in zip(listed, people, strict=True) if not who}
    seen: dict[str, frozenset[str]] = {}
    for (name, _), who in zip(listed, people, strict=True):
        seen[name] = frozenset() if name in unsaid else seen.get(name, frozenset()) | who
    return seen


def _parse(text: str) -> frozenset[str]:
    """The people of `1-80, 90`."""
    if not re.fullmatch(_NUMBERS, text):
        raise ValueError(text)
    runs = [[int(number) for number in part.split("-")] for part in text.split(", ")]
    return frozenset(str(number) for run in runs for number in range(run[0], run[-1] + 1))


def model_card(
    config: TrainConfig,
    digest: str,
    spans: Spans,
    sources: Sequence[DataSource],
    history: Sequence[EpochReport],
    precision: str,
) -> str:
    """A model card in Markdown: what it is, its data and their licences, settings and figures.

    Args:
        config: the settings.
        digest: of the weights (`encoder.weights.weights_digest`).
        spans: the training data.
        sources: where they came from.
        history: a report for each epoch.
        precision: of the products.
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
    lines = [
        "# Model card: gait encoder",
        "",
        f"Model `{digest}`.",
        "",
        f"Turns windows of 3D skeletons ({spans.joints} joints{layout}, relative to the hip, metres,",
        f"{spans.rate_hz:g} a second) into gait encodings that can be compared to tell people apart. Trained",
        "without labels, after Rao et al., *A Self-Supervised Gait Encoding Approach with",
        "Locality-Awareness for 3D Skeleton Based Person Re-Identification*, IEEE TPAMI 2022.",
        "",
        "## Use",
        "",
        "For research, unless the licences below say more. Gait is biometric data: ask those whom you",
        "record. The figures below are training losses; they say nothing about how well people are told",
        "apart, which has to be measured on people who are not among the training data.",
        "",
        "## Data",
        "",
        "| source | people | walks | frames | licence |",
        "|---|---|---|---|---|",
        *data,
        "",
        f"{len(spans):,} windows from {len(spans.names):,} walks; {len(spans.empty)} walks gave none. "
        f"SHA-256 of the windows: `{spans.digest}`.",
        "",
        "## Settings",
        "",
        "```toml",
        config.as_toml().rstrip(),
        "```",
        "",
        f"Products with weights were computed in {precision}.",
        "",
        "## Figures",
        "",
        "Means a window; X, Y and Z summed. Reconstruction in square metres.",
        "",
        "| epoch | reconstruction (L_S) | alignment (L_A) | contrast (L_C) | L2 | windows/s |",
        "|---|---|---|---|---|---|",
        *figures,
    ]
    return "\n".join(lines) + "\n"
