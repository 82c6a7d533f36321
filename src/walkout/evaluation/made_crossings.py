"""Made-up crossings: two or three people meet before made-up cameras, and who is who afterwards is not always clear."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from walkout.evaluation.made_crowd import body_boxes, body_joints, coverage, ring_of_cameras
from walkout.perception.appearance import DESCRIPTOR_SIZE
from walkout.perception.types import Detections
from walkout.store.model import Camera, Zone, ZoneKind

FloatArray = NDArray[np.float64]

SIDE_M = 7.0
_ENTRIES = (
    Zone("entry_west", ZoneKind.ENTRY, ((0.0, 0.0), (1.2, 0.0), (1.2, SIDE_M), (0.0, SIDE_M))),
    Zone("entry_east", ZoneKind.ENTRY, ((5.8, 0.0), (SIDE_M, 0.0), (SIDE_M, SIDE_M), (5.8, SIDE_M))),
)
_RATE_HZ = 10.0
_STEP_S = 0.02
_NEAR_M = 0.8
_FROM_M, _TO_M = 2.6, 1.6
"""How far from the middle of the room people come from and go to (in between they meet there)."""
_KEEP_APART_M = 0.42
_AFTER_S = 4.0
DARK_S = ((0.0, 0.0), (0.3, 0.7), (0.7, 1.3), (1.3, 2.0), (2.0, 3.0))
"""For how long no camera sees anything, from least to most, by grade."""
GRADES = len(DARK_S)


@dataclass(frozen=True)
class Traits:
    """What makes a crossing hard.

    ``likeness`` is 0 (unlike clothes) to 1 (the same), ``taller_m`` how much the first is taller than the others,
    ``dark_s`` for how long no camera sees anything (``silent``: sends nothing; else it finds nobody), ``stay_s`` for
    how long they stay together; ``turns`` says who goes back to where he came from.
    """

    grade: int
    cameras: int
    likeness: float
    taller_m: float
    dark_s: float
    silent: bool
    stay_s: float
    turns: tuple[bool, ...]


@dataclass(frozen=True)
class SightNoise:
    """The errors of the made-up detector.

    Of box edges and joints ``jitter_px`` is new in every frame, ``drift_px`` lasts ``drift_s``. The same of clothing
    descriptors, per element: ``look_jitter``, and ``look_drift``, which also has a part that stays as long as the
    camera does. Of somebody covered, so much of the descriptor as is covered is the other's. ``miss`` of those in view
    are not found, nor is who is covered to more than ``hidden``.
    """

    jitter_px: float = 2.5
    drift_px: float = 2.5
    drift_s: float = 0.6
    look_jitter: float = 0.06
    look_drift: float = 0.05
    miss: float = 0.08
    hidden: float = 0.65


class MadeCrossing:
    """People who come in from both ends of a room, meet in its middle and part; the same seed, the same detections.

    ``places`` (times, people, 2) are their true places every 20 ms; ``meets_s`` is when two are first within 0.8 m of
    one another, ``parts_s`` when nobody is any more.
    """

    def __init__(self, seed: int, grade: int | None = None, noise: SightNoise = SightNoise()) -> None:
        self._rng = np.random.default_rng(seed)
        self._noise = noise
        self.traits = _traits(self._rng, grade)
        self.people = len(self.traits.turns)
        self.cameras = ring_of_cameras(self.traits.cameras, SIDE_M)
        self.zones = _ENTRIES
        self._statures = self._rng.normal(1.68, 0.06, self.people).clip(1.5, 1.9)
        self._statures[1:] = self._statures[1:] * 0.4 + 0.6 * self._statures[0]
        self._statures[0] += self.traits.taller_m
        self._looks = _looks(self._rng, self.people, self.traits.likeness)
        self.places = self._walk()
        gaps = np.linalg.norm(self.places[:, :, None] - self.places[:, None], axis=3) + 9.0 * np.eye(self.people)
        near = np.flatnonzero(gaps.min(axis=(1, 2)) < _NEAR_M)
        self.meets_s, self.parts_s = float(near[0] * _STEP_S), float(near[-1] * _STEP_S)
        # The dark falls while they are together, or just before.
        latest = max(self.parts_s - self.meets_s - 0.5 * self.traits.dark_s, 0.0)
        self.dark_from_s = self.meets_s + float(self._rng.uniform(-0.2, max(latest, -0.1)))
        self.ends_s = min(len(self.places) * _STEP_S, self._end_of_dark() + _AFTER_S)
        self._drifts = {c.camera_id: _Drifts(self._rng, self.people, noise) for c in self.cameras}

    def at(self, seconds: float) -> FloatArray:
        """Return the true places (people, 2) at a time."""
        return np.asarray(self.places[min(round(seconds / _STEP_S), len(self.places) - 1)])

    def frames(self) -> Iterator[Detections]:
        """Yield the detections of every camera in the order of their stamps; cameras fire one after the other."""
        for tick in range(int(self.ends_s * _RATE_HZ)):
            for number, camera in enumerate(self.cameras):
                now = (tick + number / len(self.cameras)) / _RATE_HZ
                found = self._look(camera, now)
                if not (self.traits.silent and self.is_dark(now)):
                    yield found

    def is_dark(self, seconds: float) -> bool:
        """Return whether no camera sees anything at a time."""
        return self.dark_from_s <= seconds < self.dark_from_s + self.traits.dark_s

    def _end_of_dark(self) -> float:
        return max(self.parts_s, self.dark_from_s + self.traits.dark_s)

    def _walk(self) -> FloatArray:
        """Return everybody's places every step: to the meeting, together for a while, and away."""
        rng, turns = self._rng, np.array(self.traits.turns)
        side = np.where(np.arange(self.people) % 2 == 0, -1.0, 1.0)
        side *= rng.choice([-1.0, 1.0])
        middle = np.full(2, SIDE_M / 2)
        lateral = rng.uniform(-0.25, 0.25, self.people) + np.where(np.arange(self.people) > 1, 0.95, 0.0)
        start = middle + np.column_stack([side * _FROM_M, 2.2 * lateral])
        ends = np.where(turns, side, -side) * _TO_M
        lanes = rng.permutation(self.people) - (self.people - 1) / 2  # apart enough to part even on the same side
        end = middle + np.column_stack([ends, 1.7 * lanes + rng.uniform(-0.15, 0.15, self.people)])
        meeting = middle + np.column_stack([0.24 * side, 0.3 * lateral])
        speed = rng.uniform(0.7, 1.3, self.people)
        place, velocity, leaves = start.copy(), np.zeros_like(start), np.inf
        path = []
        for step in range(round(30.0 / _STEP_S)):
            now = step * _STEP_S
            path.append(place.copy())
            if np.isinf(leaves) and self.people > 1 and np.linalg.norm(place[0] - place[1]) < _NEAR_M:
                leaves = now + self.traits.stay_s
            gone = now >= leaves
            if gone and now > leaves + _TO_M / 0.7 + 4.0 + self.traits.dark_s:
                break
            if not gone and not np.isinf(leaves) and step % 50 == 0:
                meeting = _shuffle(rng, meeting, middle)
            goal = end if gone else meeting
            velocity += _STEP_S / 0.25 * (_wish(place, goal, speed) - velocity)
            place = place + _STEP_S * velocity
        return np.array(path)

    def _look(self, camera: Camera, now: float) -> Detections:
        """Return what a camera finds at a time."""
        rng, noise = self._rng, self._noise
        places, ahead = self.at(now), self.at(now + 0.1) - self.at(now)
        yaws = np.arctan2(ahead[:, 1], ahead[:, 0])
        boxes, shares, depths = body_boxes(camera, places, self._statures)
        joints, sure = body_joints(camera, places, yaws, self._statures)
        covering, inside = coverage(boxes, depths, joints)
        covered = covering.max(axis=1, initial=0.0)
        drift_px, drift_look = self._drifts[camera.camera_id].at(now)
        boxes = boxes + drift_px[:, :1].repeat(2, axis=1).reshape(self.people, 4)
        boxes += rng.normal(0, noise.jitter_px, boxes.shape)
        joints = joints + drift_px[:, 1:2] + rng.normal(0, noise.jitter_px, joints.shape)
        mixed = self._looks + np.where(covering > 0.1, covering, 0.0) @ self._looks
        looks = mixed / np.linalg.norm(mixed, axis=1, keepdims=True) + drift_look
        looks += rng.normal(0, noise.look_jitter, looks.shape)
        found = (shares > 0.25) & (covered < noise.hidden) & (rng.random(self.people) > noise.miss)
        found &= not self.is_dark(now)
        confidence = np.where(sure & ~inside, 0.9, 0.1)
        keypoints = np.concatenate([joints, confidence[..., None]], axis=2)
        return Detections(
            camera.camera_id,
            round(now * 1e9),
            boxes[found].astype(np.float32),
            np.full(int(found.sum()), 0.9, np.float32),
            keypoints[found].astype(np.float32),
            (looks / np.linalg.norm(looks, axis=1, keepdims=True))[found].astype(np.float32),
        )


