"""The yardstick: how fast numpy, torch and ONNX Runtime multiply matrices in float32 on this machine.

    python -m tools.bench.products LIBRARY THREADS SECONDS

is the process that measures one of them; see `tools.bench.workers`.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from importlib.util import find_spec

import numpy as np

from stream.body import FloatArray
from tools.bench.workers import Rates, Worker, serve_rounds

__all__ = ["PRODUCT", "installed_libraries", "product_text", "product_worker"]

PRODUCT = (256, 1024, 1024)
"""Rows, inner size and columns: 256 windows times the kernel of a layer's four gates."""

_TUNING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
"""Environment variables that make OpenBLAS use kernels for another processor."""

_Product = Callable[[], object]


def installed_libraries() -> list[str]:
    """Returns the libraries that are installed; ONNX Runtime need not be."""
    needed = {"onnxruntime": ("onnx", "onnxruntime")}
    return [name for name in _PRODUCTS if all(map(find_spec, needed.get(name, (name,))))]


def product_text() -> str:
    """Returns the size as `256 x 1024 x 1024`."""
    return " x ".join(map(str, PRODUCT))


def product_worker(library: str, threads: int, round_s: float) -> Worker:
    """Starts the process whose rounds give GFLOP/s as `product`.

    Args:
        library: of `installed_libraries`.
        threads: number of threads.
        round_s: seconds of a round.
    """
    return Worker(__name__, library, str(threads), str(round_s), threads=threads, without=_TUNING)


def _numpy_product(left: FloatArray, right: FloatArray, threads: int) -> _Product:
    del threads  # OpenBLAS reads them from the environment
    result = np.empty((left.shape[0], right.shape[1]), np.float32)
    return lambda: np.matmul(left, right, out=result)


def _torch_product(left: FloatArray, right: FloatArray, threads: int) -> _Product:
    import torch  # noqa: PLC0415 - each library is measured without the others

    torch.set_num_threads(threads)
    first, second = torch.from_numpy(left), torch.from_numpy(right)
    result = torch.empty(left.shape[0], right.shape[1])
    return lambda: torch.mm(first, second, out=result)


def _onnx_product(left: FloatArray, right: FloatArray, threads: int) -> _Product:
    import torch  # noqa: PLC0415

    from tools.bench.onnx_models import onnx_function  # noqa: PLC0415

    product = torch.nn.Linear(right.shape[0], right.shape[1], bias=False)
    product.weight.data = torch.from_numpy(right).t().contiguous()
    compute = onnx_function(product, torch.from_numpy(left), threads)
    return lambda: compute(left)


_PRODUCTS = {"numpy": _numpy_product, "torch": _torch_product, "onnxruntime": _onnx_product}


def _round(product: _Product, round_s: float) -> Rates:
    """Returns GFLOP/s."""
    rows, inner, columns = PRODUCT
    count = 0
    started = time.perf_counter()
    while (elapsed := time.perf_counter() - started) < round_s or not count:
        product()
        count += 1
    return {"product": 2e-9 * rows * inner * columns * count / elapsed}


def main() -> None:
    """Measures rounds on request."""
    library, threads, round_s = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    rows, inner, columns = PRODUCT
    rng = np.random.default_rng(0)
    left, right = (
        rng.standard_normal((rows, inner), np.float32),
        rng.standard_normal((inner, columns), np.float32),
    )
    product = _PRODUCTS[library](left, right, threads)
    _round(product, 0.0)
    serve_rounds(lambda: _round(product, round_s))


if __name__ == "__main__":
    main()
