"""Formats of exported tables: CSV, JSON lines, Parquet; each writes rows to a binary stream."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import orjson
import sqlalchemy as sa

from ..errors import AggregatorError

# a row group is kept in memory until it is written
_GROUP_BYTES, _GROUP_ROWS = 16 * 1024 * 1024, 50_000


class MissingExtra(AggregatorError):
    """A package of an extra is not installed; the text says which extra has it."""


class Format(Protocol):
    """Writes one table."""

    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        """Write the rows, now or later."""

    def finish(self) -> None:
        """Write what is left; the stream stays open."""


class Csv:
    """CSV with a header. NULL is an empty field; times are RFC 3339 in UTC."""

    def __init__(self, stream: io.RawIOBase, columns: Sequence[sa.Column[Any]]) -> None:
        self._stream = stream
        self._text = io.StringIO()
        self._csv = csv.writer(self._text, lineterminator="\n")
        self._csv.writerow([column.name for column in columns])
        self._flush()

    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        """Write the rows."""
        self._csv.writerows([[self._shown(value) for value in row] for row in rows])
        self._flush()

    def finish(self) -> None:
        """Everything is written."""

    def _shown(self, value: Any) -> Any:
        return _plain(value)

    def _flush(self) -> None:
        self._stream.write(self._text.getvalue().encode("utf-8", "backslashreplace"))
        self._text.seek(0)
        self._text.truncate()


class ExporterCsv(Csv):
    """CSV as the Go exporter writes it: seconds in times, 0 for a number that is NULL."""

    def __init__(self, stream: io.RawIOBase, columns: Sequence[sa.Column[Any]]) -> None:
        self._numbers = [isinstance(column.type, sa.Integer) for column in columns]
        super().__init__(stream, columns)

    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        """Write the rows."""
        super().write(
            [
                [
                    0 if value is None and number else value
                    for value, number in zip(row, self._numbers, strict=True)
                ]
                for row in rows
            ]
        )

    def _shown(self, value: Any) -> Any:
        if isinstance(value, datetime):
            return value.strftime("%Y-%m-%dT%H:%M:%SZ")
        return _plain(value)


class JsonLines:
    """One JSON object a line; times are RFC 3339 in UTC."""

    def __init__(self, stream: io.RawIOBase, columns: Sequence[sa.Column[Any]]) -> None:
        self._stream = stream
        self._names = [str(column.name) for column in columns]

    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        """Write the rows."""
        lines = []
        for row in rows:
            document = {
                name: _time(value) if isinstance(value, datetime) else value
                for name, value in zip(self._names, row, strict=True)
            }
            lines.append(orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE))
        self._stream.write(b"".join(lines))

    def finish(self) -> None:
        """Everything is written."""


class Parquet:
    """Parquet with typed columns: integers, UTF-8 text, times in microseconds UTC."""

    def __init__(self, stream: io.RawIOBase, columns: Sequence[sa.Column[Any]]) -> None:
        try:
            import pyarrow
            from pyarrow import parquet
        except ModuleNotFoundError:
            raise MissingExtra(
                "Parquet needs the package pyarrow: "
                "pip install 'insights-results-aggregator[parquet]'"
            ) from None
        self._arrow = pyarrow
        self._schema = pyarrow.schema(
            [
                pyarrow.field(column.name, self._type(column.type), nullable=column.nullable)
                for column in columns
            ]
        )
        self._writer = parquet.ParquetWriter(stream, self._schema, compression="zstd")
        self._rows: list[Sequence[Any]] = []
        self._bytes = 0

    def write(self, rows: Sequence[Sequence[Any]]) -> None:
        """Collect the rows; write a row group when they are large enough."""
        for row in rows:
            values = [
                json.dumps(value) if isinstance(value, dict | list) else value for value in row
            ]
            self._rows.append(values)
            self._bytes += sum(len(value) for value in values if isinstance(value, str))
            if self._bytes >= _GROUP_BYTES or len(self._rows) >= _GROUP_ROWS:
                self._write_group()

    def finish(self) -> None:
        """Write the last row group and the footer."""
        self._write_group()
        self._writer.close()

    def _write_group(self) -> None:
        if not self._rows:
            return
        columns = zip(*self._rows, strict=True)
        arrays = [
            self._arrow.array(list(values), type=one.type)
            for values, one in zip(columns, self._schema, strict=True)
        ]
        self._writer.write_table(self._arrow.Table.from_arrays(arrays, schema=self._schema))
        self._rows, self._bytes = [], 0

    def _type(self, kind: sa.types.TypeEngine[Any]) -> Any:
        if isinstance(kind, sa.BigInteger):
            return self._arrow.int64()
        if isinstance(kind, sa.SmallInteger):
            return self._arrow.int16()
        if isinstance(kind, sa.Integer):
            return self._arrow.int32()
        if isinstance(kind, sa.DateTime):
            return self._arrow.timestamp("us", tz="UTC")
        return self._arrow.large_string()


FORMATS: dict[str, type[Csv] | type[JsonLines] | type[Parquet]] = {
    "csv": Csv,
    "jsonl": JsonLines,
    "parquet": Parquet,
}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return _time(value)
    return json.dumps(value) if isinstance(value, dict | list) else value


def _time(value: datetime) -> str:
    """Return a naive UTC time in RFC 3339, with microseconds only where there are some."""
    return value.replace(tzinfo=UTC).isoformat().replace("+00:00", "Z")
