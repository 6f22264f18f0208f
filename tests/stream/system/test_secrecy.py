"""Passwords on the command line stay hidden."""

from __future__ import annotations

import subprocess
import sys

import pytest

from stream.errors import UserError
from stream.system.secrecy import check_arguments

SCRIPT = """
import sys
from stream.system.secrecy import hide_secrets
hide_secrets()
print(open("/proc/self/cmdline").read().split("\\0")[-3:-1])
print(sys.argv[1:])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a process change what is shown of it")
@pytest.mark.parametrize(
    ("argument", "shown"),
    [
        ("rtsp://ann:hunter2@cam:554/1", "rtsp://xxxxxxxxxxx@cam:554/1"),
        ("--source=HTTP://ann:hunt@er2@cam/v?key=hunter2", "--source=HTTP://xxxxxxxxxxxx@cam/vxxxxxxxxxxxx"),
        ("rtsps://cam/1", "rtsps://cam/1"),
        ("mqtts://ann:hunter2@broker/home", "mqtts://xxxxxxxxxxx@broker/home"),
        ("--output=https://host/hook?token=hunter2", "--output=https://host/hookxxxxxxxxxxxxxx"),
        ("walk.mcap#t=2", "walk.mcap#t=2"),
    ],
)
def test_the_process_list_shows_no_password(argument: str, shown: str) -> None:
    completed = subprocess.run(
        [sys.executable, "-c", SCRIPT, argument, "end"], capture_output=True, text=True, check=True
    )
    listed, known = completed.stdout.splitlines()
    assert listed == str([shown, "end"])
    assert known == str([argument, "end"]), "the program itself still has it"


def test_sources_and_outputs_may_be_addresses() -> None:
    check_arguments(
        ["--source", "rtsp://ann:pw@cam", "--source=http://cam?x", "--gallery", "sqlite:///a?b", "walk"]
    )
    check_arguments(["--output", "mqtt://ann@broker/home", "--output=https://host/hook?token=x"])


@pytest.mark.parametrize(
    "arguments",
    [
        ["rtsp://ann:hunter2@cam"],
        ["--source", "walk.mcap", "rtsp://ann:hunter2@cam"],
        ["--sorce=https://ann:hunter2@cam"],
        ["--gallery", "http://cam?password=hunter2"],
        ["mqtts://ann:hunter2@broker/home"],
        ["--output", "--json", "mqtt://ann:hunter2@broker/home"],
    ],
)
def test_an_address_in_a_wrong_place_is_reported_without_the_password(arguments: list[str]) -> None:
    with pytest.raises(
        UserError, match=r"^the address (rtsp|https?|mqtts?)://\.\.\. does not follow a --source or --output"
    ) as caught:
        check_arguments(arguments)
    assert "hunter2" not in str(caught.value)
