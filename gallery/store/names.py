"""What a person may be called, and when two names are the same."""

from __future__ import annotations

import re
import unicodedata

from stream.errors import GalleryError

__all__ = ["MAX_NAME", "clean_name", "name_key", "name_taken"]

MAX_NAME = 64
"""Characters (code points, after NFC) that a name may have."""

# Invisible, but part of how names are written in Sinhala (U+200D) and Persian (U+200C), among others.
_JOINERS = re.compile("[\u200c\u200d]")


def clean_name(text: str) -> str:
    """The name as it is stored and shown: NFC, no spaces around it, single spaces within.

    Raises:
        GalleryError: empty, longer than `MAX_NAME`, without a letter or digit, or holding control
            characters, line breaks or other invisible characters; the text says which.
    """
    name = re.sub(" +", " ", unicodedata.normalize("NFC", text).strip(" "))
    visible = _JOINERS.sub("", name)
    if not visible.isprintable():
        bad = next(character for character in visible if not character.isprintable())
        msg = (
            f"the name {_shown(text)} holds a character that cannot be shown (U+{ord(bad):04X}); "
            "use letters, digits, spaces and punctuation"
        )
        raise GalleryError(msg)
    if not name:
        msg = f"the name is empty; give 1 to {MAX_NAME} characters"
        raise GalleryError(msg)
    if len(name) > MAX_NAME:
        msg = f"the name {_shown(text)} has {len(name)} characters; give at most {MAX_NAME}"
        raise GalleryError(msg)
    if not any(character.isalnum() for character in visible):
        msg = f"the name {_shown(text)} has no letter and no digit; give at least one"
        raise GalleryError(msg)
    return name


def name_key(name: str) -> str:
    """What two names share when they are the same name: no case, no joiners (Unicode's definition D145)."""
    bare = unicodedata.normalize("NFD", _JOINERS.sub("", name))
    return unicodedata.normalize("NFD", bare.casefold())


def name_taken(name: str) -> GalleryError:
    """What to raise where a name is somebody's already."""
    return GalleryError(
        f"{name} is enrolled already; give all walks of a person at once, choose another name, "
        f'or remove that person first: sge-stream people remove "{name}"'
    )


def _shown(text: str) -> str:
    start = ascii(text[:24])
    return start if len(text) <= 24 else f"{start[:-1]}...{start[-1]}"
