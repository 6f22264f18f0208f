"""Fake Kinect20.dll, COM and Windows events, as far as the original pykinect2 uses them."""

from __future__ import annotations

import _ctypes
import codecs
import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any, NoReturn

import pytest

from stream.sources.kinect.pykinect import load_pykinect2
from tests.stream.sources.sensors import FakePerson, Feed

BODIES = 6
ARRIVED = 1000
FIRST_ID = 72057594037927936
"""Tracking ids of a Kinect v2 start above the integers that a float64 represents exactly."""


class FakeKinect:
    """The machine's sensor; each test has its own."""

    def __init__(self) -> None:
        self.connections = 0
        self.port = 0
        self.plugged = True
        self.floor = (0.0, 1.0, 0.0, 1.2)
        self._feed = Feed()
        self._closed: set[int] = set()
        self._events = 0

    def show(self, *people: FakePerson) -> None:
        self._feed.put(people)

    def settle(self) -> None:
        self._feed.settle()

    def crash(self) -> None:
        """Makes the driver thread fail while it waits."""
        self._feed.put(OSError("the handle is invalid"))

    # kernel32

    def create_event(self, *_: object) -> int:
        self._events += 1
        return self._events

    def set_event(self, handle: int) -> int:
        self._closed.add(handle)
        self._feed.wake()
        return 1

    def wait(self, count: int, handles: Any, _all: bool, _ms: int) -> int:
        close = handles[0]
        shown = self._feed.get(None, lambda: close in self._closed)
        if isinstance(shown, Exception):
            raise shown
        if shown is None:
            return 0
        self.people: tuple[FakePerson, ...] = shown
        return next(number for number in range(count) if handles[number] == ARRIVED)

    # kinect20

    def open(self) -> int:
        if not self.plugged:
            raise OSError("no Kinect is connected")
        self.connections += 1
        return 0

    def body_frame(self, v2: Any) -> SimpleNamespace:
        def refresh(_capacity: object, bodies: Any) -> None:
            for number in range(BODIES):
                bodies[number] = ctypes.pointer(v2.IBody(number))

        return SimpleNamespace(FloorClipPlane=v2._Vector4(*self.floor), GetAndRefreshBodyData=refresh)


class FakeMachine:
    """Windows with the Kinect SDK; `sensor` is the sensor plugged in."""

    def __init__(self) -> None:
        self.sensor = FakeKinect()

    def add_com_members(self, v2: Any) -> None:
        """Adds the members that the package's runtime uses to its COM pointers."""
        machine = self
        size = SimpleNamespace(Width=512, Height=424)
        other = SimpleNamespace(FrameDescription=size)

        def event_data(_: object) -> SimpleNamespace:
            acquire = SimpleNamespace(AcquireFrame=lambda: machine.sensor.body_frame(v2))
            return SimpleNamespace(FrameReference=acquire)

        reader = SimpleNamespace(SubscribeFrameArrived=lambda: ARRIVED, GetFrameArrivedEventData=event_data)
        sensor = ctypes.POINTER(v2.IKinectSensor)
        sensor.Open = lambda _: machine.sensor.open()
        sensor.Close = lambda _: 0
        sensor.CoordinateMapper = None
        sensor.ColorFrameSource = sensor.DepthFrameSource = sensor.BodyIndexFrameSource = other
        sensor.BodyFrameSource = SimpleNamespace(BodyCount=BODIES, OpenReader=lambda: reader)

        def person(pointer: Any) -> FakePerson | None:
            number = pointer.contents.number
            return machine.sensor.people[number] if number < len(machine.sensor.people) else None

        def joints(pointer: Any, count: int, into: Any) -> None:
            found = person(pointer)
            assert found is not None
            for number in range(count):
                into[number].JointType = number
                into[number].Position.x, into[number].Position.y, into[number].Position.z = map(
                    float, found.joints[number]
                )
                into[number].TrackingState = found.states[number]

        body = ctypes.POINTER(v2.IBody)
        body.IsTracked = property(lambda pointer: person(pointer) is not None)
        body.TrackingId = property(lambda pointer: person(pointer).id)  # type: ignore[union-attr]
        for name in ("IsRestricted", "Engaged", "Lean", "LeanTrackingState", "ClippedEdges"):
            setattr(body, name, 0)
        for side in ("Left", "Right"):
            setattr(body, f"Hand{side}State", 0)
            setattr(body, f"Hand{side}Confidence", 0)
        body.GetJoints = joints
        body.GetJointOrientations = lambda *_: None


