"""Validation and comparison of people's names."""

from __future__ import annotations

import re
import shlex
import unicodedata

from stream.errors import GalleryError

__all__ = [
    "MAX_NAME",
    "InvalidNameError",
    "NameTakenError",
    "UnknownPersonError",
    "clean_name",
    "clean_note",
    "name_key",
    "name_taken",
    "rename_taken",
]

MAX_NAME = 64
"""Maximum length of a name in characters (code points after NFC)."""

MAX_NOTE = 200
"""Maximum length of a note on consent in characters."""

# Invisible characters that names need in Sinhala (U+200D) and Persian (U+200C), among others.
_JOINERS = re.compile("[\u200c\u200d]")


class InvalidNameError(GalleryError):
    """A name, or a note on consent, cannot be stored."""


class NameTakenError(GalleryError):
    """Another person has the name."""


class UnknownPersonError(GalleryError):
    """No person has the name."""


def clean_name(text: str) -> str:
    """Returns the name as it is stored and shown: NFC, without outer spaces, with single inner spaces.

    Raises:
        InvalidNameError: the name is empty, longer than `MAX_NAME`, has no letter or digit, or contains
            control characters, line breaks or other invisible characters; the text says which.
    """
    name = re.sub(" +", " ", unicodedata.normalize("NFC", text).strip(" "))
    visible = _JOINERS.sub("", name)
    if not visible.isprintable():
        bad = next(character for character in visible if not character.isprintable())
        msg = (
            f"the name {_shown(text)} contains an unprintable character (U+{ord(bad):04X}); "
            "use letters, digits, spaces and punctuation"
        )
        raise InvalidNameError(msg)
    if not name:
        msg = f"the name is empty; give 1 to {MAX_NAME} characters"
        raise InvalidNameError(msg)
    if len(name) > MAX_NAME:
        msg = f"the name {_shown(text)} has {len(name)} characters; give at most {MAX_NAME}"
        raise InvalidNameError(msg)
    if not any(character.isalnum() for character in visible):
        msg = f"the name {_shown(text)} has no letter or digit; give at least one"
        raise InvalidNameError(msg)
    return name


def clean_note(text: str) -> str:
    """Returns a note as it is stored: NFC, without outer spaces; it may be empty.

    Raises:
        InvalidNameError: the note is longer than `MAX_NOTE`, or has unprintable characters.
    """
    note = unicodedata.normalize("NFC", text).strip()
    if len(note) > MAX_NOTE or not _JOINERS.sub("", note).isprintable():
        msg = f"a note on consent is one line of at most {MAX_NOTE} printable characters"
        raise InvalidNameError(msg)
    return note


def name_key(name: str) -> str:
    """Returns the key under which names are equal: without case and joiners (Unicode definition D145)."""
    bare = unicodedata.normalize("NFD", _JOINERS.sub("", name))
    return unicodedata.normalize("NFD", bare.casefold())


def name_taken(name: str) -> NameTakenError:
    """Returns the error for a name that another person has."""
    return NameTakenError(
        f"{name} is enrolled already; choose another name, add the walk to that person (sge-stream people "
        f"add-walk {shlex.quote(name)} --source S), or join two names of one person (sge-stream people merge)"
    )


def rename_taken(old: str, new: str) -> NameTakenError:
    """Returns the error for a person who was to get the name of another one."""
    return NameTakenError(
        f"{new} is enrolled already, so {old} is not renamed; if both are one person, join them (sge-stream "
        f"people merge {shlex.quote(new)} {shlex.quote(old)}), else choose another name"
    )


def _shown(text: str) -> str:
    start = ascii(text[:24])
    return start if len(text) <= 24 else f"{start[:-1]}...{start[-1]}"
