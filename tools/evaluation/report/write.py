"""Files of a report: the self-contained page, plots and CSV files."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from stream.errors import UserError
from tools.evaluation.report.contents import Picture, TableFile, section_pictures, section_tables
from tools.evaluation.report.csv_files import format_cell
from tools.evaluation.report.inputs import Report, ReportTable, Section
from tools.evaluation.report.terms import terms_in
from tools.evaluation.report.theme import DARK, LIGHT

__all__ = ["PAGE", "write_report"]

PAGE = "index.html"


@dataclass(frozen=True, slots=True)
class _SectionContents:
    section: Section
    tables: tuple[TableFile, ...]
    pictures: tuple[Picture, ...]


def write_report(folder: Path, report: Report) -> Path:
    """Writes `index.html`, and `KEY-*.png` and `KEY-*.csv` for each section.

    The page contains its plots and styles, loads no other resources and runs no scripts. Files of an earlier
    report with the same names are replaced; other files are kept.

    Args:
        folder: output folder, created if needed.
        report: content of the report.

    Returns:
        Path of the page.

    Raises:
        UserError: a file cannot be written.
    """
    sections = [
        _SectionContents(section, tuple(section_tables(section)), tuple(section_pictures(section)))
        for section in report.sections
    ]
    page = folder / PAGE
    contents: dict[Path, bytes] = {page: _html(report, sections).encode()}
    for part in sections:
        contents |= {folder / f"{table.stem}.csv": table.csv.encode() for table in part.tables}
        contents |= {folder / f"{picture.stem}.png": picture.light for picture in part.pictures}
        contents |= {folder / f"{pic.stem}.csv": pic.csv.encode() for pic in part.pictures if pic.csv}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, content in contents.items():
            path.write_bytes(content)
    except OSError as error:
        raise UserError(
            f"{folder}: the report cannot be written there ({error.strerror}); choose another folder"
        ) from error
    return page


def _html(report: Report, sections: Sequence[_SectionContents]) -> str:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals["cells"] = _cells
    environment.globals["headings"] = _headings
    environment.filters["data_uri"] = _data_uri
    template = files("tools.evaluation.report").joinpath("page.html.jinja").read_text(encoding="utf-8")
    terms = terms_in(" ".join(_texts(sections)))
    return environment.from_string(template).render(
        report=report, parts=sections, terms=terms, light=LIGHT, dark=DARK
    )


def _texts(sections: Sequence[_SectionContents]) -> Iterator[str]:
    """Yields the texts of the page whose terms are explained."""
    for part in sections:
        yield from (part.section.title, part.section.verdict, part.section.text)
        for file in part.tables:
            yield from (file.table.title, file.table.note, *file.table.columns.values())
            yield from (str(row.get("name", "")) for row in file.table.measured)
            if any(row.get("supervised") for row in (*file.table.measured, *file.table.published)):
                yield "labels"
        for picture in part.pictures:
            yield from (picture.title, picture.caption)


def _data_uri(picture: bytes) -> str:
    return f"data:image/png;base64,{b64encode(picture).decode()}"


def _keys(table: ReportTable) -> list[str]:
    with_source = "source" not in table.columns and any(row.get("source") for row in table.published)
    return [*table.columns, *(["source"] if with_source else [])]


def _text_keys(table: ReportTable) -> set[str]:
    """Returns the keys of columns without numbers, which are left-aligned."""
    rows = [*table.measured, *table.published]
    return {key for key in _keys(table) if not any(isinstance(row.get(key), int | float) for row in rows)}


def _headings(table: ReportTable) -> list[tuple[str, bool]]:
    text = _text_keys(table)
    return [(table.columns.get(key, key), key in text) for key in _keys(table)]


def _cells(table: ReportTable, row: Mapping[str, Any]) -> list[tuple[str, bool]]:
    text = _text_keys(table)
    (name, _), *others = [(format_cell(row.get(key)), key in text) for key in _keys(table)]
    return [(f"{name} *" if row.get("supervised") else name, True), *others]
