"""Imports that stay: no collection within the block, and none of its objects in later collections."""

from __future__ import annotations

import gc

import pytest

from stream.lasting_imports import lasting_imports


def test_collections_pause_and_leave_out_what_was_there() -> None:
    frozen = gc.get_freeze_count()
    try:
        with lasting_imports():
            assert not gc.isenabled()
        assert gc.isenabled()
        assert gc.get_freeze_count() > frozen
    finally:
        gc.unfreeze()


def test_collections_resume_after_an_error() -> None:
    with pytest.raises(ImportError), lasting_imports():
        raise ImportError
    assert gc.isenabled()
    gc.unfreeze()
