"""An Azure Kinect, Orbbec Femto Bolt or Femto Mega as a source (`k4a`), through the package pykinect_azure.

    k4a:device=1,mode=cpu
    k4a:k4a=C:/OrbbecSDK/bin/k4a.dll

The package depends on opencv-python, which conflicts with the headless OpenCV, so it is not a declared
dependency: install it by hand with --no-deps. Tested with a fake package, not with a real sensor.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from stream.body import SourceInfo
from stream.errors import SourceError
from stream.sources.k4a.k4a_device import K4aDevice
from stream.sources.k4a.sdk import MODES, K4aConfig, load_libraries
from stream.sources.live_source import LiveSource
from stream.sources.source_options import OptionTable

__all__ = ["OPTIONS", "missing", "open_k4a", "parse_k4a"]

OPTIONS = {
    "device": "the index of the sensor, a whole number from 0 to 15",
    "mode": f"the processor of the body tracker, one of {', '.join(MODES)}",
    "k4a": "the path of the k4a library, if it is not in its default location (as Orbbec's wrapper)",
    "k4abt": "the path of the body tracker's library, if it is not in its default location",
}
"""Option -> the value it expects."""

_TABLE = OptionTable("k4a", OPTIONS)

HINT = "check that the sensor has power and is plugged into USB 3, and that no other program uses it"


def open_k4a(options: Mapping[str, str]) -> LiveSource:
    """Returns an Azure Kinect as a source; the first read opens the sensor.

    Args:
        options: see `OPTIONS`.

    Raises:
        SourceError: an option is unknown or invalid, or the package or a library is missing or does not load.
    """
    config = parse_k4a(options)
    libraries = load_libraries(config)
    info = SourceInfo(_TABLE.canonical(options), "azure-kinect", "azure-kinect", live=True, finite=False)
    return LiveSource(info, lambda: K4aDevice(libraries, config), hint=HINT)


def parse_k4a(options: Mapping[str, str]) -> K4aConfig:
    """Validates the options of `k4a:...`.

    Raises:
        SourceError: names the option, the expected and the given value, and all options.
    """
    _TABLE.check_names(options)
    device, mode = options.get("device", "0"), options.get("mode", "auto")
    if not (device.isascii() and device.isdecimal() and len(device) <= 2 and int(device) <= 15):
        raise _TABLE.invalid("device", device)
    if mode not in MODES:
        raise _TABLE.invalid("mode", mode)
    for key in ("k4a", "k4abt"):
        if key in options and not Path(options[key]).is_file():
            raise SourceError(f"{_TABLE.expected(key)}; file {options[key]} not found")
    return K4aConfig(int(device), mode, options.get("k4a"), options.get("k4abt"))


def missing() -> str:
    """Returns what this machine lacks for an Azure Kinect and what to do; empty if nothing."""
    try:
        load_libraries(K4aConfig())
    except SourceError as error:
        return str(error)
    return ""
