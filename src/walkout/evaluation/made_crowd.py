"""A made-up crowd before made-up cameras: detections without a renderer, for as many people and cameras as wanted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from walkout.geometry.camera import in_image, intrinsics_from_fov, project
from walkout.geometry.transforms import look_at
from walkout.perception.appearance import DESCRIPTOR_SIZE
from walkout.perception.types import KEYPOINT_COUNT, Detections
from walkout.store.model import Camera

FloatArray = NDArray[np.float64]

JOINT_HEIGHTS = np.array([0.93, 0.84, 0.81, 0.81, 0.63, 0.63, 0.49, 0.49, 0.52, 0.52, 0.03, 0.03])
"""Of a standing person, as fractions of the stature, in the order of ``Keypoint``."""
JOINT_SIDES = np.array([0.0, 0.0, 0.1, -0.1, 0.13, -0.13, 0.14, -0.14, 0.055, -0.055, 0.06, -0.06])
"""How far left of the middle, likewise."""
_OUTLINE = ((0.18, 0.0), (0.22, 0.4), (0.22, 0.8), (0.1, 1.0))
"""Radius (m) and height (of the stature) of the rings around which a box is drawn."""
_RING = np.array([(np.cos(a), np.sin(a)) for a in np.linspace(0, 2 * np.pi, 8, endpoint=False)])
_SIZE = (640, 480)
_CEILING_M = 3.0
_KEEP_APART_M = 0.7


@dataclass(frozen=True)
class CrowdParameters:
    """How crowded the room is and how well its people are seen.

    ``floor_per_person`` is in square metres, ``least_floor`` the smallest room's; ``noise_px`` the standard deviation
    of box edges and joints; ``miss`` the share of visible people who are not found, ``false_boxes`` the mean number of
    boxes of nothing in a picture; who is covered to more than ``hidden`` by somebody nearer is not found either.
    """

    floor_per_person: float = 3.0
    least_floor: float = 24.0
    noise_px: float = 3.0
    miss: float = 0.08
    false_boxes: float = 0.3
    hidden: float = 0.7
    rate_hz: float = 10.0


class MadeCrowd:
    """So many people who stroll about a square room, ringed by cameras under the ceiling that look inwards.

    The same numbers and seed give the same detections.
    """

    def __init__(
        self, people: int, cameras: int, seed: int = 0, parameters: CrowdParameters = CrowdParameters()
    ) -> None:
        self._p = parameters
        self._rng = np.random.default_rng(seed)
        self.side = float(np.sqrt(max(parameters.floor_per_person * people, parameters.least_floor)))
        self.cameras = ring_of_cameras(cameras, self.side)
        self.places = self._rng.uniform(0.1, 0.9, (people, 2)) * self.side
        self._targets = self._rng.uniform(0.05, 0.95, (people, 2)) * self.side
        self._speeds = self._rng.uniform(0.4, 1.3, people)
        self._yaws = self._rng.uniform(-np.pi, np.pi, people)
        self._statures = self._rng.normal(1.70, 0.09, people).clip(1.45, 2.0)
        looks = self._rng.random((people, DESCRIPTOR_SIZE)) ** 4
        self._looks = looks / np.linalg.norm(looks, axis=1, keepdims=True)
        self._moved_s = 0.0

    def frames(self, seconds: float) -> Iterator[Detections]:
        """Yield the detections of every camera in the order of their stamps; cameras fire one after the other."""
        period = 1.0 / self._p.rate_hz
        for tick in range(round(seconds * self._p.rate_hz)):
            for number, camera in enumerate(self.cameras):
                now = (tick + number / len(self.cameras)) * period
                self._walk(now - self._moved_s)
                self._moved_s = now
                yield self._look(camera, round(now * 1e9))

    def _walk(self, dt: float) -> None:
        """Go on towards where everybody wants to be, but not through each other."""
        way = self._targets - self.places
        left = np.linalg.norm(way, axis=1)
        there = left < 0.2
        self._targets[there] = self._rng.uniform(0.05, 0.95, (int(there.sum()), 2)) * self.side
        step = way / np.maximum(left, 1e-6)[:, None] * self._speeds[:, None]
        apart = self.places[:, None] - self.places[None]
        distance = np.linalg.norm(apart, axis=2) + 10.0 * np.eye(len(self.places))
        push = np.clip(_KEEP_APART_M - distance, 0.0, None) / np.maximum(distance, 0.05)
        step += 4.0 * (push[..., None] * apart).sum(axis=1)
        speed = np.linalg.norm(step, axis=1, keepdims=True)
        step *= np.minimum(1.0, 1.5 / np.maximum(speed, 1e-6))
        self.places = np.clip(self.places + dt * step, 0.0, self.side)
        self._yaws = np.arctan2(step[:, 1], step[:, 0])

    def _look(self, camera: Camera, stamp_ns: int) -> Detections:
        """Return what a camera finds of everybody now."""
        boxes, shares, depths = body_boxes(camera, self.places, self._statures)
        joints, sure = body_joints(camera, self.places, self._yaws, self._statures)
        covering, inside = coverage(boxes, depths, joints)
        covered = covering.max(axis=1, initial=0.0)
        found = (shares > 0.25) & (covered < self._p.hidden) & (self._rng.random(len(boxes)) > self._p.miss)
        confidence = np.where(sure & ~inside, 0.9, 0.1)
        keypoints = np.concatenate([joints, confidence[..., None]], axis=2)[found]
        keypoints[..., :2] += self._rng.normal(0, self._p.noise_px, keypoints[..., :2].shape)
        looks = self._looks[found] + self._rng.normal(0, 0.03, (int(found.sum()), DESCRIPTOR_SIZE))
        false = self._false_boxes()
        boxes = np.concatenate([boxes[found] + self._rng.normal(0, self._p.noise_px, (int(found.sum()), 4)), false])
        nothing = np.zeros((len(false), KEYPOINT_COUNT, 3))
        strange = self._rng.random((len(false), DESCRIPTOR_SIZE))
        looks = np.concatenate([looks, strange])
        return Detections(
            camera.camera_id,
            stamp_ns,
            boxes.astype(np.float32),
            np.full(len(boxes), 0.9, np.float32),
            np.concatenate([keypoints, nothing]).astype(np.float32),
            (looks / np.linalg.norm(looks, axis=1, keepdims=True)).astype(np.float32),
        )

    def _false_boxes(self) -> FloatArray:
        count = int(self._rng.poisson(self._p.false_boxes))
        corner = self._rng.uniform((0, 0), (_SIZE[0] - 60, _SIZE[1] - 120), (count, 2))
        size = self._rng.uniform((25, 60), (60, 120), (count, 2))
        return np.concatenate([corner, corner + size], axis=1)


def body_boxes(camera: Camera, places: FloatArray, statures: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the boxes (n, 4) of people, the share of each body that is in the picture, and the distances (m)."""
    rings = [
        np.concatenate(
            [
                places[:, None] + radius * _RING[None],
                np.broadcast_to((height * statures)[:, None, None], (len(places), len(_RING), 1)),
            ],
            axis=2,
        )
        for radius, height in _OUTLINE
    ]
    surface = np.concatenate(rings, axis=1)
    pixels, depth = project(camera, surface.reshape(-1, 3))
    shown = (in_image(camera, pixels) & (depth > 0)).reshape(surface.shape[:2])
    pixels = pixels.reshape((*surface.shape[:2], 2))
    low = np.where(shown[..., None], pixels, np.inf).min(axis=1)
    high = np.where(shown[..., None], pixels, -np.inf).max(axis=1)
    boxes = np.where(np.isfinite(low).all(axis=1)[:, None], np.concatenate([low, high], axis=1), 0.0)
    return boxes, shown.mean(axis=1), depth.reshape(surface.shape[:2]).mean(axis=1)


