"""The comparison of decision lines: literal cases, and the whole command on one person of KGBD."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from stream.errors import RunError, UserError
from tools.trials import decision_lines
from tools.trials.decision_lines import REPLAYS, differences, main
from tools.trials.program import Program, lines_by_source, parse_person_numbers


def line(source: str, t: float, **changed: Any) -> dict[str, Any]:
    own = {"replay": "kgbd", "id": "a-1", "source": source, "t": t, "time": "now", "latency_ms": 3.0}
    return {**own, "score": 1.5, "reason": "score reaches the threshold", **changed}


def test_lines_that_differ_in_every_run_are_equal() -> None:
    before = [line("a", 1.0), line("b", 1.0), line("a", 2.0)]
    after = [
        line("b", 1.0, id="b-7", time="later"),
        line("a", 1.0, latency_ms=9.0, reason="other words"),
        line("a", 2.0, latency_ms=None),
    ]
    assert differences(before, after) == []


@pytest.mark.parametrize(
    ("after", "text"),
    [
        (
            [line("a", 1.0), line("a", 2.0, score=1.6)],
            'kgbd a: 2 lines, then 2; line 2: .*"score": 1.5.* became',
        ),
        ([line("a", 1.0)], "kgbd a: 2 lines, then 1$"),
        ([line("a", 1.0), line("a", 2.0), line("c", 1.0)], "kgbd c: 0 lines, then 1$"),
    ],
)
def test_each_source_that_differs_is_named(after: list[dict[str, Any]], text: str) -> None:
    (found,) = differences([line("a", 1.0), line("a", 2.0)], after)
    assert re.search(text, found)


def test_sources_of_one_name_in_two_replays_are_compared_apart() -> None:
    before = [line("a", 1.0), line("a", 1.0, replay="rn", score=0.2)]
    assert len(differences(before, [line("a", 1.0)])) == 1


def test_lines_are_grouped_by_source_in_their_order() -> None:
    found = lines_by_source([line("b", 2.0), line("a", 1.0), line("b", 3.0)], ("replay", "id", "source"))
    assert [each["t"] for each in found["b"]] == [2.0, 3.0]
    assert "id" not in found["a"][0]
    assert "time" in found["a"][0]


def test_people_are_numbers() -> None:
    assert parse_person_numbers("103,101-102,7") == [7, 101, 102, 103]
    with pytest.raises(UserError, match="expected numbers such as 101-120 or 1,5,7-9, got 'ada'"):
        parse_person_numbers("1,ada")
    with pytest.raises(UserError, match="expected for example"):
        parse_person_numbers("")


def test_a_command_that_fails_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--speed"):
        Program(folder=tmp_path).run("--source", "walkers:n=1", "--speed", "-1")
    broken = tmp_path / "stream"
    broken.mkdir()
    (broken / "__init__.py").touch()
    (broken / "__main__.py").write_text("import sys; sys.exit('out of order')")
    with pytest.raises(RunError, match="out of order"):
        Program(checkout=tmp_path).run("--version")


@pytest.mark.slow
@pytest.mark.e2e
def test_the_command_writes_the_lines_of_every_replay(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SGE_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setattr(decision_lines, "REPLAYS", [each for each in REPLAYS if each[0] == "rn"])
    monkeypatch.setattr(decision_lines, "WALKERS", (1,))
    file = tmp_path / "lines.jsonl"
    arguments = [str(data_dir / "kgbd_kinect1_20j.npz"), "--people", "101", "--out", str(file)]
    monkeypatch.setattr("sys.argv", ["decision_lines", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    lines = [json.loads(text) for text in file.read_text(encoding="utf-8").splitlines()]
    assert f"{len(lines)} lines" in capsys.readouterr().out
    replays = {each["replay"] for each in lines}
    assert replays == {"kgbd rn", "walkers"}
    finals = [each for each in lines if each["final"] and each["replay"].startswith("kgbd")]
    assert {each["candidate"] for each in finals} == {"Person101"}


def test_this_checkout_runs_unless_another_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "stream").mkdir()
    (tmp_path / "stream" / "__init__.py").touch()
    (tmp_path / "stream" / "__main__.py").write_text("print('another version')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert Program(folder=tmp_path).run("--version").startswith("sge-stream ")
    assert Program(tmp_path).run("--version") == "another version\n"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--checkout", "gone"], "gone is no checkout of the project"),
        (["--against", "gone"], "gone: expected decision lines"),
        (["--out", "gone/lines.jsonl"], "lines.jsonl cannot be written"),
    ],
)
def test_wrong_files_are_refused_before_anything_runs(
    options: list[str],
    text: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["decision_lines", "kgbd.npz", "--out", "lines.jsonl", *options])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert text in capsys.readouterr().err
