"""Settings of `sge-stream serve`: the table `[serve]` of a config file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from stream.errors import UserError

__all__ = ["LogFormat", "ServeSettings"]

LogFormat = Literal["text", "json"]
"""Form of the log lines."""


class ServeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of the web server; the keys of `[serve]` have the same names.

    Attributes:
        listen: address and port to listen at; port 0 takes a free one.
        site: name of the site, as the page shows it.
        hosts: names under which browsers reach the server, beside IP addresses, localhost and the machine's
            own name.
        token_file: file with the token; by default `serve-token` in the user's state folder.
        tls_certificate: file with the certificate, PEM, with those between it and the root.
        tls_key: file with its private key, PEM.
        behind_proxy: True if a reverse proxy on this machine adds TLS: it may be reached from outside without
            TLS of its own, and the proxy's headers on its client count.
        log: log lines on standard error as `text` or as `json`, one object a line.
    """

    listen: str = "127.0.0.1:8600"
    site: str = ""
    hosts: tuple[str, ...] = ()
    token_file: str = ""
    tls_certificate: str = ""
    tls_key: str = ""
    behind_proxy: bool = False
    log: LogFormat = "text"

    def override(self, given: Mapping[str, Any]) -> ServeSettings:
        """Returns a copy with the given values; None keeps the present value.

        Raises:
            UserError: a setting is not known or has a value of a wrong type.
        """
        known = {name: value for name, value in given.items() if value is not None}
        try:
            return msgspec.convert(msgspec.structs.asdict(self) | known, ServeSettings)
        except msgspec.ValidationError as error:
            text = str(error)
            names = ", ".join(ServeSettings.__struct_fields__)
            msg = f"[serve]: {text[:1].lower()}{text[1:]}; known settings: {names}"
            raise UserError(msg) from None
