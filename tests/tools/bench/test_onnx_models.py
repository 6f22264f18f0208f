"""Networks in ONNX Runtime: they compute what torch computes, and contact nobody."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch

from tests.documentation.documents import ROOT
from tools.bench.onnx_models import onnx_available, onnx_function

pytestmark = pytest.mark.skipif(
    not onnx_available(), reason="needs the packages onnx and onnxruntime, of [dev]"
)

PROGRAM = """
import sys
import numpy as np
import torch
from tools.bench.onnx_models import onnx_function

compute = onnx_function(torch.nn.Linear(4, 5), torch.zeros(2, 4), threads=1)
for line in sys.stdin:
    print(compute(np.zeros((3, 4), np.float32)).shape, flush=True)
"""


def test_onnx_runtime_computes_what_torch_computes() -> None:
    product = torch.nn.Linear(4, 5, bias=False)
    inputs = np.random.default_rng(0).standard_normal((3, 4), np.float32)
    compute = onnx_function(product, torch.zeros(2, 4), threads=1)
    expected = product(torch.from_numpy(inputs)).detach()
    np.testing.assert_allclose(compute(inputs), expected, rtol=1e-5, atol=1e-7)


@pytest.mark.slow
def test_onnx_runtime_contacts_nobody(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    strace = ["strace", "-f", "-qq", "-e", "trace=socket,connect,sendto", "-o", str(trace)]
    with subprocess.Popen(
        [*(strace if shutil.which("strace") else []), sys.executable, "-c", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "CI"},
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for _ in range(3):
            process.stdin.write("\n")
            process.stdin.flush()
            assert process.stdout.readline() == "(3, 5)\n"
            parent = psutil.Process(process.pid)
            for each in (parent, *parent.children(recursive=True)):
                assert each.net_connections() == []
    assert process.returncode == 0
    assert not trace.exists() or "AF_INET" not in trace.read_text(encoding="utf-8")
