"""`sge-stream watch`, the default command: identifies the people in view of each source."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from stream.errors import UserError
from stream.system.settings import Settings, read_config
from stream.terminal.options import (
    DeviceOption,
    EncoderOption,
    EncodersOption,
    GalleryOption,
    MatcherOption,
    OutputOption,
    SourceOption,
    SpeedOption,
    StrictOption,
    ViewOption,
    debug_requested,
    err,
    out,
)

__all__ = ["Program", "watch"]

_WATCH = "watch"


class Program(TyperGroup):
    """All commands; options without the name of a command are those of `watch`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Inserts the name of the default command where an option of it, or nothing, stands in its place."""
        own = {*ctx.help_option_names, *(name for option in self.params for name in option.opts)}
        place = next((n for n, word in enumerate(args) if word != "--debug"), len(args))
        if place == len(args) or (args[place].startswith("-") and args[place] not in own):
            args = [*args[:place], _WATCH, *args[place:]]
        return super().parse_args(ctx, args)


def watch(
    context: typer.Context,
    source: SourceOption = None,
    gallery: GalleryOption = None,
    json: Annotated[bool, typer.Option("--json", help="Write one JSON object per line to stdout.")] = False,
    events: Annotated[
        str | None,
        typer.Option(
            metavar="E",
            help="Lines of --json: decisions, visits (somebody arrived, was identified, left) or all."
            "  [default: decisions]",
        ),
    ] = None,
    output: OutputOption = None,
    fpir: Annotated[
        str | None,
        typer.Option(
            metavar="P|off",
            help="Accepted share of strangers that are named at any moment of a visit.  [default: 0.05]",
        ),
    ] = None,
    device: DeviceOption = None,
    precision: Annotated[
        str | None,
        typer.Option(
            metavar="P",
            help="Precision of the encoder: fp32, or bf16 on processors that have it, which is faster."
            "  [default: fp32]",
        ),
    ] = None,
    encoder: EncoderOption = None,
    encoders: EncodersOption = None,
    matcher: MatcherOption = None,
    speed: SpeedOption = None,
    history: Annotated[
        str | None,
        typer.Option(metavar="T", help="How long visits are kept: 30d, 12h; 0 stores none.  [default: 30d]"),
    ] = None,
    remember_strangers: Annotated[
        str | None,
        typer.Option(
            metavar="T",
            help="How long walks of people who are not enrolled are kept, such as 7d, so that one who comes "
            "again has the same id. Biometric data without consent.  [default: 0]",
        ),
    ] = None,
    view: ViewOption = None,
    strict: StrictOption = False,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Read these options from a TOML file; see the documentation of commands."
        ),
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and process logs.")] = False,
) -> None:
    """Identify the people in view of each source, on a dashboard or as JSON; the name may be left out."""
    from stream.terminal.identify import identify  # noqa: PLC0415 - other commands start faster

    if context.args:
        raise UserError(_unexpected(context, context.args[0]))
    settings = read_config(config) if config else Settings()
    settings = settings.override(
        sources=source,
        gallery=gallery,
        fpir=fpir,
        device=device,
        precision=precision,
        encoder=encoder,
        encoders=encoders,
        matcher=matcher,
        speed=speed,
        history=history,
        remember_strangers=remember_strangers,
        view=view,
        json=json or None,
        events=events,
        output=output,
        strict=strict or None,
    )
    raise typer.Exit(identify(settings, out=out, err=err, debug=debug or debug_requested(context)))


def _unexpected(context: typer.Context, word: str) -> str:
    program = context.find_root().command
    if isinstance(program, TyperGroup) and word in program.commands:
        return f"options of {word} go after its name; only --debug goes before it"
    return f"unexpected argument {word}; write --source before each source"