class _Drifts:
    """Errors of one camera that last: Ornstein-Uhlenbeck processes of boxes, joints and descriptors."""

    def __init__(self, rng: np.random.Generator, people: int, noise: SightNoise) -> None:
        self._rng, self._noise, self._now = rng, noise, 0.0
        self._px = rng.normal(0, noise.drift_px, (people, 2, 2))
        self._cast = rng.normal(0, noise.look_drift, DESCRIPTOR_SIZE)
        self._look = rng.normal(0, noise.look_drift, (people, DESCRIPTOR_SIZE))

    def at(self, now: float) -> tuple[FloatArray, FloatArray]:
        """Return the errors of boxes and joints (people, 2, 2) in pixels and of descriptors (people, size)."""
        for state, sd, memory in (
            (self._px, self._noise.drift_px, self._noise.drift_s),
            (self._look, self._noise.look_drift, 4 * self._noise.drift_s),
        ):
            keep = np.exp(-(now - self._now) / memory)
            state *= keep
            state += self._rng.normal(0, sd * np.sqrt(1 - keep**2), state.shape)
        self._now = now
        return self._px, self._look + self._cast


def _traits(rng: np.random.Generator, grade: int | None) -> Traits:
    grade = int(rng.integers(GRADES)) if grade is None else grade
    people = 3 if rng.random() < 0.25 else 2
    stays = rng.random() < 0.5
    return Traits(
        grade,
        int(rng.integers(2, 5)),
        float(rng.choice([0.0, 0.7, 0.9, 1.0])),
        float(rng.choice([0.0, 0.0, 0.05, 0.12])),
        float(rng.uniform(*DARK_S[grade])),
        bool(rng.random() < 0.5),
        float(rng.uniform(0.5, 3.0)) if stays else 0.0,
        tuple((rng.random(people) < 0.4).tolist()),
    )


