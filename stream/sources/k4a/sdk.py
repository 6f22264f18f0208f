"""Loads pykinect_azure 0.0.4 and the Azure Kinect libraries, with clear errors if something is missing.

On failure, the package prints a message and exits the program (`sys.exit`), or continues and fails later with
an unrelated AttributeError. Only its declarations of the C functions are used, so that the result of each
call is checked and every wait has a time-out.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

from stream.errors import SourceError

__all__ = ["INSTALL", "MODES", "K4aConfig", "K4aLibraries", "load_libraries"]

INSTALL = "pip install --no-deps pykinect-azure==0.0.4"
"""With --no-deps, because a second OpenCV beside the headless one breaks both."""

MODES = {"auto": None, "gpu": 0, "cpu": 1, "cuda": 2, "tensorrt": 3, "directml": 4}
"""Processing mode of the body tracker -> k4abt's number; `auto` keeps the package's default."""

_PRINTING_MODULES = (
    "pykinect_azure.utils.utils",
    "pykinect_azure.k4a._k4a",
    "pykinect_azure.k4abt._k4abt",
    "pykinect_azure.k4arecord._k4arecord",
)
"""Modules of the package that print."""

_SENSOR_SDK = (
    "the library k4a did not load ({}): install the Azure Kinect Sensor SDK 1.4 (Linux: the package "
    "libk4a1.4), or for an Orbbec Femto its K4A wrapper, and give its path as the option k4a"
)
_TRACKER_SDK = (
    "the library k4abt did not load ({}): install the Azure Kinect Body Tracking SDK 1.1 (Linux: the package "
    "libk4abt1.1), or give its path as the option k4abt"
)
_ONNX = (
    "the body tracker's onnxruntime did not load ({}): install the complete Azure Kinect Body Tracking SDK "
    "1.1; for a GPU it needs the CUDA and cuDNN versions of the SDK"
)


@dataclass(frozen=True, slots=True)
class K4aConfig:
    """Validated options of `k4a:...`.

    Attributes:
        device: index of the sensor, from 0.
        mode: a key of `MODES`.
        k4a: path of the sensor library; None for the default location.
        k4abt: path of the body tracker's library; None for the default location.
    """

    device: int = 0
    mode: str = "auto"
    k4a: str | None = None
    k4abt: str | None = None


@dataclass(frozen=True, slots=True)
class K4aLibraries:
    """The package's modules, with both libraries loaded.

    Attributes:
        sensor: declarations of k4a.
        tracker: declarations of k4abt.
    """

    sensor: ModuleType
    tracker: ModuleType


def load_libraries(config: K4aConfig) -> K4aLibraries:
    """Imports the package and loads the libraries.

    Raises:
        SourceError: the package, OpenCV or a library is missing or does not load.
    """
    try:
        package = importlib.import_module("pykinect_azure")
        sensor = importlib.import_module("pykinect_azure.k4a._k4a")
        tracker = importlib.import_module("pykinect_azure.k4abt._k4abt")
    except ImportError as error:
        if error.name and error.name.startswith("cv2"):
            raise SourceError(
                "pykinect_azure needs OpenCV, which is not installed: pip install opencv-python-headless"
            ) from error
        raise SourceError(
            f"an Azure Kinect or Orbbec Femto needs the package pykinect_azure ({error}): {INSTALL}"
        ) from error
    printed: list[str] = []
    try:
        with _captured_prints(printed):
            package.initialize_libraries(
                module_k4a_path=config.k4a, module_k4abt_path=config.k4abt, track_body=True
            )
    except SystemExit as error:
        raise SourceError(_exit_reason(" ".join(printed))) from error
    except OSError as error:
        raise SourceError(_ONNX.format(error)) from error
    except AttributeError as error:
        raise SourceError(
            f"pykinect_azure 0.0.4 does not support these versions of k4a and k4abt ({error}): "
            "install the Azure Kinect Sensor SDK 1.4 and its Body Tracking SDK 1.1"
        ) from error
    return K4aLibraries(sensor, tracker)


def _exit_reason(printed: str) -> str:
    """Returns the error message for what the package printed before it called `sys.exit`."""
    if "ARM" in printed:
        return "the Azure Kinect's body tracker does not support ARM processors: use an x86-64 machine"
    known = {"Failed to load body tracker library": _TRACKER_SDK, "Failed to load library": _SENSOR_SDK}
    for start, message in known.items():
        if start in printed:
            return message.format(printed.partition(start)[2].strip() or "no reason given")
    return _SENSOR_SDK.format(printed or "no reason given")


@contextlib.contextmanager
def _captured_prints(printed: list[str]) -> Iterator[None]:
    """Captures the output of the package's print calls; other output is not affected."""
    modules = [importlib.import_module(name) for name in _PRINTING_MODULES]
    for module in modules:
        module.print = lambda *values: printed.append(" ".join(map(str, values)))  # type: ignore[attr-defined]
    try:
        yield
    finally:
        for module in modules:
            del module.print