class _Dll:
    def __init__(self, name: str, *_: object) -> None:
        self._name = name

    def __getattr__(self, name: str) -> SimpleNamespace:
        function = SimpleNamespace()
        setattr(self, name, function)
        return function


def forget_pykinect2(patch: pytest.MonkeyPatch) -> None:
    """Makes the next import load the package again."""
    for name in [name for name in sys.modules if name.startswith("pykinect2")]:
        patch.delitem(sys.modules, name)


@contextmanager
def windows(patch: pytest.MonkeyPatch) -> Iterator[FakeMachine]:
    """Yields a machine on which the original pykinect2 can be imported and is not patched yet."""
    machine = FakeMachine()
    forget_pykinect2(patch)
    patch.setattr("stream.sources.kinect.pykinect._system", lambda: "Windows")
    patch.setattr(_ctypes, "COMError", type("COMError", (Exception,), {}), raising=False)
    patch.setattr(ctypes, "HRESULT", ctypes.c_long, raising=False)
    patch.setattr(ctypes, "WinDLL", _Dll, raising=False)

    class Kernel32:
        """Looks up the sensor at each call, because each test has its own."""

        CloseHandle = staticmethod(lambda _: 1)
        CreateEventW = property(lambda _: machine.sensor.create_event)
        SetEvent = property(lambda _: machine.sensor.set_event)
        WaitForMultipleObjects = property(lambda _: machine.sensor.wait)

    kinect20 = SimpleNamespace(GetDefaultKinectSensor=lambda _: 0)
    patch.setattr(ctypes, "windll", SimpleNamespace(kernel32=Kernel32(), kinect20=kinect20), raising=False)
    comtypes = _comtypes()
    patch.setitem(sys.modules, "comtypes", comtypes)
    patch.setitem(sys.modules, "comtypes.hresult", comtypes.hresult)

    def mbcs(name: str) -> codecs.CodecInfo | None:
        return codecs.lookup("utf-8") if name == "mbcs" else None

    codecs.register(mbcs)
    try:
        yield machine
    finally:
        codecs.unregister(mbcs)
        forget_pykinect2(patch)


@contextmanager
def kinect_machine() -> Iterator[FakeMachine]:
    """Yields a machine with the SDK, the patched package and a sensor."""
    with pytest.MonkeyPatch.context() as patch, windows(patch) as machine:
        machine.add_com_members(load_pykinect2().constants)
        yield machine


def _comtypes() -> Any:
    """Returns a fake comtypes; like the real one, it re-exports all names of ctypes, including `sizeof`."""

    class GUID(ctypes.Structure):
        _fields_ = [("bytes", ctypes.c_ubyte * 16)]

        def __init__(self, text: str | None = None) -> None:
            super().__init__()

    class IUnknown(ctypes.Structure):
        _fields_ = [("number", ctypes.c_int)]

    class BSTR(ctypes.c_void_p):
        pass

    def check(*_: object) -> NoReturn:
        raise ImportError("Wrong version")

    comtypes: Any = ModuleType("comtypes")
    vars(comtypes).update({name: value for name, value in vars(ctypes).items() if not name.startswith("__")})
    comtypes.GUID, comtypes.IUnknown, comtypes.BSTR = GUID, IUnknown, BSTR
    comtypes.helpstring = comtypes.dispid = lambda text: text
    comtypes.COMMETHOD = comtypes.STDMETHOD = lambda *of, **named: (of, named)
    comtypes._check_version = check
    comtypes.hresult = ModuleType("comtypes.hresult")
    return comtypes
