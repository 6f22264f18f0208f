"""A real MQTT broker for tests, Debian's `mosquitto`, and a client that watches it."""

from __future__ import annotations

import os
import queue
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from tests.stream.outputs.waiting import WAIT_S, wait_until

__all__ = ["REMEMBERING", "Broker", "Watcher", "free_port"]

REMEMBERING = """allow_anonymous true
persistence true
persistence_location {folder}/
autosave_on_changes true
autosave_interval 1
"""
"""Settings of a broker that after a kill still knows who has subscribed."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _missing(reason: str) -> NoReturn:
    if os.environ.get("SGE_REQUIRE_DATA") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


class Broker:
    """A broker on a free port of loopback; may be killed and started again.

    Args:
        folder: an empty folder for its files.
        settings: further lines of its configuration, in which `{folder}` is the folder.
    """

    def __init__(self, folder: Path, settings: str = "allow_anonymous true") -> None:
        program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
        if program is None:
            _missing("needs the MQTT broker mosquitto (apt-get install mosquitto)")
        self.port = free_port()
        self._folder = folder
        config = folder / "mosquitto.conf"
        lines = f"listener {self.port} 127.0.0.1\n{settings.format(folder=folder)}\n"
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            lines += "user root\n"  # another user cannot read the folder
        config.write_text(lines, encoding="utf-8")
        self._command = [program, "-c", str(config)]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def start(self) -> None:
        with (self._folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        wait_until(self._listens)

    def _listens(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            pytest.fail((self._folder / "mosquitto.log").read_text(encoding="utf-8", errors="replace"))
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        """Ends it in order: what it remembers is on the disk."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()


class Watcher:
    """A client that receives all messages of a broker; it connects again when the broker does.

    Args:
        broker: whom to watch.
        prepare: called with the client before it connects.
        remembered: whether the broker keeps messages for it while it is away.

    Attributes:
        retained: the retained messages by topic, as the broker has them now.
    """

    def __init__(
        self,
        broker: Broker,
        prepare: Callable[[Client], object] = lambda client: None,
        *,
        remembered: bool = False,
    ) -> None:
        self.retained: dict[str, bytes] = {}
        self.texts: list[tuple[str, bytes]] = []
        self._subscribed: queue.Queue[None] = queue.Queue()
        self._client = Client(
            CallbackAPIVersion.VERSION2, "watcher" if remembered else "", clean_session=not remembered
        )
        self._client.reconnect_delay_set(1, 1)
        prepare(self._client)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self._subscribed.put(None)
        self._client.on_message = self._on_message
        self._port = broker.port

    def __enter__(self) -> Self:
        self._client.connect("localhost", self._port)
        self._client.loop_start()
        self.wait_subscribed()
        return self

    def wait_subscribed(self) -> None:
        """Waits until it has subscribed, the first time or once more after the broker was started again."""
        self._subscribed.get(timeout=WAIT_S)

    def _on_connect(self, client: Client, *_: Any) -> None:
        client.subscribe("#", 1)

    def _on_message(self, client: Client, data: Any, message: MQTTMessage) -> None:
        payload = bytes(message.payload)
        self.texts.append((message.topic, payload))
        if payload:
            self.retained[message.topic] = payload
        else:
            self.retained.pop(message.topic, None)

    def payloads(self, topic: str) -> list[bytes]:
        return [payload for name, payload in self.texts.copy() if name == topic]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()
