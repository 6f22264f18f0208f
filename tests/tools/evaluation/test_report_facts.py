"""The command line on the page of an evaluation repeats the evaluation."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from stream.terminal.app import app
from tools.evaluation import evaluate
from tools.evaluation.evaluation_request import Request
from tools.evaluation.report_facts import command_line, report_facts

PATHS = st.sampled_from([Path("data"), Path("my data/kgbd.npz"), Path("it's.npz")])
REQUESTS = st.builds(
    Request,
    dataset=st.sampled_from(["kgbd", "casia-b"]),
    data=PATHS,
    protocol=st.sampled_from(["direct", "live"]),
    f=st.integers(2, 64),
    seed=st.integers(0, 99),
    method=st.sampled_from(["default", "raw,bones"]),
    split=st.none() | st.just("all"),
    people=st.none() | st.sampled_from(["1-50", "7", "Val_002,Diz_004"]),
    encoders=st.lists(PATHS, max_size=2).map(tuple),
    trust_encoder=st.booleans(),
    epochs=st.integers(1, 9),
    cache=st.none() | PATHS,
    threads=st.integers(0, 4),
    splits=st.integers(1, 30),
    enrol=st.integers(1, 10),
    walks=st.sampled_from(["drawn", "first"]),
    shuffle=st.booleans(),
    out=st.none() | PATHS,
    report=st.none() | PATHS,
)


@pytest.mark.slow
@given(request_=REQUESTS)
def test_the_command_asks_for_the_same(request_: Request) -> None:
    asked: list[Request] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluate, "evaluate", lambda given, out, err: asked.append(given))
        words = shlex.split(command_line(request_))
        assert words[0] == "sge-stream"
        assert CliRunner().invoke(app, words[1:]).exit_code == 0
    assert asked == [request_]


def test_names_of_people_are_not_shown() -> None:
    request = Request(dataset="npy", data=Path("d"), protocol="direct", people="Anna,3")
    assert command_line(request).endswith("--people NAMES")


def test_the_model_is_named() -> None:
    request = Request(dataset="kgbd", data=Path("d"), protocol="live")
    assert report_facts(request)["model"].startswith("shipped weights, model ")
    assert report_facts(replace(request, method="raw"))["model"] == "none loaded"
    trained = report_facts(replace(request, protocol="direct", epochs=4))["model"]
    assert trained == "none loaded; methods that need an encoder train it here (4 epochs)"
