"""The packages of the extra `[web]`, which not everybody has."""

from __future__ import annotations

from importlib.util import find_spec

from stream.errors import UserError

__all__ = ["check_web_extra", "has_web_extra"]


def has_web_extra() -> bool:
    """Returns whether the packages of the web server are installed."""
    return all(find_spec(module) is not None for module in ("fastapi", "uvicorn", "prometheus_client"))


def check_web_extra(purpose: str) -> None:
    """Checks that the packages of the web server are installed.

    Args:
        purpose: what needs them.

    Raises:
        UserError: one is missing.
    """
    if not has_web_extra():
        msg = f"{purpose} needs more packages; install them: pip install 'sge-stream[web]'"
        raise UserError(msg)
