"""Errors that the program raises on purpose.

SgeError
 +-- UserError            the user's input is wrong: one sentence that says how to fix it; exit code 2
 |    +-- SourceError     a --source cannot be opened, or stops delivering
 |    +-- DataError       a file is corrupt, truncated, malformed or of another program
 |    |    +-- CutOffError  a file ends early; what it holds was delivered
 |    +-- GalleryError    a gallery cannot be used, or a name is not available
 +-- RunError             a part of the running system failed; exit code 1
EndOfSource               signal, not an error: a finite source has delivered its last frame
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from stream.user_text import readable

__all__ = [
    "CutOffError",
    "DataError",
    "EndOfSource",
    "GalleryError",
    "RunError",
    "SgeError",
    "SourceError",
    "UserError",
    "data_errors",
]

_MAX_CAUSE = 300  # characters; some readers quote the whole file


class SgeError(Exception):
    """Base class of all errors; the text is written for users."""

    exit_code = 1

    def __str__(self) -> str:
        r"""Returns the text; the bytes of a file name that are no UTF-8 as in `caf\xe9`."""
        return readable(super().__str__())


class UserError(SgeError):
    """The user's input is wrong; the text says what was expected, what was found and how to fix it."""

    exit_code = 2


class SourceError(UserError):
    """A source cannot be opened, or stopped delivering for a reason that the user can fix."""


class DataError(UserError):
    """A file is corrupt, truncated, malformed or of another program; the text names the file and position."""


class CutOffError(DataError):
    """A file ends before its stated end; everything before was delivered."""


class GalleryError(UserError):
    """A gallery cannot be used, or a person cannot be stored, found or renamed."""


class RunError(SgeError):
    """A part of the running system failed."""


class EndOfSource(Exception):  # noqa: N818 - the end of a file is not an error
    """A finite source has delivered its last frame."""


@contextmanager
def data_errors(describe: Callable[[str], str]) -> Iterator[None]:
    """Turns every exception of a third-party reader into a `DataError`; the boundary around each of them.

    On damaged files, readers raise what their innermost parts raise: `KeyError`, `RuntimeError`, ...

    Args:
        describe: returns the text of the error, given its cause in a few words.

    Raises:
        DataError: the block raised an exception that is no `SgeError`.
    """
    try:
        yield
    except SgeError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.strerror:
            cause = error.strerror
        elif isinstance(error, MemoryError):
            cause = "it needs more memory than there is"
        else:
            cause = str(error) or type(error).__name__
        raise DataError(describe(cause[:_MAX_CAUSE])) from error
