"""Loads pykinect2 0.1.0 (2015), patched at import for current Python versions; its files are not changed.

| defect of the package | symptom | patch |
|---|---|---|
| `assert sizeof(tagSTATSTG) == 72`, which is 80 on 64 bits | AssertionError | a `sizeof` for the import |
| `comtypes._check_version('')` | ImportError "Wrong version" | no check during the import |
| `time.clock`, removed in Python 3.8 | AttributeError, a thread keeps running | a `time` that has it |
| `numpy.object`, removed in numpy 1.24, in a bare `except` | no bodies, no error | a `numpy` that has it |
| the time of the last access is kept in a local variable | every frame counts as new forever | an attribute |

Its thread also ends silently when the driver fails; `Runtime` reports this.
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

_THREAD_END_TIMEOUT_S = 1.0
_ALTERNATIVE = "record there and replay the recording here (walk.mcap), or use an Azure Kinect (k4a)"


@dataclass(frozen=True, slots=True)
class PyKinect2:
    """The patched package.

    Attributes:
        constants: its module `PyKinectV2`: structures and constants.
        runtime: a class: `runtime(arrived, failed)` opens the sensor. Its own thread calls
            `arrived(time_ns, frame)` with each body frame and the monotonic time of its arrival, and
            `failed(error)` once when no more frames will arrive.
    """

    constants: ModuleType
    runtime: Callable[[Callable[[int, Any], None], Callable[[Exception], None]], Any]


def load_pykinect2() -> PyKinect2:
    """Imports the package and patches it.

    Raises:
        SourceError: this is not Windows, or the package or the SDK is missing.
    """
    if _system() != "Windows":
        raise SourceError(
            "a Kinect v2 needs Windows, with Microsoft's Kinect for Windows SDK 2.0 and pykinect2, but this "
            f"is {_system()}: {_ALTERNATIVE}"
        )
    try:
        comtypes = importlib.import_module("comtypes")
        importlib.import_module("comtypes.hresult")  # PyKinectV2 uses it without importing it
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
            "a Kinect v2 needs Microsoft's Kinect for Windows SDK 2.0, whose library was not found "
            f"({error}): install it from microsoft.com, and plug the sensor in afterwards"
        ) from error
    constants.sizeof = ctypes.sizeof  # type: ignore[attr-defined]
    runtime.sizeof = ctypes.sizeof  # type: ignore[attr-defined]
    runtime.time = _ExtendedModule(time, clock=time.perf_counter)  # type: ignore[attr-defined]
    runtime.numpy = _ExtendedModule(np, object=object)  # type: ignore[attr-defined]
    return PyKinect2(constants, _patched_runtime(runtime, constants.FrameSourceTypes_Body))


def _system() -> str:
    return platform.system()


_ctypes_sizeof = ctypes.sizeof


def _sizeof(of: Any) -> int:
    # The structure belongs to a COM storage interface that a Kinect does not use.
    return 72 if getattr(of, "__name__", "") == "tagSTATSTG" else _ctypes_sizeof(of)


@contextlib.contextmanager
def _replaced(module: ModuleType, name: str, value: object) -> Iterator[None]:
    original = getattr(module, name, None)
    setattr(module, name, value)
    try:
        yield
    finally:
        if original is None:
            delattr(module, name)
        else:
            setattr(module, name, original)


class _ExtendedModule:
    """A module with some names added, visible to one importer only."""

    def __init__(self, module: ModuleType, **added: object) -> None:
        self._module = module
        self.__dict__.update(added)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


def _patched_runtime(module: ModuleType, bodies: int) -> Any:
    class Runtime(module.PyKinectRuntime):  # type: ignore[misc, name-defined]
        """Delivers body frames as they arrive, and reports when the driver stops."""

        def __init__(self, arrived: Callable[[int, Any], None], failed: Callable[[Exception], None]) -> None:
            self._arrived = arrived
            self._failed = failed
            # The package starts its thread before it initialises the attributes that the thread uses, and
            # does not stop it if the constructor then fails.
            self._constructed = threading.Event()
            self._ended = threading.Event()
            self._closing = False
            self._opened = False
            try:
                super().__init__(bodies)
                self._opened = True
            finally:
                self._constructed.set()

        def kinect_frame_thread(self) -> None:
            self._constructed.wait()
            if not self._opened:
                return
            try:
                super().kinect_frame_thread()
            except Exception as error:  # COM errors, invalid handles
                self._report_end(error)
            else:
                self._report_end(None)
            finally:
                self._ended.set()

        def handle_body_arrived(self, handle_index: int) -> None:
            time_ns = time.perf_counter_ns()  # on Windows, monotonic_ns() has a resolution of 16 ms only
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
            # __del__ calls it too, even if the constructor failed and there is nothing to close.
            if not self._opened or self._sensor is None:
                return
            self._closing = True
            super().close()
            self._ended.wait(_THREAD_END_TIMEOUT_S)

        def _report_end(self, error: Exception | None) -> None:
            if not self._closing:
                cause = f"{type(error).__name__}: {error}" if error is not None else "its thread ended"
                self._failed(SourceError(f"the Kinect's driver stopped ({cause})"))

    return Runtime
