"""The encoder process: windows in, CAGEs out, in order, as many at once as happen to wait."""

from __future__ import annotations

import threading
from pathlib import Path

import msgspec
import numpy as np
import zmq

from encoder.contract import Contract
from encoder.encoder_settings import EncoderCard, EncoderOrders
from encoder.inference import Encoder
from encoder.weights import LoadedEncoder, load_encoder
from stream.body import FloatArray
from stream.bus.heartbeat import Heartbeat
from stream.bus.messages import BadMessage, Tick, pack, unpack
from stream.bus.sockets import Bus
from stream.errors import DataError, SgeError

__all__ = ["run"]

MAX_WINDOWS = 64
"""Windows taken at once: more would only make the first of them wait."""

_WAIT_MS = 100


def run(orders: EncoderOrders, stop: threading.Event) -> None:
    """Encode until `stop` is set.

    Raises:
        SgeError: the weights or the device cannot be used.
    """
    with Bus(orders.wiring) as bus:
        heart = Heartbeat(bus, "encoder")
        try:
            loaded = load_encoder(*map(Path, orders.weights))
            _check(loaded, orders.contract)
            encoder = Encoder(loaded, orders.device)
            encoder.warm_up()
        except SgeError as error:
            heart.failed(str(error), error.exit_code)
            raise
        card = EncoderCard(loaded.contract.id, loaded.contract.f, loaded.description, str(encoder.device))
        _Service(bus, heart, encoder, card).serve(stop)


def _check(loaded: LoadedEncoder, contract: str) -> None:
    """See that the weights read the windows that capture workers cut, and are those the run began with."""
    live = Contract(model="", f=loaded.contract.f)
    if loaded.contract.windows != live.windows:
        raise DataError(
            f"{loaded.description}: the live system cuts windows of {live.windows}, and these weights read "
            f"{loaded.contract.windows}; give weights that were trained on the canonical joints"
        )
    if contract not in ("", loaded.contract.id):
        raise DataError(f"{loaded.description}: the weights changed while the system ran; start it again")


class _Service:
    def __init__(self, bus: Bus, heart: Heartbeat, encoder: Encoder, card: EncoderCard) -> None:
        self._windows = bus.bind(zmq.PULL, "windows")
        self._cages = bus.connect(zmq.PUSH, "cages")
        self._heart = heart
        self._encoder = encoder
        self._card = card
        self._text = msgspec.json.encode(card).decode()
        self._encoded = 0
        self._calls = 0
        self._bad = 0

    def serve(self, stop: threading.Event) -> None:
        """Take what waits, encode it as one batch, send each tick on."""
        self._beat(force=True)
        while not stop.is_set():
            self._beat()
            ticks = self._take()
            cages = self._encode([windows for _, windows in ticks if len(windows)])
            for tick, windows in ticks:
                block, cages = cages[: len(windows)], cages[len(windows) :]
                self._send(tick, block, stop)

    def _take(self) -> list[tuple[Tick, FloatArray]]:
        taken: list[tuple[Tick, FloatArray]] = []
        count = 0
        # Only the first wait may last: what follows joins the batch if it is there already.
        while count < MAX_WINDOWS and self._windows.poll(0 if taken else _WAIT_MS):
            try:
                tick, windows = unpack(self._windows.recv_multipart())
                if not isinstance(tick, Tick) or (
                    tick.rows and windows.shape[1:] != self._encoder.window_shape
                ):
                    raise BadMessage
            except BadMessage:
                self._bad += 1
                continue
            taken.append((tick, windows))
            count += len(windows)
        return taken

    def _encode(self, blocks: list[FloatArray]) -> FloatArray:
        if not blocks:
            return self._encoder.nothing
        self._calls += 1
        cages = self._encoder.encode(np.concatenate(blocks))
        self._encoded += len(cages)
        return cages

    def _send(self, tick: Tick, block: FloatArray, stop: threading.Event) -> None:
        tick = msgspec.structs.replace(
            tick, contract=self._card.contract, shape=block.shape if tick.rows else ()
        )
        parts = pack(tick, block if tick.rows else None)
        while not self._cages.poll(_WAIT_MS, zmq.POLLOUT):
            self._beat()
            if stop.is_set():
                return
        self._cages.send_multipart(parts, zmq.NOBLOCK)

    def _beat(self, *, force: bool = False) -> None:
        counters = {"windows": self._encoded, "calls": self._calls, "bad": self._bad}
        self._heart.beat("ready", counters, self._text, force=force)
