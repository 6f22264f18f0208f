"""The help of `train`."""

from __future__ import annotations

from typer.testing import CliRunner

from stream.terminal.app import app


def test_the_device_is_the_one_that_trains() -> None:
    shown = " ".join(CliRunner().invoke(app, ["train", "--help"]).output.split())
    assert (
        "--device D Device that trains: auto, cpu, cuda, cuda:1. [default: of --config, else auto]" in shown
    )
    assert "Encoder device" not in shown
