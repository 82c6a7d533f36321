"""Quality of service by topic class: nobody spells a QoSProfile at a call site."""

from __future__ import annotations

from rclpy.qos import QoSDurabilityPolicy, QoSHistoryPolicy, QoSProfile, QoSReliabilityPolicy


def _profile(depth: int, *, reliable: bool = True, latched: bool = False) -> QoSProfile:
    return QoSProfile(
        history=QoSHistoryPolicy.KEEP_LAST,
        depth=depth,
        reliability=QoSReliabilityPolicy.RELIABLE if reliable else QoSReliabilityPolicy.BEST_EFFORT,
        durability=QoSDurabilityPolicy.TRANSIENT_LOCAL if latched else QoSDurabilityPolicy.VOLATILE,
    )


IMAGES = _profile(5)
"""Raw and compressed pictures: reliable over the large shared-memory segment, a few of slack."""

STREAMS = _profile(50)
"""Detections, shoppers, readings: every message counts, consumers keep up."""

EVENTS = _profile(100)
"""Weight events, gate events, interactions, carts."""

LEDGER = _profile(100, latched=True)
"""Receipts and reviews: a late subscriber gets the recent ones."""

LATCHED = _profile(1, latched=True)
"""Layout, planogram, static markers: the newest, also for late subscribers."""

MARKERS = _profile(10)
"""Live markers."""
