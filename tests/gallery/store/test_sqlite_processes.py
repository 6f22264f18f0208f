"""Several processes on one SQLite gallery, some of which are killed."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from gallery.store.gallery import open_gallery
from stream.body import FloatArray

ROOT = Path(__file__).resolve().parents[3]

ENROL = """
import sys
import numpy as np
from gallery.store.gallery import open_gallery
from gallery.store.records import NewEnrolment

url, prefix, people = sys.argv[1], sys.argv[2], int(sys.argv[3])
with open_gallery(url, wait=60) as opened:
    for k in range(people):
        walks = [
            NewEnrolment("model-1", "kinect-v1", 3.0, 1.0, np.full((n, 6, 96), 1 + k, np.float32))
            for n in (40, 50)
        ]
        opened.enrol(f"{prefix}{k}", walks, "--yes")
        print(f"{prefix}{k}", flush=True)
"""


def start_enrolling(path: Path, prefix: str, people: int) -> subprocess.Popen[str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", ENROL, str(path), prefix, str(people)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)


def complete_people(path: Path) -> dict[str, list[FloatArray]]:
    """Returns the templates of each person; asserts that each has all that `ENROL` stored."""
    with open_gallery(str(path)) as opened:
        stored: dict[str, list[FloatArray]] = {person.name: [] for person in opened.people()}
        for item in opened.templates("model-1"):
            stored[item.name].append(item.templates)
    for name, walks in stored.items():
        assert [templates.shape for templates in walks] == [(40, 6, 96), (50, 6, 96)], name
        assert all((templates == 1 + int(name[1:])).all() for templates in walks), name
    return stored


@pytest.mark.slow
def test_acknowledged_enrolments_survive_a_killed_process(tmp_path: Path) -> None:
    path = tmp_path / "gallery.db"
    acknowledged: set[str] = set()
    for prefix, at_least in (("a", 3), ("b", 8), ("c", 14)):
        with start_enrolling(path, prefix, 10_000) as process:
            assert process.stdout is not None
            for _ in range(at_least):
                acknowledged.add(process.stdout.readline().strip())
            process.kill()
            acknowledged.update(line.strip() for line in process.stdout if line.endswith("\n"))
        assert process.returncode != 0
    assert len(acknowledged) >= 25
    stored = complete_people(path)
    assert acknowledged <= stored.keys()
    assert len(stored.keys() - acknowledged) <= 3  # at most one unacknowledged enrolment at each kill
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_processes_that_enrol_at_once_lose_no_person(tmp_path: Path) -> None:
    path = tmp_path / "gallery.db"
    with start_enrolling(path, "a", 12) as one, start_enrolling(path, "b", 12) as other:
        one.communicate()
        other.communicate()
    assert (one.returncode, other.returncode) == (0, 0)
    assert complete_people(path).keys() == {f"{prefix}{k}" for prefix in "ab" for k in range(12)}


def test_a_change_by_another_process_increases_the_revision(tmp_path: Path) -> None:
    path = tmp_path / "gallery.db"
    with open_gallery(str(path)) as opened:
        before = opened.revision()
        with start_enrolling(path, "a", 1) as process:
            process.communicate()
        assert opened.revision() != before
        assert opened.has("a0")
