"""Looking at paths that somebody typed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from stream.errors import UserError

__all__ = ["is_there"]


def is_there(path: Path, test: Callable[[Path], bool] = Path.exists) -> bool:
    """Whether something is at a path, or what `test` asks, such as `Path.is_dir`.

    Raises:
        UserError: nobody can tell: a folder above may not be read, or it is no path.
    """
    try:
        return test(path)
    except (OSError, ValueError) as error:  # too long, say, or with a zero in it
        reason = error.strerror if isinstance(error, OSError) else error
        text = str(path) if len(str(path)) <= 80 else f"{str(path)[:40]}..."
        raise UserError(f"{text} cannot be looked at ({reason}); give another path") from None
