"""pykinect2 0.1.0 of 2015, mended at import so that it works on today's Python; its files stay as they are.

| broken in the package | what was seen | mended by |
|---|---|---|
| `assert sizeof(tagSTATSTG) == 72`, which is 80 on 64 bits | AssertionError | a `sizeof` for the import |
| `comtypes._check_version('')` | ImportError "Wrong version" | no check during the import |
| `time.clock`, gone since Python 3.8 | AttributeError, a thread running | a `time` that has it |
| `numpy.object`, gone since numpy 1.24, in a bare `except` | no body ever, no word | a `numpy` that has it |
| the time of the last look kept in a local variable | every frame is new for ever | kept in the object |

Its thread also dies without a word where the driver fails: `Runtime` tells.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import platform
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from stream.errors import SourceError

__all__ = ["PyKinect2", "load_pykinect2"]

_END_S = 1.0
_INSTEAD = "record there and replay the recording here (walk.mcap), or use an Azure Kinect (k4a)"


@dataclass(frozen=True, slots=True)
class PyKinect2:
    """The mended package.

    Attributes:
        constants: its module `PyKinectV2`: structures and numbers.
        runtime: a class: `runtime(arrived, failed)` opens the sensor; `arrived(time_ns, frame)` is called in
            a thread of its own with each body frame and the monotonic time of its arrival, `failed(error)`
            once where none will come any more.
    """

    constants: ModuleType
    runtime: Callable[[Callable[[int, Any], None], Callable[[Exception], None]], Any]


def load_pykinect2() -> PyKinect2:
    """Import the package, mended.

    Raises:
        SourceError: this is not Windows, or the package or the SDK is missing.
    """
    if _system() != "Windows":
        raise SourceError(
            "a Kinect v2 needs Windows, with Microsoft's Kinect for Windows SDK 2.0 and pykinect2, and this "
            f"is {_system()}: {_INSTEAD}"
        )
    try:
        comtypes = importlib.import_module("comtypes")
        importlib.import_module("comtypes.hresult")  # PyKinectV2 writes into it without importing it
        with _replaced(ctypes, "sizeof", _sizeof), _replaced(comtypes, "sizeof", _sizeof):
            with _replaced(comtypes, "_check_version", lambda *_: None):
                constants = importlib.import_module("pykinect2.PyKinectV2")
            runtime = importlib.import_module("pykinect2.PyKinectRuntime")
    except ImportError as error:
        raise SourceError(
            f"a Kinect v2 needs the packages pykinect2 and comtypes ({error}): install them with "
            "pip install -c constraints.txt '.[kinect]'"
        ) from error
    except OSError as error:  # Kinect20.dll
        raise SourceError(
            f"a Kinect v2 needs Microsoft's Kinect for Windows SDK 2.0, whose library is not here ({error}): "
            "install it from microsoft.com, and plug the sensor in afterwards"
        ) from error
    constants.sizeof = ctypes.sizeof  # type: ignore[attr-defined]
    runtime.sizeof = ctypes.sizeof  # type: ignore[attr-defined]
    runtime.time = _Mended(time, clock=time.perf_counter)  # type: ignore[attr-defined]
    runtime.numpy = _Mended(np, object=object)  # type: ignore[attr-defined]
    return PyKinect2(constants, _mended_runtime(runtime, constants.FrameSourceTypes_Body))


def _system() -> str:
    return platform.system()


_true_sizeof = ctypes.sizeof


def _sizeof(of: Any) -> int:
    # The structure is of a storage interface that no Kinect uses.
    return 72 if getattr(of, "__name__", "") == "tagSTATSTG" else _true_sizeof(of)


@contextlib.contextmanager
def _replaced(module: ModuleType, name: str, value: object) -> Iterator[None]:
    former = getattr(module, name, None)
    setattr(module, name, value)
    try:
        yield
    finally:
        if former is None:
            delattr(module, name)
        else:
            setattr(module, name, former)


class _Mended:
    """A module with some names added, for one importer alone."""

    def __init__(self, module: ModuleType, **added: object) -> None:
        self._module = module
        self.__dict__.update(added)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


def _mended_runtime(module: ModuleType, bodies: int) -> Any:
    class Runtime(module.PyKinectRuntime):  # type: ignore[misc, name-defined]
        """Delivers body frames as they arrive, and says when it stops."""

        def __init__(self, arrived: Callable[[int, Any], None], failed: Callable[[Exception], None]) -> None:
            self._arrived = arrived
            self._failed = failed
            # The package starts its thread before it has set what the thread reads and writes, and leaves
            # it running where the constructor then fails.
            self._built = threading.Event()
            self._ended = threading.Event()
            self._closing = False
            self._opened = False
            try:
                super().__init__(bodies)
                self._opened = True
            finally:
                self._built.set()

        def kinect_frame_thread(self) -> None:
            self._built.wait()
            if not self._opened:
                return
            try:
                super().kinect_frame_thread()
            except Exception as error:  # of any kind: COM's own, or a handle that is none
                self._tell(error)
            else:
                self._tell(None)
            finally:
                self._ended.set()

        def handle_body_arrived(self, handle_index: int) -> None:
            time_ns = time.perf_counter_ns()  # on Windows, monotonic_ns() moves by 16 ms only
            super().handle_body_arrived(handle_index)
            if self.has_new_body_frame():
                self._arrived(time_ns, self.get_last_body_frame())

        def get_last_body_frame(self) -> Any:
            with self._body_frame_lock:
                if self._body_frame_bodies is None:
                    return None
                self._last_body_frame_access = self._last_body_frame_time
                return self._body_frame_bodies.copy()

        def close(self) -> None:
            # __del__ calls it too, also where the constructor failed and there is nothing to close.
            if not self._opened or self._sensor is None:
                return
            self._closing = True
            super().close()
            self._ended.wait(_END_S)

        def _tell(self, error: Exception | None) -> None:
            if not self._closing:
                cause = f"{type(error).__name__}: {error}" if error is not None else "its thread ended"
                self._failed(SourceError(f"the Kinect's driver stopped ({cause})"))

    return Runtime
