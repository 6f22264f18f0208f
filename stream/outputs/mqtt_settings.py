"""The kind of output `mqtt`, with its settings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from stream.outputs.addresses import Address, parse_address, read_secret, tls_context
from stream.outputs.output_settings import OutputKind

if TYPE_CHECKING:
    from stream.outputs.output import Output, OutputContext

__all__ = ["MQTT", "MqttSettings"]

_PORTS = {"mqtt": 1883, "mqtts": 8883}
_SITE = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PREFIX = re.compile(r"[^+#\0-\x1f]*[^+#\0-\x1f/]|")


class MqttSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of an output to an MQTT broker.

    Attributes:
        url: `mqtt://BROKER/SITE`, with TLS `mqtts://BROKER/SITE`; `USER@` may stand before the broker, and
            `:PORT` after it. SITE, of letters, digits, `-` and `_`, is in all topics: each system that sends
            to the broker needs its own.
        user: user name, if it is not in the address.
        password_file: file whose first line is the password; read again for each connection.
        ca_file: certificates of authorities to trust, PEM, instead of those of the system.
        discovery: first level of the topics by which Home Assistant finds sensors; empty for none.
    """

    url: str
    user: str = ""
    password_file: str | None = None
    ca_file: str | None = None
    discovery: str = "homeassistant"

    def __post_init__(self) -> None:
        address = parse_address(self.url, _PORTS, "mqtts")
        if not _SITE.fullmatch(address.path.strip("/")):
            msg = "expected the site's name after the broker, of letters, digits, - and _: mqtt://broker/entrance"
            raise ValueError(msg)
        if not _PREFIX.fullmatch(self.discovery):
            raise ValueError("discovery: expected a topic such as homeassistant, without + and #")
        if self.password_file is not None and not self.user_name:
            raise ValueError("password_file needs a user")
        if self.ca_file is not None and not address.tls:
            raise ValueError("ca_file needs an address that begins with mqtts://")

    @property
    def address(self) -> Address:
        """The parts of the address."""
        return parse_address(self.url, _PORTS, "mqtts")

    @property
    def site(self) -> str:
        """The site's name."""
        return self.address.path.strip("/")

    @property
    def user_name(self) -> str:
        """The user's name; empty if there is none."""
        return self.user or self.address.user

    def check_files(self) -> None:
        """Reads the files once.

        Raises:
            UserError: one cannot be used.
        """
        if self.password_file is not None:
            read_secret(self.password_file, "password_file")
        if self.address.tls:
            tls_context(self.ca_file)


def _open(settings: MqttSettings, context: OutputContext) -> Output:
    from stream.outputs.mqtt_output import MqttOutput  # noqa: PLC0415 - needs the extra

    return MqttOutput(settings, context.live)


MQTT = OutputKind(
    "mqtt",
    ("mqtt://", "mqtts://"),
    MqttSettings,
    _open,
    "mqtt://broker/entrance",
    "mqtt",
    "paho.mqtt",
    check=MqttSettings.check_files,
)
