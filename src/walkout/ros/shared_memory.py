"""What killed processes leave in shared memory: Fast DDS segments of 64 MiB each that nobody frees."""

from __future__ import annotations

import fcntl
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")
_LOCK = re.compile(r"fastrtps_[0-9a-f]{16}_el")
_YOUNG_S = 5.0


def leaked_segments(folder: Path = SHARED_MEMORY, min_age_s: float = _YOUNG_S) -> Iterator[Path]:
    """Yield the segments whose owner is gone.

    Fast DDS holds a lock (flock) on the file SEGMENT_el as long as the owner lives; the system drops it when the owner
    dies, however it dies. Segments younger than ``min_age_s`` may not be locked yet and are left alone.
    """
    if not folder.is_dir():
        return
    for lock in sorted(folder.iterdir()):
        if not _LOCK.fullmatch(lock.name) or not _is_free(lock, min_age_s):
            continue
        yield lock.with_name(lock.name[: -len("_el")])


def clean(folder: Path = SHARED_MEMORY, min_age_s: float = _YOUNG_S) -> tuple[int, int]:
    """Remove the leaked segments and their locks; return their number and size in bytes."""
    count = size = 0
    for segment in leaked_segments(folder, min_age_s):
        for path in (segment, segment.with_name(f"{segment.name}_el")):
            try:
                size += path.stat().st_size
                path.unlink()
            except OSError:
                continue  # somebody else's, or somebody else was faster
        count += 1
    return count, size


def size_of(segments: Iterator[Path]) -> tuple[int, int]:
    """Return the number of segments and their size in bytes."""
    sizes = [path.stat().st_size for path in segments if path.exists()]
    return len(sizes), sum(sizes)


def _is_free(lock: Path, min_age_s: float) -> bool:
    try:
        descriptor = os.open(lock, os.O_RDWR)
    except OSError:
        return False
    try:
        if time.time() - os.fstat(descriptor).st_mtime < min_age_s:
            return False
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True
