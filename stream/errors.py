"""Every error the program raises on purpose.

SgeError
 +-- UserError            the user's input is wrong: one sentence, with the mend; exit 2
 |    +-- SourceError     a --source that cannot be opened or read on
 |    +-- DataError       a file that is corrupt, cut off, foreign or malformed
 |    +-- GalleryError    a gallery that cannot be used, a name that cannot be taken
 +-- RunError             something of ours failed while running; exit 1
EndOfSource               not an error: a finite source has given its last frame
"""

from __future__ import annotations

__all__ = ["DataError", "EndOfSource", "GalleryError", "RunError", "SgeError", "SourceError", "UserError"]


class SgeError(Exception):
    """Base of all errors whose text is written for people."""

    exit_code = 1


class UserError(SgeError):
    """The user's input is wrong; the text says what was expected, what came and what to do."""

    exit_code = 2


class SourceError(UserError):
    """A source cannot be opened, or stopped delivering for a reason the user can mend."""


class DataError(UserError):
    """A file is corrupt, cut off, foreign or malformed; the text names the file and the place."""


class GalleryError(UserError):
    """A gallery cannot be used, or a person cannot be stored, found or renamed."""


class RunError(SgeError):
    """A part of the running system failed."""


class EndOfSource(Exception):  # noqa: N818 - the end of a file is no error
    """A finite source has given its last frame."""
