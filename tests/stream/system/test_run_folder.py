"""The folder of a running system on a full disk."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from stream.errors import RunError
from stream.system.run_folder import open_run, running


@pytest.mark.parametrize("call", ["mkdir", "touch", "write_bytes", "replace"])
def test_a_full_disk_is_said_and_nothing_is_left(
    call: str, runtime_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_run("g.db"):
        assert len(list(running("g.db"))) == 1
    real = getattr(Path, call)

    def full(path: Path, *arguments: object, **options: object) -> object:
        if path.parent == runtime_dir or path.parent.parent == runtime_dir:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return real(path, *arguments, **options)

    monkeypatch.setattr(Path, call, full)
    with pytest.raises(RunError, match="No space left on device; make room on its disk"), open_run("g.db"):
        pytest.fail("the run began")
    assert not list(runtime_dir.iterdir())
