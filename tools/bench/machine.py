"""The machine that figures were measured on, without its name."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

__all__ = ["Machine", "core_count", "describe_machine"]

_CPU_INFO = Path("/proc/cpuinfo")
_PACKAGES = ("torch", "numpy", "onnxruntime")


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """A machine and the versions of what computes.

    Attributes:
        system: operating system and architecture.
        cpu: model of the processor.
        cores: cores that this process may use.
        python: version of Python.
        packages: versions by package; only those that are installed.
    """

    system: str
    cpu: str
    cores: int
    python: str
    packages: dict[str, str]

    @property
    def sentence(self) -> str:
        """One line of text."""
        versions = ", ".join(f"{name} {number}" for name, number in self.packages.items())
        return f"{self.cpu}, {self.cores} cores, {self.system}, Python {self.python}, {versions}"


def core_count() -> int:
    """Returns the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def describe_machine() -> Machine:
    """Returns the description of this machine."""
    return Machine(
        system=f"{platform.system()} {platform.machine()}",
        cpu=_cpu_model(),
        cores=core_count(),
        python=platform.python_version(),
        packages=dict(_versions()),
    )


def _cpu_model() -> str:
    if _CPU_INFO.is_file():
        for line in _CPU_INFO.read_text(errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or "unknown processor"


def _versions() -> list[tuple[str, str]]:
    found = []
    for name in _PACKAGES:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:  # onnxruntime is for developers
            continue
    return found
