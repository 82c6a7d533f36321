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
from walkout.tracking.recall import ENOUGH_FINDERS, Recall
from walkout.tracking.small_arrays import stacked
from walkout.tracking.types import Revision, TrackState
from walkout.tracking.visibility import Visibility

FloatArray = NDArray[np.float64]

_EXISTENCE_LIMITS = (0.001, 0.999)
_APPEARANCE_GAIN = 0.1
_RISE_GAIN = 0.03
_FALL_GAIN = 0.002
_FEW_LOOKS = 4
"""The mean of so many descriptors is off by as much again as clothes change from time to time."""


@dataclass
class Fresh:
    """What has been seen of a body since it may last have been mixed up: sums and counts of descriptors and heights."""

    look_sum: FloatArray | None = None
    looks: int = 0
    height_sum: float = 0.0
    heights: int = 0

    def add_look(self, descriptor: FloatArray) -> None:
        """Count one clothing descriptor; another detector's, of another size, begins anew."""
        if self.look_sum is None or len(self.look_sum) != len(descriptor):
            self.look_sum, self.looks = np.zeros(len(descriptor)), 0
        self.look_sum = self.look_sum + descriptor
        self.looks += 1

    @property
    def height(self) -> float | None:
        """The mean height (m), None before the first."""
        return self.height_sum / self.heights if self.heights else None


@dataclass
class Track:
    """A shopper as the tracker knows him at its current time.

    ``birth_place`` and ``last_place`` (2,) are where the body was born and where two cameras last found it together, at
    ``firm_ns``; ``stature`` is its height upright. ``joints`` (12, 6) and ``joints_covariance`` (12, 6, 6) are position
    and velocity of every joint in the store frame at ``joints_ns``, ``joints_seen_ns`` (12,) when each was last seen
    (-1: never), ``sights`` what cameras have seen of them since, ``heading`` (bins,) the belief about where he faces.
    ``identity`` maps track ids to the probability that this body is the shopper to whom that id was given; ``may_be``
    are missing shoppers, one of whom an unknown body may be, with probabilities that share its own; ``doubts`` are
    probabilities of having been exchanged that are not settled yet, each with the other's ``identity``; ``revision``
    what the end of some means for the past, for the next snapshot. ``rivals``
    holds, per other track id, for how long (seconds) the two have competed for single detections; ``beside`` are those
    near whom the track was born and from whom it has not been seen apart since: it may be the same shopper.
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
    doubts: list[tuple[float, dict[int, float]]] = field(default_factory=list)
    revision: Revision | None = None
    fresh: Fresh = field(default_factory=Fresh)
    rivals: dict[int, float] = field(default_factory=dict)
    beside: set[int] = field(default_factory=set)

    @property
    def position(self) -> FloatArray:
        """The place on the floor, (2,) metres."""
        return self.mean[:2]

    @property
    def live(self) -> bool:
        """Whether cameras are asked for this shopper."""
        return self.state in (TrackState.TENTATIVE, TrackState.CONFIRMED)

    def finders(self, camera_id: str, since_ns: int, most: int) -> int:
        """Return how many cameras besides one have found the shopper since ``since_ns``; ``most`` are enough."""
        count = 0
        for other, stamp_ns in self.hit_by_camera.items():
            if stamp_ns >= since_ns and other != camera_id:
                count += 1
                if count == most:
                    break
        return count

    def note_hit(self, camera_id: str, stamp_ns: int, since_ns: int) -> None:
        """Note that a camera has found the shopper; it is firm when another has since ``since_ns``."""
        self.hits += 1
        self.last_hit_ns = stamp_ns
        if self.finders(camera_id, since_ns, 1):
            self.firm_ns, self.last_place = stamp_ns, self.mean[:2].copy()
        self.hit_by_camera[camera_id] = stamp_ns

    def lose(self, now_ns: int) -> None:
        """Note that no camera finds the shopper any more."""
        self.state, self.lost_ns = TrackState.LOST, now_ns

    def recover(self, existence: float, known: float) -> None:
        """Take up life again in a new body, which is that of somebody ``known`` with this probability."""
        self.state, self.existence, self.settled = TrackState.CONFIRMED, existence, True
        self.identity = {name: share * known for name, share in self.identity.items()}

    def learn_stature(self, height: float) -> None:
        """Learn the height upright from one estimate: people stoop often and never grow."""
        self.fresh.height_sum += height
        self.fresh.heights += 1
        self.stature += (_RISE_GAIN if height > self.stature else _FALL_GAIN) * (height - self.stature)


def remember_looks(tracks: Sequence[Track], descriptors: FloatArray) -> None:
    """Blend unit clothing descriptors (t, a) into the tracks' own; not finite ones and an empty ``a`` say nothing."""
    size = descriptors.shape[1]
    if not size:
        return
    usable = np.asarray(np.isfinite(descriptors).all(axis=1))
    known = [k for k, t in enumerate(tracks) if usable[k] and t.appearance is not None and len(t.appearance) == size]
    own = stacked([look for k in known if (look := tracks[k].appearance) is not None], size)
    blended = own + _APPEARANCE_GAIN * (descriptors[known] - own)
    blended /= np.maximum(np.linalg.norm(blended, axis=1, keepdims=True), 1e-9)
    looks = dict(zip(known, blended, strict=True))
    for k, track in enumerate(tracks):
        if usable[k]:
            track.fresh.add_look(descriptors[k])
            track.appearance = looks[k] if k in looks else descriptors[k].copy()


