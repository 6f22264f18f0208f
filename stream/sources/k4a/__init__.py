"""An Azure Kinect, Orbbec Femto Bolt or Femto Mega as a source: `k4a`, through the package pykinect_azure.

    k4a:device=1,mode=cpu
    k4a:k4a=C:/OrbbecSDK/bin/k4a.dll

The package requires opencv-python, a second OpenCV beside the headless one, so nothing here declares it:
it is installed by hand, with --no-deps. Tried over a fake package, not on a real sensor.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from stream.body import SourceInfo
from stream.errors import SourceError
from stream.sources.k4a.k4a_device import K4aDevice
from stream.sources.k4a.sdk import MODES, K4aConfig, load_k4a
from stream.sources.live_source import LiveSource
from stream.sources.source_options import OptionTable

__all__ = ["OPTIONS", "missing", "open_k4a", "parse_k4a"]

OPTIONS = {
    "device": "which of several sensors, a whole number from 0 to 15",
    "mode": f"what the body tracker computes on, one of {', '.join(MODES)}",
    "k4a": "the path of the k4a library, where it is not in its usual place (of Orbbec's wrapper)",
    "k4abt": "the path of the body tracker's library, where it is not in its usual place",
}
"""Every option and what it says."""

_TABLE = OptionTable("k4a", OPTIONS)

HINT = "check that the sensor has power and is plugged into USB 3, and that no other program uses it"


def open_k4a(options: Mapping[str, str]) -> LiveSource:
    """One Azure Kinect; the sensor itself is opened when it is read first.

    Args:
        options: see `OPTIONS`.

    Raises:
        SourceError: an option is unknown or wrong, or the package or a library is missing or does not load.
    """
    config = parse_k4a(options)
    k4a = load_k4a(config)
    info = SourceInfo(_TABLE.written(options), "azure-kinect", "azure-kinect", live=True, finite=False)
    return LiveSource(info, lambda: K4aDevice(k4a, config), hint=HINT)


def parse_k4a(options: Mapping[str, str]) -> K4aConfig:
    """Check the options of `k4a:...`.

    Raises:
        SourceError: names the option, what was expected, what came, and all options.
    """
    _TABLE.check_names(options)
    device, mode = options.get("device", "0"), options.get("mode", "auto")
    if not (device.isascii() and device.isdecimal() and len(device) <= 2 and int(device) <= 15):
        raise _TABLE.wrong("device", device)
    if mode not in MODES:
        raise _TABLE.wrong("mode", mode)
    for key in ("k4a", "k4abt"):
        if key in options and not Path(options[key]).is_file():
            raise SourceError(f"{_TABLE.says(key)}, and there is no file {options[key]}")
    return K4aConfig(int(device), mode, options.get("k4a"), options.get("k4abt"))


def missing() -> str:
    """What an Azure Kinect lacks on this machine, and what to do; empty where nothing is missing."""
    try:
        load_k4a(K4aConfig())
    except SourceError as error:
        return str(error)
    return ""
