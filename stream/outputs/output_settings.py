"""Settings of the outputs that `--output` and `[[output]]` request, read by the kinds of outputs.

`--output` takes an address, whose beginning tells the kind: `mqtt://broker/entrance`. In a config file an
entry of `output` is such an address, or a table with the setting `kind` and all others of that kind:

    [[output]]
    kind = "mqtt"
    url = "mqtts://broker/entrance"
    password_file = "/etc/sge-stream/mqtt"
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import msgspec

from stream.errors import UserError

if TYPE_CHECKING:
    from stream.outputs.output import Output, OutputContext

__all__ = ["OutputKind", "check_requested", "open_requested", "read_requested"]


@dataclass(frozen=True, slots=True)
class OutputKind:
    """A kind of output that users can request.

    Attributes:
        name: as in the setting `kind`.
        schemes: beginnings of addresses, such as `mqtt://`.
        settings: a `msgspec.Struct` whose first field takes the address; forbids unknown fields.
        open: makes the output, not yet opened, from its settings.
        example: an address.
        extra: extra of the package that installs what it needs; empty if nothing more is needed.
        module: what must be importable for it; empty as for `extra`.
        ending: end of addresses that need no such beginning, such as `.rrd`; empty for none.
        check: checks the files that the settings name; raises `UserError` if one cannot be used.
        skeletons: whether it shows the skeletons of `stream.system.live.Live.skeletons`.
    """

    name: str
    schemes: tuple[str, ...]
    settings: type[msgspec.Struct]
    open: Callable[[Any, OutputContext], Output]
    example: str
    extra: str = ""
    module: str = ""
    ending: str = ""
    check: Callable[[Any], None] = lambda settings: None
    skeletons: bool = False

    def takes(self, address: str) -> bool:
        """Returns whether an address is of this kind."""
        return address.startswith(self.schemes) or (self.ending != "" and address.endswith(self.ending))


def read_requested(
    entries: Sequence[str | Mapping[str, Any]], kinds: Sequence[OutputKind]
) -> list[tuple[OutputKind, msgspec.Struct]]:
    """Returns the kind and the settings of each entry.

    Raises:
        UserError: an entry is of no kind, has a wrong setting, or needs an extra that is not installed.
    """
    return [_read(entry, kinds) for entry in entries]


def check_requested(
    entries: Sequence[str | Mapping[str, Any]], kinds: Sequence[OutputKind]
) -> list[tuple[OutputKind, msgspec.Struct]]:
    """Returns what `read_requested` does, after a check of the files that the settings name.

    Raises:
        UserError: as in `read_requested`, or a file of a setting cannot be used.
    """
    requested = read_requested(entries, kinds)
    for kind, settings in requested:
        kind.check(settings)
    return requested


def open_requested(
    entries: Sequence[str | Mapping[str, Any]], kinds: Sequence[OutputKind], context: OutputContext
) -> list[Output]:
    """Returns the outputs that the entries request, not yet opened.

    Raises:
        UserError: as in `check_requested`.
    """
    for kind, settings in check_requested(entries, kinds):
        context.requested.append(kind.open(settings, context))
    return context.requested


def _read(entry: str | Mapping[str, Any], kinds: Sequence[OutputKind]) -> tuple[OutputKind, msgspec.Struct]:
    kind, values = _of_address(entry, kinds) if isinstance(entry, str) else _of_table(entry, kinds)
    if kind.module and not _is_installed(kind.module):
        install = f"pip install 'sge-stream[{kind.extra}]'"
        msg = f"output {kind.name} needs more packages; install them: {install}"
        raise UserError(msg)
    try:
        return kind, msgspec.convert(values, kind.settings)
    except msgspec.ValidationError as error:
        known = ", ".join(field.encode_name for field in msgspec.structs.fields(kind.settings))
        text = str(error).removesuffix(" - at `$`")
        msg = f"output {kind.name}: {text[:1].lower()}{text[1:]}; known settings: kind, {known}"
        raise UserError(msg) from None


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # the package that it is in
        return False


def _of_address(address: str, kinds: Sequence[OutputKind]) -> tuple[OutputKind, dict[str, Any]]:
    for kind in kinds:
        if kind.takes(address):
            return kind, {msgspec.structs.fields(kind.settings)[0].encode_name: address}
    examples = ", ".join(kind.example for kind in kinds)
    # It may contain a password.
    shown = f"{address.partition('://')[0]}://..." if "://" in address else address.rpartition("@")[2]
    msg = f"{shown} is not an output; expected an address such as {examples}"
    raise UserError(msg)


def _of_table(table: Mapping[str, Any], kinds: Sequence[OutputKind]) -> tuple[OutputKind, dict[str, Any]]:
    names = ", ".join(kind.name for kind in kinds)
    for kind in kinds:
        if table.get("kind") == kind.name:
            return kind, {name: value for name, value in table.items() if name != "kind"}
    msg = f"output: expected the setting kind, one of {names}, got {table.get('kind')!r:.50}"
    raise UserError(msg)
