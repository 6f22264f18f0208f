"""Networks in ONNX Runtime, exported from torch; needs the packages onnx and onnxruntime, of `[dev]`."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import nn

from stream.body import FloatArray

__all__ = ["onnx_available", "onnx_function"]

_OPSET = 17


def onnx_available() -> bool:
    """Returns whether the packages are installed."""
    return all(find_spec(name) is not None for name in ("onnx", "onnxruntime"))


def onnx_function(
    module: nn.Module, sample: torch.Tensor, threads: int
) -> Callable[[FloatArray], FloatArray]:
    """Returns a network as a function that ONNX Runtime computes.

    Args:
        module: takes and returns one tensor; its parameters become constants.
        sample: an input; other inputs may have another length of axis 0.
        threads: number of threads.
    """
    import onnxruntime  # noqa: PLC0415 - torch is measured without it

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    model = _exported(module.eval(), sample)
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def compute(inputs: FloatArray) -> FloatArray:
        outputs: list[FloatArray] = session.run(None, {"inputs": inputs})
        return outputs[0]

    return compute


def _exported(module: nn.Module, sample: torch.Tensor) -> bytes:
    with tempfile.TemporaryDirectory(prefix="sge-onnx-") as folder, warnings.catch_warnings():
        file = Path(folder) / "model.onnx"
        warnings.simplefilter("ignore")  # of the exporter, on shapes that become constants
        torch.onnx.export(
            module,
            (sample,),
            file,
            input_names=["inputs"],
            output_names=["outputs"],
            dynamic_axes={"inputs": {0: "n"}, "outputs": {0: "n"}},
            opset_version=_OPSET,
            dynamo=False,
        )
        return file.read_bytes()
