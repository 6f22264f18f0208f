"""Checks whether the gallery and a back-end match the encoder in use; results are messages to the user."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from encoder.encoder_settings import EncoderInfo
from gallery.scoring.backend import find_backend
from gallery.store.gallery import open_gallery
from gallery.store.store_protocol import MissingGalleryError
from stream.errors import GalleryError

__all__ = ["backend_note", "fit_command", "gallery_note"]


def gallery_note(url: str, encoder: EncoderInfo) -> str:
    """Returns a note on people enrolled with another encoder; empty if there are none, or no gallery.

    Raises:
        GalleryError: all people were enrolled with another encoder, so no person could be recognised.
    """
    try:
        with open_gallery(url, create=False) as store:
            contracts = store.contracts()
    except MissingGalleryError:
        return ""
    others = {contract: people for contract, people in contracts.items() if contract != encoder.contract}
    if not others:
        return ""
    count, total = sum(others.values()), sum(contracts.values())
    others_text = f"with the encoder of contract {' or '.join(others)}"
    current_text = f"and the encoder in use has contract {encoder.contract} ({encoder.description})"
    if count < total:
        return (
            f"{count} of {total} people in the gallery cannot be recognised: they were enrolled "
            f"{others_text}, {current_text}; remove and re-enrol them"
        )
    raise GalleryError(
        f"no person in the gallery {url} can be recognised: its people ({total}) were enrolled "
        f"{others_text}, {current_text}; use the weights that they were enrolled with (--encoder), or enrol "
        "them again into another --gallery"
    )


def backend_note(encoder: EncoderInfo, weights: Sequence[str]) -> str:
    """Returns a note with the fitting command if no back-end is fitted for the encoder; otherwise empty.

    Args:
        encoder: the encoder in use.
        weights: the files and training folders that it was loaded from; empty for the shipped weights.
    """
    if find_backend(encoder.contract, map(Path, weights)) is not None:
        return ""
    return (
        "uncalibrated: no back-end is fitted for this encoder, so scores are plain cosine similarities and "
        f"no person is named unless --fpir off; to fit a back-end: {fit_command(weights)}"
    )


def fit_command(weights: Sequence[str]) -> str:
    """Returns the command that fits a back-end for these weights."""
    options = "".join(f" --encoder {shlex.quote(path)}" for path in weights)
    return f"python -m tools.backend_fit.fit_backend DATA_DIR{options}"
