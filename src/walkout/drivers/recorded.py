"""Recorded load cells: a CSV of samples that is played like a device, and the writer of such files.

The first column is ``stamp_ns``, the others are the plates in the order of ``Fixture.lanes``, in grams, empty where a
cell gave nothing. One row a sample, evenly spaced.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from walkout.drivers.types import ReadingBatch, SourceError

BATCH = 12


class RecordedShelf:
    """Plays a recording once at its own rate, in batches of 12; the stamps are those of the file."""

    def __init__(self, path: Path, fixture_id: str, plates: int) -> None:
        """Read the whole file. Raises SourceError when it is not a recording of so many plates."""
        self._path = path
        self._fixture_id = fixture_id
        self._stamps, self._grams = _read(path)
        if self._grams.shape[1] != plates:
            raise SourceError(
                f"recorded:{path}: has {self._grams.shape[1]} plates but fixture {fixture_id} has {plates}; "
                "use the recording of this fixture"
            )
        self._period_ns = int(np.median(np.diff(self._stamps)))
        self._next = 0
        self._started_ns = time.monotonic_ns()

    def read(self, timeout_s: float) -> ReadingBatch | None:
        """Return the next batch, or None when it is not yet due. Raises SourceError at the end of the recording."""
        rows = slice(self._next, self._next + BATCH)
        stamps, grams = self._stamps[rows], self._grams[rows]
        if not len(stamps):
            raise SourceError(f"recorded:{self._path}: the recording is over; open it again to repeat")
        due_ns = self._started_ns + int(stamps[-1] - self._stamps[0])
        wait_s = (due_ns - time.monotonic_ns()) / 1e9
        if wait_s > timeout_s:
            time.sleep(timeout_s)
            return None
        time.sleep(max(0.0, wait_s))
        self._next += len(stamps)
        return ReadingBatch(self._fixture_id, int(stamps[0]), self._period_ns, grams)

    def close(self) -> None:
        """Nothing is held open."""


def _read(path: Path) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    stamps: list[int] = []
    rows: list[list[float]] = []
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.reader(file)
            header = next(reader, [])
            if not header or header[0] != "stamp_ns" or len(header) < 2:
                raise SourceError(f"recorded:{path}:1: the first column must be stamp_ns, then one for every plate")
            for row in reader:
                if len(row) != len(header):
                    line = reader.line_num
                    raise SourceError(f"recorded:{path}:{line}: has {len(row)} columns, not {len(header)}; correct it")
                stamps.append(int(row[0]))
                rows.append([float(value) if value else float("nan") for value in row[1:]])
    except OSError as error:
        raise SourceError(f"recorded:{path}: cannot be read: {error.strerror}; name an existing file") from None
    except ValueError as error:
        raise SourceError(f"recorded:{path}:{reader.line_num}: not a number ({error}); correct it") from None
    if len(stamps) < 2 or np.any(np.diff(stamps) <= 0):
        raise SourceError(f"recorded:{path}: needs two or more samples with rising stamps; record it again")
    return np.array(stamps, np.int64), np.array(rows, np.float32)


def write_recording(path: Path, lane_ids: Iterable[str], batches: Iterable[ReadingBatch]) -> None:
    """Write batches of one fixture as a recording."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["stamp_ns", *lane_ids])
        for batch in batches:
            for index, sample in enumerate(batch.grams):
                values = ["" if np.isnan(value) else f"{value:.3f}" for value in sample]
                writer.writerow([batch.stamp_ns + index * batch.period_ns, *values])