def body_joints(
    camera: Camera, places: FloatArray, yaws: FloatArray, statures: FloatArray
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Return the joints of people in pixels (n, 12, 2) and which of them are in the picture."""
    left = np.column_stack([-np.sin(yaws), np.cos(yaws)])
    points = np.empty((len(places), KEYPOINT_COUNT, 3))
    points[..., :2] = places[:, None] + JOINT_SIDES[None, :, None] * (statures[:, None] * left)[:, None]
    points[..., 2] = JOINT_HEIGHTS * statures[:, None]
    pixels, depth = project(camera, points.reshape(-1, 3))
    sure = in_image(camera, pixels) & (depth > 0)
    return np.nan_to_num(pixels).reshape((*points.shape[:2], 2)), sure.reshape(points.shape[:2])


def ring_of_cameras(count: int, side: float) -> tuple[Camera, ...]:
    """Return cameras evenly around a square floor of ``side`` metres, at its edge, looking at its middle."""
    cameras = []
    middle, matrix = side / 2, intrinsics_from_fov(*_SIZE, np.radians(90))
    for number in range(count):
        angle = 2 * np.pi * (number + 0.5) / count
        direction = np.array([np.cos(angle), np.sin(angle)])
        edge = middle + direction * (middle - 0.1) / np.abs(direction).max()
        position = np.array([*edge, _CEILING_M])
        rotation = look_at(position, [middle, middle, 0.8])
        cameras.append(Camera(f"c{number}", *_SIZE, matrix, np.zeros(5), position, rotation, ""))
    return tuple(cameras)


def coverage(boxes: FloatArray, depths: FloatArray, joints: FloatArray) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Return how much of each box every nearer one covers (n, n), and which joints (n, 12) lie in a nearer box."""
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    common = np.clip(high - low, 0.0, None).prod(axis=2)
    area = np.maximum((boxes[:, 2:] - boxes[:, :2]).prod(axis=1), 1e-9)
    nearer = (depths[None] > 0) & (depths[None] < depths[:, None])
    share = np.where(nearer, common / area[:, None], 0.0)
    within = (joints[:, None] >= boxes[None, :, None, :2]) & (joints[:, None] <= boxes[None, :, None, 2:])
    inside = np.asarray((within.all(axis=3) & nearer[..., None]).any(axis=1))
    return share, inside
