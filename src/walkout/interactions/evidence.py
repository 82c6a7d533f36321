"""The compact evidence of one event: all that a later judgement needs once the wrist trajectories are forgotten."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from walkout.interactions.types import WeightEvent


@dataclass(frozen=True)
class TrackEvidence:
    """How a shopper is tied to an event: log ratio against chance, the hand (0 left, 1 right, -1 unknown)."""

    track_id: int
    log_ratio: float
    hand: int = -1


@dataclass(frozen=True)
class EventEvidence:
    """An event with what was seen around it. ``tracks`` are the shoppers who can have done it, ``cameras`` who saw."""

    event: WeightEvent
    tracks: tuple[TrackEvidence, ...]
    cameras: tuple[str, ...] = ()

    @property
    def lane_id(self) -> str:
        """The lane that changed most."""
        sizes = [abs(delta) for delta in self.event.lane_deltas_g]
        return self.event.lane_ids[sizes.index(max(sizes))]

    def renamed(self, former: int, heir: int) -> EventEvidence:
        """Return the evidence after the track ``former`` has turned out to be the track ``heir``."""
        merged: dict[int, TrackEvidence] = {}
        for track in self.tracks:
            name = heir if track.track_id == former else track.track_id
            other = merged.get(name)
            if other is None:
                merged[name] = replace(track, track_id=name)
            else:
                ratio = float(np.logaddexp(track.log_ratio, other.log_ratio))
                hand = max((track, other), key=lambda t: t.log_ratio).hand
                merged[name] = TrackEvidence(name, ratio, hand)
        return replace(self, tracks=tuple(merged[name] for name in sorted(merged)))

    def to_document(self) -> dict[str, Any]:
        """Return the evidence as a plain document for the ledger; an unknown weight is None."""
        document = asdict(self)
        if not self.event.weighed:
            document["event"] |= {"lane_deltas_g": (None,), "delta_g": None, "sd_g": None}
        return document

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> EventEvidence:
        """Return the evidence of a document written by ``to_document``."""
        event = dict(document["event"])
        event["lane_ids"] = tuple(event["lane_ids"])
        if event["delta_g"] is None:
            event |= {"lane_deltas_g": (math.nan,), "delta_g": math.nan, "sd_g": math.inf}
        event["lane_deltas_g"] = tuple(event["lane_deltas_g"])
        tracks = tuple(TrackEvidence(**track) for track in document["tracks"])
        return cls(WeightEvent(**event), tracks, tuple(document["cameras"]))
