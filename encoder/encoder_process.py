"""The encoder process of the data path: receives windows from capture, sends their CAGEs to the matcher.

It encodes all windows that are waiting as one batch and sends the results on in the order of arrival.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path

import msgspec
import numpy as np
import torch
import zmq

from encoder.contract import Contract
from encoder.encoder_settings import EncoderInfo, EncoderSettings, describe_encoder, spread_device
from encoder.inference import Encoder
from encoder.weights import LoadedEncoder, load_encoder
from stream.body import FloatArray
from stream.bus.heartbeat import Heartbeat
from stream.bus.messages import BadMessage, Tick, pack, unpack
from stream.bus.sockets import Bus
from stream.errors import DataError, SgeError

__all__ = ["run"]

MAX_WINDOWS = 64
"""Upper limit of a batch: a larger one only delays the windows that arrived first."""

_POLL_MS = 100


def run(settings: EncoderSettings, stop: threading.Event) -> None:
    """Encodes windows until `stop` is set.

    Raises:
        SgeError: the weights or the device cannot be used.
    """
    with Bus(settings.wiring) as bus:
        heartbeat = Heartbeat(bus, "encoder", settings.index)
        try:
            loaded = load_encoder(*map(Path, settings.weights))
            _check_weights(loaded, settings.contract)
            device = spread_device(settings.device, settings.index, torch.cuda.device_count())
            encoder = Encoder(loaded, device, precision=settings.precision)
            encoder.warm_up()
        except SgeError as error:
            heartbeat.send_failure(error)
            raise
        description = describe_encoder(loaded.description, settings.precision)
        info = EncoderInfo(loaded.contract.id, loaded.contract.f, description, str(encoder.device))
        windows = bus.bind(zmq.PULL, "windows", number=settings.index)
        _EncoderLoop(bus, windows, heartbeat, encoder, info).run(stop)


def _check_weights(loaded: LoadedEncoder, contract: str) -> None:
    """Checks that the weights read the windows that capture cuts, and have the contract of this run."""
    live = Contract(model="", f=loaded.contract.f)
    if loaded.contract.window_format != live.window_format:
        raise DataError(
            f"{loaded.description}: the live system cuts windows of {live.window_format}, and these "
            f"weights read {loaded.contract.window_format}; give weights that were trained on the canonical "
            "joints"
        )
    if contract not in ("", loaded.contract.id):
        raise DataError(f"{loaded.description}: the weights changed while the system was running; restart it")


class _EncoderLoop:
    """Receives windows, encodes them, sends the CAGEs on, and sends heartbeats in between."""

    def __init__(
        self,
        bus: Bus,
        windows: zmq.Socket[bytes],
        heartbeat: Heartbeat,
        encoder: Encoder,
        info: EncoderInfo,
    ) -> None:
        self._windows = windows
        self._cages = bus.connect(zmq.PUSH, "cages")
        self._heartbeat = heartbeat
        self._encoder = encoder
        self._contract = info.contract
        self._info_json = msgspec.json.encode(info).decode()
        self._encoded_windows = 0
        self._encoder_calls = 0
        self._bad_messages = 0

    def run(self, stop: threading.Event) -> None:
        """Encodes all waiting windows as one batch and sends each tick on, until `stop` is set."""
        self._send_heartbeat(force=True)
        while not stop.is_set():
            self._send_heartbeat()
            ticks = self._receive()
            taken_ns = time.monotonic_ns()
            cages = self._encode([windows for _, windows in ticks if len(windows)])
            for tick, windows in ticks:
                block, cages = cages[: len(windows)], cages[len(windows) :]
                self._send(msgspec.structs.replace(tick, taken_ns=taken_ns), block, stop)

    def _receive(self) -> list[tuple[Tick, FloatArray]]:
        received: list[tuple[Tick, FloatArray]] = []
        count = 0
        # Waits only for the first message; the batch takes further messages only if they are already there.
        while count < MAX_WINDOWS and self._windows.poll(0 if received else _POLL_MS):
            try:
                tick, windows = unpack(self._windows.recv_multipart())
                if not isinstance(tick, Tick) or (
                    tick.rows and windows.shape[1:] != self._encoder.window_shape
                ):
                    raise BadMessage
            except BadMessage:
                self._bad_messages += 1
                continue
            received.append((tick, windows))
            count += len(windows)
        return received

    def _encode(self, blocks: list[FloatArray]) -> FloatArray:
        if not blocks:
            return self._encoder.empty
        self._encoder_calls += 1
        cages = self._encoder.encode(np.concatenate(blocks))
        self._encoded_windows += len(cages)
        return cages

    def _send(self, tick: Tick, block: FloatArray, stop: threading.Event) -> None:
        tick = msgspec.structs.replace(
            tick,
            contract=self._contract,
            shape=block.shape if tick.rows else (),
            encoded_ns=time.monotonic_ns(),
        )
        parts = pack(tick, block if tick.rows else None)
        while not self._cages.poll(_POLL_MS, zmq.POLLOUT):
            self._send_heartbeat()
            if stop.is_set():
                return
        self._cages.send_multipart(parts, zmq.NOBLOCK)

    def _send_heartbeat(self, *, force: bool = False) -> None:
        counters = {
            "windows": self._encoded_windows,
            "calls": self._encoder_calls,
            "bad": self._bad_messages,
        }
        self._heartbeat.send("ready", counters, self._info_json, force=force)
