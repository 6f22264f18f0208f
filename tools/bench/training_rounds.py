"""Windows per second of one training step, in a process of its own or in several that train together.

    python -m tools.bench.training_rounds VARIANT CONFIG

is the process; see `tools.bench.workers`. VARIANT is `plain` or a precision, CONFIG a `TrainConfig` as JSON.
"""

from __future__ import annotations

import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType

import msgspec

from encoder.inference import resolve_device
from encoder.training.distributed import ProcessGroup, join_process_group
from encoder.training.precision import choose_precision
from encoder.training.spans import IntArray
from encoder.training.train_config import TrainConfig
from encoder.training.trainer import Trainer
from tools.bench.training_steps import PlainStep, Step, endless_batches, synthetic_spans
from tools.bench.workers import Rates, Worker, serve_rounds

__all__ = ["PLAIN", "TrainingWorkers", "precisions"]

PLAIN = "plain"
"""The step in plain torch, float32."""

_BATCHES_PER_ROUND = 4


def precisions(config: TrainConfig) -> list[str]:
    """Returns the precisions to measure: fp32, and bf16 where the device is faster with it.

    Raises:
        UserError: the device does not exist.
    """
    return list(dict.fromkeys(("fp32", choose_precision("auto", resolve_device(config.device)))))


class TrainingWorkers:
    """One or several processes that train together; they end with the block.

    Args:
        variant: `PLAIN`, or one of `precisions`.
        config: settings with one pretext task and without augmentation.
        processes: their number; more than one share each batch.
    """

    def __init__(self, variant: str, config: TrainConfig, processes: int = 1) -> None:
        self._exit = ExitStack()
        text = msgspec.json.encode(config).decode()
        shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port()), "WORLD_SIZE": str(processes)}
        with self._exit:
            self._workers = [
                self._exit.enter_context(
                    Worker(
                        __name__,
                        variant,
                        text,
                        threads=config.threads or 1,
                        variables=shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
                    )
                )
                for rank in range(processes)
            ]
            self._exit = self._exit.pop_all()

    def __enter__(self) -> TrainingWorkers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exit.__exit__(kind, error, trace)

    def round(self) -> float:
        """Trains some batches; returns windows per second of all processes together.

        Raises:
            RunError: a process failed.
        """
        for worker in self._workers:
            worker.begin()
        first, *_ = [worker.finish() for worker in self._workers]
        return first["windows"]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _step(
    variant: str, config: TrainConfig, folder: Path, group: ProcessGroup
) -> tuple[Step, Iterator[IntArray]]:
    spans = synthetic_spans(config)
    if variant == PLAIN:
        step: Step = PlainStep(config, spans, resolve_device(config.device)).train_step
    else:
        step = Trainer(replace(config, precision=variant), spans, folder, group=group).train_step
    return step, endless_batches(config, spans)


def _round(step: Step, batches: Sequence[IntArray]) -> Rates:
    started = time.perf_counter()
    for number, rows in enumerate(batches):
        float(step(rows, (0, number)).sum())  # reading a value waits for the device
    return {"windows": sum(len(rows) for rows in batches) / (time.perf_counter() - started)}


def main() -> None:
    """Measures rounds on request."""
    variant, text = sys.argv[1:]
    config = msgspec.json.decode(text, type=TrainConfig)
    with tempfile.TemporaryDirectory(prefix="sge-bench-") as folder, join_process_group() as group:
        step, batches = _step(variant, config, Path(folder), group)
        _round(step, [next(batches)])
        serve_rounds(lambda: _round(step, [next(batches) for _ in range(_BATCHES_PER_ROUND)]))


if __name__ == "__main__":
    main()