def _looks(rng: np.random.Generator, people: int, likeness: float) -> FloatArray:
    """Return clothing descriptors (people, size): a common part and one of their own."""
    raw = rng.random((people + 1, DESCRIPTOR_SIZE)) ** 4
    looks = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    mixed = likeness * looks[:1] + (1 - likeness) * looks[1:]
    return np.asarray(mixed / np.linalg.norm(mixed, axis=1, keepdims=True))


def _wish(place: FloatArray, goal: FloatArray, speed: FloatArray) -> FloatArray:
    """Return the velocities (n, 2) that take people to their goals, around each other."""
    way = goal - place
    left = np.linalg.norm(way, axis=1)
    wish = way / np.maximum(left, 0.3)[:, None] * speed[:, None]
    apart = place[:, None] - place[None]
    distance = np.linalg.norm(apart, axis=2) + 9.0 * np.eye(len(place))
    push = np.clip(_KEEP_APART_M + 0.15 - distance, 0.0, None) / np.maximum(distance, 0.05)
    # A push to the side lets people pass each other who walk straight at one another.
    sideways = np.stack([-apart[..., 1], apart[..., 0]], axis=2)
    return np.asarray(wish + 6.0 * (push[..., None] * (apart + 0.7 * sideways)).sum(axis=1))


def _shuffle(rng: np.random.Generator, meeting: FloatArray, middle: FloatArray) -> FloatArray:
    """Let those who stand together change places a little, as if around a shelf: a turn about the middle."""
    angle = rng.normal(0, 0.9)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.asarray(middle + (meeting - middle) @ turn.T)
