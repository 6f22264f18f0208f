"""Consent from Python is one of the named kinds, never any text."""

from __future__ import annotations

from typing import Any

import pytest

from gallery.store.schema import CONSENT
from stream import Consent, Live, UserError


def test_the_stored_values_are_those_of_the_command_line() -> None:
    assert set(CONSENT) == {Consent.ASKED.value, Consent.STATED.value} == {"asked", "--yes"}


@pytest.mark.parametrize("consent", ["asked", "--yes", "yes", True, None])
def test_anything_else_is_refused_with_the_names(consent: Any) -> None:
    live = Live(["walk.mcap"])
    with pytest.raises(UserError, match=r"expected Consent.ASKED or Consent.STATED"):
        live.enrol("Ada", [1], consent=consent)