def born(track_id: int, birth: Birth, stamp_ns: int, from_entry: bool, beside: set[int]) -> Track:
    """Return the track of a shopper who has just been found, near those whose ids are ``beside``."""
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
        beside=beside,
    )


def weigh_existence(
    tracks: Sequence[Track],
    found: NDArray[np.bool_],
    hit_ratio: float,
    miss_ratio: FloatArray,
    share: float,
    stays: float,
) -> None:
    """Revise by one camera's frame how probable it is that the tracks' shoppers exist.

    Whoever was ``found`` (t,), while other cameras find him too, is so by ``hit_ratio``, the others by ``miss_ratio``
    (t,), to the power of ``share``; ``stays`` is the probability not to have gone since the frame before.
    """
    firm = np.array([t.firm_ns == t.last_hit_ns for t in tracks])
    ratio = np.where(found, np.where(firm, hit_ratio, 1.0), miss_ratio)
    here = np.array([t.existence for t in tracks]) * stays
    odds = here / (1 - here) * ratio**share
    existence = np.clip(odds / (1 + odds), *_EXISTENCE_LIMITS)
    for track, probability in zip(tracks, existence.tolist(), strict=True):
        track.existence = probability


def learn_recall(
    recall: Recall,
    tracks: Sequence[Track],
    visibility: Visibility,
    found: NDArray[np.bool_],
    camera_id: str,
    since_ns: int,
) -> None:
    """Count whom of ``tracks`` a camera has ``found`` (t,), of those whom others have found since ``since_ns``."""
    others = [t.finders(camera_id, since_ns, ENOUGH_FINDERS) if t.state is TrackState.CONFIRMED else 0 for t in tracks]
    recall.note(visibility, found, np.array(others, dtype=np.intp))


def look_distance(first: FloatArray | None, second: FloatArray | None) -> float | None:
    """Return the clothing distance 1 - cosine, or None when either is unknown."""
    if first is None or second is None or len(first) != len(second) or not len(first):
        return None
    return float(1.0 - first @ second)


@dataclass(frozen=True)
class Contrast:
    """What tells two clothing descriptors apart: a descriptor's log odds are ``axis`` (a,) times it less ``level``."""

    axis: FloatArray
    level: float

    @staticmethod
    def of(first: FloatArray | None, second: FloatArray | None, change_sd: float) -> Contrast | None:
        """Return what tells ``first`` from ``second``, None when either is unknown.

        Every element of a descriptor changes by ``change_sd`` from time to time. Clothes that differ by no more than
        that say nothing: their difference is shrunk towards none (James and Stein 1961).
        """
        if first is None or second is None or len(first) != len(second):
            return None
        apart = first - second
        real = max(0.0, 1.0 - len(apart) * change_sd**2 / max(float(apart @ apart), 1e-12))
        axis = real / change_sd**2 * apart
        return Contrast(axis, float(axis @ (first + second)) / 2)

    def odds(self, fresh: Fresh) -> float:
        """Return the log odds that what has been seen is the first rather than the second; 0 when nothing has."""
        if fresh.look_sum is None or len(fresh.look_sum) != len(self.axis):
            return 0.0
        return (float(self.axis @ fresh.look_sum) / fresh.looks - self.level) / (1 + _FEW_LOOKS / fresh.looks)


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
    "fresh",
)
"""What belongs to the body that cameras see, as opposed to the identity that was given to it."""


def exchange_bodies(first: Track, second: Track) -> None:
    """Let two identities exchange the bodies they follow."""
    for name in _BODY_FIELDS:
        mine, theirs = getattr(first, name), getattr(second, name)
        setattr(first, name, theirs)
        setattr(second, name, mine)
    first.rivals, second.rivals = {}, {}
