"""Which outputs `--output` and `[[output]]` request."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from stream.errors import UserError
from stream.outputs.output_registry import KINDS, check_outputs
from stream.outputs.output_settings import read_requested
from stream.system.settings import Settings, read_config

ROOT = Path(__file__).resolve().parents[3]


def requested(*entries: str | dict[str, Any]) -> list[tuple[str, Any]]:
    return [(kind.name, settings) for kind, settings in read_requested(entries, KINDS)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_example_of_a_kind_requests_it(kind: Any) -> None:
    pytest.importorskip(kind.module or "stream")
    ((name, settings),) = requested(kind.example)
    assert name == kind.name
    assert getattr(settings, settings.__struct_fields__[0]) == kind.example
    ((name, same),) = requested({"kind": kind.name, settings.__struct_fields__[0]: kind.example})
    assert (name, same) == (kind.name, settings)


def test_a_config_file_has_addresses_and_tables(tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text(
        """
        sources = ["kinect"]
        [[output]]
        kind = "mqtt"
        url = "mqtts://broker/entrance"
        user = "ann"
        [[output]]
        kind = "webhook"
        url = "https://host/x"
        timeout_s = 3
        """,
        encoding="utf-8",
    )
    (first, mqtt), (second, webhook) = requested(*read_config(file).output)
    assert (first, mqtt.user_name, mqtt.site, mqtt.address.port) == ("mqtt", "ann", "entrance", 8883)
    assert (second, webhook.timeout_s, webhook.address.port) == ("webhook", 3.0, 443)
    file.write_text('output = ["mqtt://ann@broker:1884/entrance", "http://host"]', encoding="utf-8")
    (first, mqtt), (second, webhook) = requested(*read_config(file).output)
    assert (first, mqtt.user_name, mqtt.address.place) == ("mqtt", "ann", "broker:1884")
    assert (second, webhook.address.tls) == ("webhook", False)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("broker", r"^broker is not an output; expected an address such as mqtt://broker/entrance, https://"),
        ("amqp://ann:hunter2@broker", r"^amqp://\.\.\. is not an output"),
        ("ann:hunter2@broker", r"^broker is not an output"),
        (
            "mqtt://ann:hunter2@broker/a",
            "^output mqtt: the address has a password in it.*known settings: kind, url",
        ),
        ({"kind": "fax"}, r"^output: expected the setting kind, one of mqtt, webhook.*, got 'fax'$"),
        ({"url": "mqtt://broker/a"}, "^output: expected the setting kind, one of .*, got None$"),
        (
            {"kind": "mqtt"},
            "^output mqtt: object missing required field `url`; known settings: kind, url, user",
        ),
        ({"kind": "mqtt", "url": 5}, r"^output mqtt: expected `str`, got `int` - at `\$.url`"),
        (
            {"kind": "mqtt", "url": "mqtt://b/a", "password": "hunter2"},
            "unknown field `password`; known settings",
        ),
        ({"kind": "webhook", "url": "https://h", "timeout_s": "x"}, "^output webhook: expected `float`"),
        ("metrics:65536", "^output metrics: expected metrics: and a port of this machine, 0 to 65535"),
        ("metrics:x", "^output metrics: expected metrics: and a port"),
        ({"kind": "metrics", "url": "9464"}, "^output metrics: expected metrics: and a port"),
        pytest.param(
            "rerun:no-such-folder/walks.rrd",
            "^output rerun: there is no folder .*no-such-folder",
            marks=pytest.mark.skipif(find_spec("rerun") is None, reason="needs the extra rerun"),
        ),
        (
            {"kind": "webhook", "url": "https://h", "key_file": "no-such-file"},
            "^key_file: cannot read .*no-such-file",
        ),
        (
            {"kind": "mqtt", "url": "mqtt://u@b/a", "password_file": "no-such-file"},
            "^password_file: cannot read .*no-such-file",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_without_showing_secrets(
    entry: str | dict[str, Any], message: str
) -> None:
    with pytest.raises(UserError, match=message) as caught:
        check_outputs(Settings(output=(entry,)))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("output = 'mqtt://ann:hunter2@b/a'", "output: expected a list of addresses and tables, got a str$"),
        ("output = [5]", "output: expected a list of addresses and tables, but entry 1 is of type int$"),
        (
            "output = ['mqtt://ann:hunter2@b/a', ['hunter2']]",
            "output: expected a list of addresses and tables, but entry 2 is of type list$",
        ),
        (
            "[output]\nkind = 'mqtt'\npassword = 'hunter2'",
            "output: expected a list of addresses and tables, got a dict$",
        ),
    ],
)
def test_a_config_with_something_else_is_refused(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "site.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=message) as caught:
        read_config(file)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("events", ["visits", "all"])
def test_a_choice_of_lines_that_are_not_written_is_refused(tmp_path: Path, events: str) -> None:
    file = tmp_path / "site.toml"
    file.write_text(f'events = "{events}"', encoding="utf-8")
    for settings in (Settings().override(events=events), read_config(file)):
        with pytest.raises(UserError, match=f"^--events {events} chooses the lines of --json, which is off"):
            check_outputs(settings)
        check_outputs(settings.override(json=True))


def test_an_extra_that_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(sys.modules):
        if name == "paho" or name.startswith("paho."):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [str(ROOT)])
    sys.path_importer_cache.clear()
    with pytest.raises(
        UserError, match=r"^output mqtt needs more packages.*pip install 'sge-stream\[mqtt\]'$"
    ):
        check_outputs(Settings(output=("mqtt://broker/entrance",)))


def test_the_packages_of_the_extras_are_loaded_only_when_an_output_needs_them() -> None:
    modules = sorted({kind.module.partition(".")[0] for kind in KINDS if kind.module})
    code = f"""
import sys
import stream.terminal.app, stream.terminal.identify
from stream.outputs.output_registry import check_outputs
from stream.system.settings import Settings
check_outputs(Settings(output=("http://host/path",)))
print([name for name in {modules} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_settings_in_the_documentation_can_be_used(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "outputs.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```toml[^\n]*\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert blocks
    for block in blocks:
        file = tmp_path / "site.toml"
        file.write_text(block, encoding="utf-8")
        assert len(requested(*read_config(file).output)) == len(tomllib.loads(block)["output"])
