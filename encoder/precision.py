"""Precision of the encoder's products and states. Imports neither numpy nor torch."""

from __future__ import annotations

from typing import Literal, get_args

from stream.errors import UserError

__all__ = ["Precision", "check_precision"]

Precision = Literal["fp32", "bf16"]
"""`fp32`: float32; `bf16`: bfloat16, on processors that have products of such numbers."""


def check_precision(name: str) -> Precision:
    """Returns the precision of that name.

    Raises:
        UserError: there is no precision of that name.
    """
    found: Precision | None = next((each for each in get_args(Precision) if each == name), None)
    if found is None:
        raise UserError(f"--precision: expected {' or '.join(get_args(Precision))}, got {name}")
    return found
