"""`sge-stream serve`: the live system as a service without a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stream.system.settings import Settings, read_config
from stream.terminal.options import (
    EncodersOption,
    GalleryOption,
    OutputOption,
    SourceOption,
    debug_requested,
    out,
)
from stream.terminal.web_extra import check_web_extra

__all__ = ["serve"]


def serve(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Settings as TOML; see the documentation of the service. SIGHUP reads it again.",
        ),
    ] = None,
    listen: Annotated[
        str | None,
        typer.Option(metavar="A:P", help="Address and port of the web server.  [default: 127.0.0.1:8600]"),
    ] = None,
    source: SourceOption = None,
    gallery: GalleryOption = None,
    encoders: EncodersOption = None,
    output: OutputOption = None,
    behind_proxy: Annotated[
        bool,
        typer.Option(
            "--behind-proxy",
            help="A reverse proxy on this machine adds TLS; needed to listen beyond loopback.",
        ),
    ] = False,
    log: Annotated[
        str | None, typer.Option(metavar="F", help="Form of the log lines: text or json.  [default: text]")
    ] = None,
) -> None:
    """Run the live system as a service, with a page and an API for programs; needs the extra [web]."""
    check_web_extra("serve")
    from stream.terminal.serve import serve as run  # noqa: PLC0415 - other commands start faster

    def read_settings() -> Settings:
        settings = read_config(config) if config else Settings()
        web = {"listen": listen, "behind_proxy": behind_proxy or None, "log": log}
        return settings.override(sources=source, gallery=gallery, encoders=encoders, output=output, serve=web)

    run(read_settings, out=out, debug=debug_requested(context))
