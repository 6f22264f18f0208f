"""Processes that are loaded before their settings are known; see `test_live` for the others."""

from __future__ import annotations

import time

import msgspec
import pytest

import stream.system.supervisor
from stream.system.supervisor import Child, Supervisor


class _Incomplete(msgspec.Struct):
    """Settings that no process accepts."""


def _no_settings(child: Child) -> msgspec.Struct:
    raise AssertionError(f"nobody asked for the settings of {child.label}")


def _wait(child: Child) -> None:
    child.request_stop()
    child.wait(time.monotonic() + 60)


def test_a_loaded_process_without_settings_ends_in_silence_with_the_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stream.system.supervisor, "STOP_TIMEOUT_S", 60.0)  # it ends when it has loaded
    log: list[str] = []
    supervisor, child = Supervisor(log.append), Child("capture", 0, _no_settings)
    supervisor.load(child)
    assert child not in supervisor.children  # it can neither hang nor be restarted yet
    supervisor.end()
    assert child.process is not None and child.process.returncode == 0
    assert log == []


def test_a_loaded_process_gets_its_settings_when_it_is_started() -> None:
    log: list[str] = []
    supervisor, child = Supervisor(log.append), Child("capture", 0, lambda _: _Incomplete())
    supervisor.load(child)
    assert child.process is not None
    loaded = child.process.pid
    supervisor.start(child)
    assert supervisor.children == [child]
    _wait(child)
    assert child.process.pid == loaded
    assert child.process.returncode == 1
    assert "missing required field `wiring`" in child.last_line()


@pytest.mark.slow
@pytest.mark.parametrize("before", [False, True], ids=["started", "loaded first"])
def test_a_restarted_process_is_another_one(before: bool) -> None:
    supervisor, child = Supervisor(lambda line: None), Child("capture", 0, lambda _: _Incomplete())
    if before:
        supervisor.load(child)
    supervisor.start(child)
    assert child.process is not None
    first = child.process
    _wait(child)
    supervisor.restart(child)
    while not child.restarts:
        supervisor.poll()
    assert child.process.pid != first.pid
    supervisor.end()
