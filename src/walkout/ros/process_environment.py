"""The environment in which processes that carry pictures run best."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

KEEP_MEMORY = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(32 * 2**20),
    "MALLOC_TRIM_THRESHOLD_": str(256 * 2**20),
}
"""Settings of the C library's allocator: keep the memory of one picture for the next.

With its defaults every picture's megabytes are given back to the system and fetched again, page by page, each time that
one is made, sent or received, and for threads other than the main one most of all: half of the time that a large
picture takes from process to process.
"""
PROFILES = "FASTRTPS_DEFAULT_PROFILES_FILE"


def node_environment(profiles: Path, present: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return what to add to the ``present`` environment for a node: what is set there already stays.

    Args:
        profiles: file of Fast DDS profiles with a shared-memory segment that holds pictures.
        present: environment that the node would have otherwise.
    """
    wanted = KEEP_MEMORY | {PROFILES: str(profiles)}
    return {name: value for name, value in wanted.items() if name not in present}
