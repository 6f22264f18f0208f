"""pykinect_azure 0.0.4 and the libraries under it: loaded, or a sentence that says what is missing.

The package prints what went wrong and leaves the program (`sys.exit`), or goes on and fails later with an
AttributeError of something else. Nothing but its declarations of the C functions is used here, so that each
call's result is seen and no wait is endless.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

from stream.errors import SourceError

__all__ = ["INSTALL", "MODES", "K4a", "K4aConfig", "load_k4a"]

INSTALL = "pip install --no-deps pykinect-azure==0.0.4"
"""With --no-deps, as a second OpenCV beside the headless one breaks both."""

MODES = {"auto": None, "gpu": 0, "cpu": 1, "cuda": 2, "tensorrt": 3, "directml": 4}
"""What the body tracker computes on, by its name and k4abt's number; `auto`: as the package finds it."""

_SPEAKING = ("pykinect_azure.utils.utils", "pykinect_azure.k4a._k4a", "pykinect_azure.k4abt._k4abt",
             "pykinect_azure.k4arecord._k4arecord")  # fmt: skip
"""The package's modules that print."""

_SENSOR_SDK = (
    "the library k4a did not load ({}): install the Azure Kinect Sensor SDK 1.4 (Linux: the package "
    "libk4a1.4), or for an Orbbec Femto its K4A wrapper, whose path is the option k4a"
)
_TRACKER_SDK = (
    "the library k4abt did not load ({}): install the Azure Kinect Body Tracking SDK 1.1 (Linux: the package "
    "libk4abt1.1), or give its path as the option k4abt"
)
_ONNX = (
    "the body tracker's onnxruntime did not load ({}): install the Azure Kinect Body Tracking SDK 1.1 whole; "
    "for a GPU it needs the CUDA and cuDNN that came with it"
)


@dataclass(frozen=True, slots=True)
class K4aConfig:
    """What `k4a:...` asks for, checked.

    Attributes:
        device: which of several sensors, from 0.
        mode: a key of `MODES`.
        k4a: the sensor library's path; None for its usual place.
        k4abt: the body tracker's; likewise.
    """

    device: int = 0
    mode: str = "auto"
    k4a: str | None = None
    k4abt: str | None = None


@dataclass(frozen=True, slots=True)
class K4a:
    """The package with both libraries loaded.

    Attributes:
        sensor: its declarations of k4a.
        tracker: its declarations of k4abt.
    """

    sensor: ModuleType
    tracker: ModuleType


def load_k4a(config: K4aConfig) -> K4a:
    """Import the package and load the libraries.

    Raises:
        SourceError: the package, OpenCV or a library is missing or does not load here.
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
    words: list[str] = []
    try:
        with _listening(words):
            package.initialize_libraries(
                module_k4a_path=config.k4a, module_k4abt_path=config.k4abt, track_body=True
            )
    except SystemExit as error:
        raise SourceError(_explained(" ".join(words))) from error
    except OSError as error:
        raise SourceError(_ONNX.format(error)) from error
    except AttributeError as error:
        raise SourceError(
            f"the libraries k4a and k4abt are not those that pykinect_azure 0.0.4 is made for ({error}): "
            "install the Azure Kinect Sensor SDK 1.4 and its Body Tracking SDK 1.1"
        ) from error
    return K4a(sensor, tracker)


def _explained(words: str) -> str:
    """What the package printed before it left, as a sentence that says what to do."""
    if "ARM" in words:
        return "there is no body tracker of the Azure Kinect for ARM processors: use one with x86-64"
    known = {"Failed to load body tracker library": _TRACKER_SDK, "Failed to load library": _SENSOR_SDK}
    for start, sentence in known.items():
        if start in words:
            return sentence.format(words.partition(start)[2].strip() or "no reason given")
    return _SENSOR_SDK.format(words or "no reason given")


@contextlib.contextmanager
def _listening(words: list[str]) -> Iterator[None]:
    """Take what the package prints; the program's own output is left alone."""
    speaking = [importlib.import_module(name) for name in _SPEAKING]
    for module in speaking:
        module.print = lambda *told: words.append(" ".join(map(str, told)))  # type: ignore[attr-defined]
    try:
        yield
    finally:
        for module in speaking:
            del module.print
