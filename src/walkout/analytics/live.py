"""The newest state of the running store, as the browser shows it. Written by the ROS thread, read by the web server."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

RECEIPTS_KEPT = 200


@dataclass
class _Versioned:
    version: int
    value: Any


@dataclass
class LiveState:
    """Keyed values with a version each, so that every browser gets only what changed since it last asked.

    ``markers`` by ``topic/namespace/id`` (JSON-ready dicts; a deletion is kept as None), ``carts`` one list,
    ``receipts`` by id, ``status`` by node name, ``pictures`` JPEG bytes by camera id.
    """

    title: str = "Walkout"
    viewers: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _version: int = 0
    _values: dict[tuple[str, str], _Versioned] = field(default_factory=dict, repr=False)
    _receipts: OrderedDict[str, Any] = field(default_factory=OrderedDict, repr=False)

    def put(self, kind: str, key: str, value: Any) -> None:
        """Store one value; None says that it is gone."""
        with self._lock:
            self._version += 1
            self._values[kind, key] = _Versioned(self._version, value)

    def put_receipt(self, receipt_id: str, value: Any) -> None:
        """Store a receipt; the oldest beyond the limit are forgotten here (the ledger keeps all)."""
        with self._lock:
            self._version += 1
            self._receipts[receipt_id] = value
            self._values["receipt", receipt_id] = _Versioned(self._version, value)
            while len(self._receipts) > RECEIPTS_KEPT:
                oldest, _ = self._receipts.popitem(last=False)
                self._values.pop(("receipt", oldest), None)

    def changes(self, since: int) -> tuple[int, list[tuple[str, str, Any]]]:
        """Return the newest version and (kind, key, value) of everything that changed after ``since``.

        A first call with 0 leaves out what is already gone.
        """
        with self._lock:
            changed = [
                (kind, key, entry.value)
                for (kind, key), entry in self._values.items()
                if entry.version > since and (since or entry.value is not None)
            ]
            return self._version, changed

    def newest(self, kind: str) -> dict[str, Any]:
        """Return the values of one kind that are not gone, by key."""
        with self._lock:
            return {
                key: entry.value
                for (of_kind, key), entry in self._values.items()
                if of_kind == kind and entry.value is not None
            }
