"""Validation and comparison of names."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.store.names import MAX_NAME, clean_name, name_key
from stream.errors import GalleryError


@pytest.mark.parametrize(
    ("given_name", "stored"),
    [
        ("Ada", "Ada"),
        ("  Ada   Lovelace ", "Ada Lovelace"),
        ("Zoe\u0308", "Zo\u00eb"),
        ("\u0dc1\u0dca\u200d\u0dbb\u0dd3", "\u0dc1\u0dca\u200d\u0dbb\u0dd3"),
        ("\u674e \u660e", "\u674e \u660e"),
        ("O'Brien-7 (b)", "O'Brien-7 (b)"),
        ("x" * MAX_NAME, "x" * MAX_NAME),
    ],
)
def test_a_name_is_normalised(given_name: str, stored: str) -> None:
    assert clean_name(given_name) == stored


@pytest.mark.parametrize(
    ("given_name", "reason"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("x" * (MAX_NAME + 1), "65 characters"),
        ("Ada\n", r"U\+000A"),
        ("A\tda", r"U\+0009"),
        ("A\0da", r"U\+0000"),
        ("Ada\x1b[31m", r"U\+001B"),
        ("Ada\u202e", r"U\+202E"),
        ("Ada\u200b", r"U\+200B"),
        ("Ada\ud800", r"U\+D800"),
        ("...", "no letter"),
        ("\u200d", "no letter"),
    ],
)
def test_an_invalid_name_is_refused_with_the_reason(given_name: str, reason: str) -> None:
    with pytest.raises(GalleryError, match=reason) as caught:
        clean_name(given_name)
    text = str(caught.value)
    assert text.isprintable()
    assert text.isascii()


@pytest.mark.parametrize(
    ("one", "other"),
    [("Ada", "aDA"), ("Stra\u00dfe", "STRASSE"), ("\u00c9a", "e\u0301a"), ("a\u200cb", "ab")],
)
def test_names_that_differ_in_case_or_joiners_are_equal(one: str, other: str) -> None:
    assert name_key(clean_name(one)) == name_key(clean_name(other))


def test_names_that_differ_in_accents_are_different() -> None:
    assert name_key("Zo\u00eb") != name_key("Zoe")


@given(st.text(max_size=80))
def test_an_accepted_name_is_normalised_once(text: str) -> None:
    try:
        name = clean_name(text)
    except GalleryError:
        return
    assert clean_name(name) == name
    assert unicodedata.is_normalized("NFC", name)
    assert 1 <= len(name) <= MAX_NAME
    assert name_key(name_key(name)) == name_key(name) == name_key(name.casefold())
