"""The kind of output `webhook`, with its settings."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

import msgspec

from stream.errors import UserError
from stream.outputs.addresses import Address, parse_address, read_secret, tls_context
from stream.outputs.output_settings import OutputKind

if TYPE_CHECKING:
    from stream.outputs.output import Output, OutputContext

__all__ = ["WEBHOOK", "WebhookSettings", "read_key"]

_PORTS = {"http": 80, "https": 443}
_KEY_PREFIX = "whsec_"
_SHORTEST_KEY, _LONGEST_KEY = 24, 64


class WebhookSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of an output to a web server.

    Attributes:
        url: `https://HOST/PATH`, to which each event is posted.
        key_file: file whose first line is the key of the signatures: `whsec_` and 24 to 64 bytes in base64;
            read again for each event. Without it, events are not signed.
        ca_file: certificates of authorities to trust, PEM, instead of those of the system.
        timeout_s: longest wait for an answer, seconds.
    """

    url: str
    key_file: str | None = None
    ca_file: str | None = None
    timeout_s: float = 10.0

    def __post_init__(self) -> None:
        address = parse_address(self.url, _PORTS, "https")
        if not address.path.isascii():
            raise ValueError(
                "the path of the address has characters that are not ASCII; write them as %C3%A9"
            )
        if address.user:
            raise ValueError("the address has a user in it; a signature by key_file proves who sends")
        if not 0 < self.timeout_s <= 300:
            raise ValueError(f"timeout_s: expected 0 to 300 seconds, got {self.timeout_s}")
        if self.ca_file is not None and not address.tls:
            raise ValueError("ca_file needs an address that begins with https://")

    @property
    def address(self) -> Address:
        """The parts of the address."""
        return parse_address(self.url, _PORTS, "https")

    def check_files(self) -> None:
        """Reads the files once.

        Raises:
            UserError: one cannot be used.
        """
        if self.key_file is not None:
            read_key(self.key_file)
        if self.address.tls:
            tls_context(self.ca_file)


def read_key(file: str) -> bytes:
    """Returns the key of signatures from its file.

    Raises:
        UserError: the file cannot be read, or holds no key.
    """
    text = read_secret(file, "key_file").removeprefix(_KEY_PREFIX)
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not _SHORTEST_KEY <= len(key) <= _LONGEST_KEY:
        size = f"{_SHORTEST_KEY} to {_LONGEST_KEY} bytes in base64"
        hint = f'echo "{_KEY_PREFIX}$(openssl rand -base64 32)"'
        raise UserError(f"key_file: expected {_KEY_PREFIX} and {size} in {file}, as this writes: {hint}")
    return key


def _open(settings: WebhookSettings, context: OutputContext) -> Output:
    from stream.outputs.webhook_output import WebhookOutput  # noqa: PLC0415 - loads http and ssl

    return WebhookOutput(settings, context.live)


WEBHOOK = OutputKind(
    "webhook",
    ("https://", "http://"),
    WebhookSettings,
    _open,
    "https://host/path",
    check=WebhookSettings.check_files,
)
