"""Damaged files in every reader: each is read, or refused with a sentence.

    python -m tools.trials.fuzz_readers [--seconds 60] [--reader mcap]... [--seed 1] [--out DIR]

Valid files (`tools.trials.readers`) are damaged at random: bits and numbers changed, pieces cut out, repeated
or moved, ends cut off, inside of packed files as well. The same seed gives the same files. Prints for each
reader how many were read and refused. A reader that raises anything but the program's own errors would end a
command with "internal error": such files are saved in DIR, and the exit status is 1.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import takewhile
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from stream.errors import SgeError, UserError
from tools.trials.readers import READERS, FuzzedReader

__all__ = ["FOREIGN", "damage", "fuzz", "main"]

READ, REFUSED, FOREIGN = "read", "refused", "foreign"
NUMBERS = (b"0", b"-1", b"1e999", b"nan", b"9" * 400, b"null", b'""', b"[", b"{", b"\xff", b";", b",", b"\n")
TEXTS = (b"[" * 3000, b'{"a":' * 3000, b"\x00" * 8, b"\xff" * 8, b"\x7f" + b"\xff" * 7)


def damage(content: bytes, random: Random) -> bytes:
    """Returns the content with one to four changes."""
    for _ in range(random.choice((1, 1, 2, 4))):
        start = random.randrange(len(content) + 1)
        length = random.choice((1, 2, 4, 8, random.randrange(1, 200)))
        piece = content[start : start + length]
        place = random.randrange(len(content) + 1)
        match random.randrange(8):
            case 0 if piece:
                changed = bytes([piece[0] ^ (1 << random.randrange(8))]) + piece[1:]
                content = content[:start] + changed + content[start + length :]
            case 1:
                content = content[:start] + random.randbytes(len(piece)) + content[start + length :]
            case 2:
                content = content[:start] + content[start + length :]
            case 3:
                content = content[:place] + piece + content[place:]
            case 4:
                content = content[:start]
            case 5:
                content = content[:start] + random.choice(NUMBERS) + content[start + 1 :]
            case 6:
                content = (
                    content[:start] + random.choice(TEXTS)[: random.choice((8, 8, 100_000))] + content[start:]
                )
            case _:
                size = random.choice((1, 2, 4, 8))
                number = random.choice(
                    (0, 1, 2 ** (8 * size - 1), 2 ** (8 * size) - 1, random.randrange(256))
                )
                content = content[:start] + number.to_bytes(size, "little") + content[start + size :]
    return content


def damaged_files(reader: FuzzedReader, random: Random) -> Iterator[bytes]:
    """Yields damaged files without end."""
    valid = reader.parts()
    while True:
        parts = list(valid)
        where = random.randrange(3)
        if where != 0:
            number = random.randrange(len(parts))
            parts[number] = damage(parts[number], random)
        content = reader.build(parts)
        yield content if where == 1 else damage(content, random)


def fuzz(
    reader: FuzzedReader,
    files: Iterator[bytes],
    folder: Path,
    on_foreign: Callable[[bytes, Exception], object],
) -> Counter[str]:
    """Reads files and counts the outcomes.

    Args:
        reader: reads them.
        files: their contents.
        folder: an existing, empty folder for each file while it is read.
        on_foreign: called with the content and the exception that is not the program's own.
    """
    outcomes: Counter[str] = Counter()
    path = folder / "walk" / reader.file
    path.parent.mkdir()
    for content in files:
        path.write_bytes(content)
        try:
            reader.read(path)
            outcomes[READ] += 1
        except SgeError:
            outcomes[REFUSED] += 1
        except Exception as error:
            outcomes[FOREIGN] += 1
            on_foreign(content, error)
    return outcomes


def run(
    seconds: Annotated[float, typer.Option(metavar="T", min=0.1, help="Time for all readers.")] = 60.0,
    reader: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only these.  [default: all]")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="Of the damage.")] = 1,
    folder: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where foreign files go.")] = Path(
        "fuzz-out"
    ),
) -> None:
    """Try damaged files in every reader."""
    known = {one.name: one for one in READERS}
    if unknown := set(reader or ()) - known.keys():
        typer.echo(f"fuzz_readers: no reader {min(unknown)}; there are {', '.join(known)}", err=True)
        raise typer.Exit(UserError.exit_code)
    chosen = [known[name] for name in reader or known]
    foreign = 0
    for one in chosen:
        outcomes = _fuzz_for(one, seconds / len(chosen), seed, folder)
        foreign += outcomes[FOREIGN]
        counts = ", ".join(f"{outcomes[outcome]} {outcome}" for outcome in (READ, REFUSED, FOREIGN))
        typer.echo(f"{one.name}: {outcomes.total()} files, {counts}")
    raise typer.Exit(int(foreign > 0))


def _fuzz_for(reader: FuzzedReader, seconds: float, seed: int, folder: Path) -> Counter[str]:
    seen: set[str] = set()

    def save(content: bytes, error: Exception) -> None:
        text = f"{type(error).__name__}: {error}"
        if text[:60] not in seen:  # one file for each kind of error
            seen.add(text[:60])
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{reader.name}-{len(seen)}-{reader.file}"
            path.write_bytes(content)
            typer.echo(f"{path}: {text[:200]}")

    end = time.monotonic() + seconds
    files = damaged_files(reader, Random(f"{reader.name} {seed}"))  # noqa: S311 - no secret
    timed = takewhile(lambda _: time.monotonic() < end, files)
    with TemporaryDirectory() as scratch:
        return fuzz(reader, timed, Path(scratch), save)


def main() -> None:
    """Runs the command line."""
    typer.run(run)


if __name__ == "__main__":
    main()
