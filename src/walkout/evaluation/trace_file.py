"""Reading a shelf trace from a CSV file."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from walkout.errors import UserError
from walkout.evaluation.shelf_trace import ShelfTrace, spread_equal_stamps

FloatArray = NDArray[np.float64]

_TIME = "t"
_MISSING = {"", "nan", "na", "null", "none", "-"}
_LEAST_ROWS = 8


class TraceError(UserError):
    """A trace cannot be read; the text names the file, the line or column and the remedy."""


def read_trace(path: Path) -> ShelfTrace:
    """Read a CSV file with the column ``t`` (seconds) and one column of grams per plate.

    Rows may come at any rate and out of order; empty fields and NaN are missing values. Raises TraceError.
    """
    if path.is_dir():
        raise TraceError(f"{path}: is a folder; give the CSV file of one recording")
    if not path.is_file():
        raise TraceError(f"{path}: no such file; give a CSV file with the column t and one column of grams per plate")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise TraceError(f"{path}: is not text ({error.reason} at byte {error.start}); give a CSV file") from error
    rows = [row for row in csv.reader(text.splitlines(), _dialect(text)) if row]
    if not rows:
        raise TraceError(f"{path}: is empty; the first line must name the columns: t and one per plate")
    header = [name.strip() for name in rows[0]]
    plates = _plates(path, header)
    values = np.array([_numbers(path, line, row, header) for line, row in enumerate(rows[1:], start=2)])
    values = values.reshape(-1, len(header))
    if len(values) < _LEAST_ROWS:
        raise TraceError(f"{path}: has {len(values)} readings; at least {_LEAST_ROWS} are needed to see a change")
    time_s = values[:, header.index(_TIME)]
    order = np.argsort(time_s, kind="stable")
    time_s = spread_equal_stamps(time_s[order])
    if not time_s[-1] > time_s[0] or not np.median(np.diff(time_s)) > 0:
        raise TraceError(f"{path}: column t never advances; it must be the time of each reading in seconds")
    grams = values[order][:, [header.index(name) for name in plates]]
    grams[np.abs(grams) > 1e9] = np.nan
    return ShelfTrace(tuple(plates), time_s, grams)


def _dialect(text: str) -> type[csv.Dialect]:
    """Return how the file is separated, by its first line: comma, semicolon or tab."""
    first = text.lstrip("\n").split("\n", 1)[0]

    class Found(csv.excel):
        delimiter = max(",;\t", key=first.count)

    return Found


def _plates(path: Path, header: list[str]) -> list[str]:
    if _TIME not in header:
        listed = ", ".join(header[:6])
        raise TraceError(f"{path}: line 1: no column {_TIME!r} among {listed}; name the time in seconds {_TIME!r}")
    if len(set(header)) < len(header):
        twice = next(name for name in header if header.count(name) > 1)
        raise TraceError(f"{path}: line 1: column {twice!r} comes twice; give every plate a name of its own")
    plates = [name for name in header if name != _TIME]
    if not plates:
        raise TraceError(f"{path}: line 1: no plate beside {_TIME!r}; add a column of grams for every plate")
    return plates


def _numbers(path: Path, line: int, row: list[str], header: list[str]) -> list[float]:
    if len(row) != len(header):
        raise TraceError(
            f"{path}: line {line}: {len(row)} fields, but the header names {len(header)}; complete the row"
        )
    numbers = [_number(path, line, name, field.strip()) for name, field in zip(header, row, strict=True)]
    if not np.isfinite(numbers[header.index(_TIME)]):
        raise TraceError(f"{path}: line {line}: column t is missing; every reading needs its time in seconds")
    return numbers


def _number(path: Path, line: int, name: str, text: str) -> float:
    if text.lower() in _MISSING:
        return float("nan")
    try:
        value = float(text)
    except ValueError as error:
        what = f"{path}: line {line}: column {name}: {text!r} is not a number; write grams, or leave the field empty"
        raise TraceError(what) from error
    return value if np.isfinite(value) else float("nan")
