"""One track: everything the tracker remembers about one shopper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from walkout.tracking.births import Birth
from walkout.tracking.heading import unknown_heading
from walkout.tracking.joint_views import Sight
from walkout.tracking.joints import initial_joints
from walkout.tracking.recall import Recall
from walkout.tracking.types import TrackState
from walkout.tracking.visibility import Visibility

FloatArray = NDArray[np.float64]

_APPEARANCE_GAIN = 0.1
_RISE_GAIN = 0.03
_FALL_GAIN = 0.002


@dataclass
class Track:
    """A shopper as the tracker knows him at its current time.

    ``birth_place`` and ``last_place`` (2,) are where the body was born and where two cameras last found it together, at
    ``firm_ns``; ``stature`` is its height upright. ``joints`` (12, 6) and ``joints_covariance`` (12, 6, 6) are position
    and velocity of every joint in the store frame at ``joints_ns``, ``joints_seen_ns`` (12,) when each was last seen
    (-1: never), ``sights`` what cameras have seen of them since, ``heading`` (bins,) the belief about where he faces.
    ``identity`` maps track ids to the probability that this body is the shopper to whom that id was given; ``may_be``
    are missing shoppers, one of whom an unknown body may be, with probabilities that share its own. ``rivals``
    holds, per other track id, for how long (seconds) the two have competed for single detections.
    """

    track_id: int
    born_ns: int
    birth_place: FloatArray
    last_place: FloatArray
    stature: float
    mean: FloatArray
    covariance: FloatArray
    joints: FloatArray
    joints_covariance: FloatArray
    joints_seen_ns: NDArray[np.int64]
    joints_ns: int
    sights: list[Sight] = field(default_factory=list)
    state: TrackState = TrackState.TENTATIVE
    existence: float = 0.5
    hits: int = 0
    last_hit_ns: int = 0
    firm_ns: int = 0
    lost_ns: int = 0
    believed_ns: int = 0
    heading: FloatArray = field(default_factory=unknown_heading)
    from_entry: bool = False
    settled: bool = False
    appearance: FloatArray | None = None
    hit_by_camera: dict[str, int] = field(default_factory=dict)
    identity: dict[int, float] = field(default_factory=dict)
    may_be: dict[int, float] = field(default_factory=dict)
    rivals: dict[int, float] = field(default_factory=dict)

    @property
    def position(self) -> FloatArray:
        """The place on the floor, (2,) metres."""
        return self.mean[:2]

    @property
    def live(self) -> bool:
        """Whether cameras are asked for this shopper."""
        return self.state in (TrackState.TENTATIVE, TrackState.CONFIRMED)

    def note_hit(self, camera_id: str, stamp_ns: int, since_ns: int) -> None:
        """Note that a camera has found the shopper; it is firm when another has since ``since_ns``."""
        self.hits += 1
        self.last_hit_ns = stamp_ns
        if any(t >= since_ns for c, t in self.hit_by_camera.items() if c != camera_id):
            self.firm_ns, self.last_place = stamp_ns, self.mean[:2].copy()
        self.hit_by_camera[camera_id] = stamp_ns

    def learn_stature(self, height: float) -> None:
        """Learn the height upright from one estimate: people stoop often and never grow."""
        self.stature += (_RISE_GAIN if height > self.stature else _FALL_GAIN) * (height - self.stature)

    def remember_look(self, descriptor: FloatArray) -> None:
        """Blend a unit clothing descriptor into the track's own."""
        if not len(descriptor) or not np.isfinite(descriptor).all():
            return
        if self.appearance is None or len(self.appearance) != len(descriptor):
            self.appearance = descriptor.copy()
            return
        blended = self.appearance + _APPEARANCE_GAIN * (descriptor - self.appearance)
        self.appearance = blended / max(float(np.linalg.norm(blended)), 1e-9)


def born(track_id: int, birth: Birth, stamp_ns: int, from_entry: bool) -> Track:
    """Return the track of a shopper who has just been found."""
    joints, covariance = initial_joints(birth.mean)
    return Track(
        track_id=track_id,
        born_ns=stamp_ns,
        birth_place=birth.mean[:2].copy(),
        last_place=birth.mean[:2].copy(),
        stature=float(birth.mean[4]),
        mean=birth.mean,
        covariance=birth.covariance,
        joints=joints,
        joints_covariance=covariance,
        joints_seen_ns=np.full(len(joints), -1, dtype=np.int64),
        joints_ns=stamp_ns,
        hits=len(birth.detections),
        last_hit_ns=stamp_ns,
        firm_ns=stamp_ns,
        existence=birth.existence,
        from_entry=from_entry,
        hit_by_camera={camera_id: stamp_ns for camera_id, _ in birth.detections},
        identity={track_id: 1.0},
    )


def learn_recall(
    recall: Recall, tracks: Sequence[Track], visibility: Visibility, hits: set[int], camera_id: str, since_ns: int
) -> None:
    """Count which of ``tracks`` a camera has found (``hits``), of those whom others have found since ``since_ns``."""
    others = [
        sum(seen >= since_ns for c, seen in t.hit_by_camera.items() if c != camera_id)
        if t.state is TrackState.CONFIRMED
        else 0
        for t in tracks
    ]
    recall.note(visibility, np.isin(np.arange(len(tracks)), list(hits)), np.array(others, dtype=np.intp))


def look_distance(first: FloatArray | None, second: FloatArray | None) -> float | None:
    """Return the clothing distance 1 - cosine, or None when either is unknown."""
    if first is None or second is None or len(first) != len(second) or not len(first):
        return None
    return float(1.0 - first @ second)


_BODY_FIELDS = (
    "mean",
    "stature",
    "covariance",
    "joints",
    "joints_covariance",
    "joints_seen_ns",
    "joints_ns",
    "sights",
    "heading",
    "hits",
    "last_hit_ns",
    "last_place",
    "firm_ns",
    "existence",
    "appearance",
    "hit_by_camera",
)
"""What belongs to the body that cameras see, as opposed to the identity that was given to it."""


def exchange_bodies(first: Track, second: Track) -> None:
    """Let two identities exchange the bodies they follow."""
    for name in _BODY_FIELDS:
        mine, theirs = getattr(first, name), getattr(second, name)
        setattr(first, name, theirs)
        setattr(second, name, mine)
    first.rivals, second.rivals = {}, {}
