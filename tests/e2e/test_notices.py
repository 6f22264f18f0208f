"""Notices of a running system: JSON lines on standard error with --json, text without."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.e2e.program import Program


@pytest.fixture
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    folder = tmp_path_factory.mktemp("run")
    return Program(folder / "g.db", folder / "run")


def test_a_restart_and_a_hang_are_lines_on_stderr(program: Program) -> None:
    with program.start("--source", "walkers:n=1,seed=11", "--json") as system:
        system.line()
        system.child("encoder").kill()
        system.wait_until(lambda: bool(system.notices("restarted")))
        matcher = system.child("matcher")
        matcher.suspend()
        system.wait_until(lambda: bool(system.notices("hanging")))
        matcher.resume()
        system.wait_until(lambda: bool(system.notices("responding")))
        system.interrupt()
        system.rest()
        assert system.wait() == 0, system.errors()
        told = {(each["kind"], each["process"], each["count"]) for each in system.notices()}
        fields = {tuple(each) for each in system.notices()}
    restarts = {each for each in told if each[0].startswith("restart")}
    assert restarts == {("restarting", "encoder", 1), ("restarted", "encoder", 1)}
    assert told >= {("hanging", "matcher", None), ("responding", "matcher", None)}
    assert fields == {("kind", "time", "text", "source", "process", "count", "output")}


def test_an_overload_is_told_with_the_number_of_windows(program: Program) -> None:
    command = ("--source", "walkers:n=2,seed=11,seconds=6,live=1", "--speed", "0", "--fpir", "off")
    done = program.run(*command, "--json")
    assert done.returncode == 0, done.stderr
    lost = sum(line["lost_windows"] for line in map(json.loads, done.stdout.splitlines()) if line["final"])
    notices = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert [notice["kind"] for notice in notices] == ["dropped"] * len(notices)
    assert notices[-1]["count"] == lost > 0
    assert f"overloaded: {lost:,} windows dropped: use fewer sources" in notices[-1]["text"]
    shown = program.run(*command)
    assert shown.returncode == 0, shown.stderr
    assert "windows dropped: use fewer sources, or a GPU" in shown.stderr
    assert "{" not in shown.stderr


def test_a_run_folder_that_is_swept_away_is_told_and_the_run_ends_when_a_process_does(
    program: Program,
) -> None:
    with program.start("--source", "walkers:n=1,seed=11", "--json") as system:
        system.line()
        (folder,) = program.runtime.iterdir()
        shutil.rmtree(folder)
        system.wait_until(lambda: bool(system.notices("run-folder-gone")))
        assert str(folder) in system.notices("run-folder-gone")[0]["text"]
        assert [system.line()["track"] for _ in range(20)], "it goes on"
        system.child("encoder").kill()
        system.rest()
        assert system.wait() == 1
        assert "cannot be started again, because the run folder was deleted" in system.errors()
        assert len(system.notices("run-folder-gone")) == 1
