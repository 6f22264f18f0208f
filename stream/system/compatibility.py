"""Whether a gallery and a back-end suit the encoder that runs, in sentences for people."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from encoder.encoder_settings import EncoderCard
from gallery.scoring.backend import find_backend
from gallery.store.gallery import Gallery
from stream.errors import GalleryError

__all__ = ["backend_note", "fit_command", "gallery_note"]


def gallery_note(store: Gallery, encoder: EncoderCard) -> str:
    """What to know of people who were enrolled with another encoder; empty where there are none.

    Raises:
        GalleryError: all of them were, so that nobody could be recognised.
    """
    contracts = store.contracts()
    others = {contract: people for contract, people in contracts.items() if contract != encoder.contract}
    if not others:
        return ""
    count, total = sum(others.values()), sum(contracts.values())
    whose = f"with the encoder of contract {' or '.join(others)}"
    runs = f"and the one that runs has contract {encoder.contract} ({encoder.features})"
    if count < total:
        return (
            f"{count} of {total} people in the gallery cannot be recognised: they were enrolled {whose}, "
            f"{runs}; remove them, and enrol them again"
        )
    raise GalleryError(
        f"nobody in the gallery {store.url} can be recognised: its people ({total}) were enrolled {whose}, "
        f"{runs}; run with the weights that they were enrolled with (--encoder), or enrol them again into "
        "another --gallery"
    )


def backend_note(encoder: EncoderCard, weights: Sequence[str]) -> str:
    """What to know where no back-end was fitted for the encoder, and how to fit one; else empty.

    Args:
        encoder: the one that runs.
        weights: the files and trained folders that it was loaded from; none stand for the default.
    """
    if find_backend(encoder.contract, map(Path, weights)) is not None:
        return ""
    return (
        "uncalibrated: no back-end is fitted for this encoder, so that scores are plain cosines and nobody "
        f"is named unless --fpir off; to fit one: {fit_command(weights)}"
    )


def fit_command(weights: Sequence[str]) -> str:
    """The command that fits a back-end for these weights."""
    options = "".join(f" --encoder {shlex.quote(path)}" for path in weights)
    return f"python -m tools.backend_fit.fit_backend DATA_DIR{options}"
