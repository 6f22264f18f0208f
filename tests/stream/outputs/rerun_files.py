"""What is in a file for the viewer of Rerun."""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = ["read_rows", "read_texts"]


def read_rows(file: Path) -> dict[str, list[dict[str, Any]]]:
    """Returns the rows by path; times and durations as nanoseconds."""
    import pyarrow
    from rerun.chunk import RrdReader

    rows: dict[str, list[dict[str, Any]]] = {}
    for chunk in RrdReader(file).stream().to_chunks():
        batch = chunk.to_record_batch()
        columns = {
            name: (
                column.cast(pyarrow.int64()) if pyarrow.types.is_temporal(column.type) else column
            ).to_pylist()
            for name, column in zip(batch.schema.names, batch.columns, strict=True)
        }
        for number in range(batch.num_rows):
            row = {name: values[number] for name, values in columns.items()}
            rows.setdefault(chunk.entity_path, []).append(row)
    return rows


def read_texts(file: Path) -> list[str]:
    """Returns the texts of the events, as they were written."""
    found = sorted(read_rows(file).get("/events", []), key=lambda row: row["log_time"])
    return [row["TextLog:text"][0] for row in found]
