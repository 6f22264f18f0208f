"""Checks of file paths that the user typed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from stream.errors import UserError

__all__ = ["path_exists"]


def path_exists(path: Path, test: Callable[[Path], bool] = Path.exists) -> bool:
    """Returns whether a path exists, or passes another `test` such as `Path.is_dir`.

    Raises:
        UserError: the path cannot be checked: a parent folder is not readable, or the path is invalid.
    """
    try:
        return test(path)
    except (OSError, ValueError) as error:  # for example too long, or with a null character
        reason = error.strerror if isinstance(error, OSError) else error
        text = str(path) if len(str(path)) <= 80 else f"{str(path)[:40]}..."
        raise UserError(f"{text} cannot be accessed ({reason}); give another path") from None
