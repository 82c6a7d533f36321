"""Stick-figure shoppers seen by synthetic cameras: detections with known truth, without the simulator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from walkout.geometry.camera import in_image, intrinsics_from_fov, project
from walkout.geometry.transforms import look_at
from walkout.perception.types import KEYPOINT_COUNT, Detections
from walkout.store.model import Camera, Fixture, FixtureType, Pose2, Zone, ZoneKind
from walkout.tracking.tracker import MultiViewTracker
from walkout.tracking.types import Shoppers, ShopperState, TrackState
from walkout.tracking.visibility import Occluders

FloatArray = NDArray[np.float64]

HEIGHTS = np.array([0.93, 0.84, 0.81, 0.81, 0.63, 0.63, 0.49, 0.49, 0.52, 0.52, 0.03, 0.03])
SIDES = np.array([0.0, 0.0, 0.1, -0.1, 0.13, -0.13, 0.14, -0.14, 0.055, -0.055, 0.06, -0.06])
ENTRY = Zone("entry", ZoneKind.ENTRY, ((0.0, -1.0), (1.2, -1.0), (1.2, 1.0), (0.0, 1.0)))
EXIT = Zone("exit", ZoneKind.EXIT, ((4.8, -1.0), (6.0, -1.0), (6.0, 1.0), (4.8, 1.0)))


@dataclass(frozen=True)
class Walker:
    """A stick figure: ``place(t)`` is x, y at t seconds or None when away; ``wrist(t)`` an optional right wrist.

    ``stoop(t)`` says by how many metres the crown sinks; the upper body leans forward by half of it meanwhile.
    """

    place: Callable[[float], tuple[float, float] | None]
    height: float = 1.72
    look: int = 0
    wrist: Callable[[float], tuple[float, float, float]] | None = None
    stoop: Callable[[float], float] = lambda t: 0.0

    def yaw(self, t: float) -> float:
        """Return where the figure faces: ahead, or along x when it stands."""
        here, soon = self.place(t), self.place(t + 0.05)
        step = np.subtract(soon, here) if soon is not None and here is not None else np.zeros(2)
        return float(np.arctan2(step[1], step[0])) if np.hypot(*step) > 1e-3 else 0.0

    def lean(self, t: float, points: FloatArray) -> FloatArray:
        """Return points (n, 3) of the upright figure where they are while it stoops."""
        sunk, yaw = self.stoop(t), self.yaw(t)
        moved = points.copy()
        moved[:, 2] *= 1 - sunk / self.height
        forward = 0.5 * sunk * np.clip(points[:, 2] / self.height, 0.0, 1.0)
        moved[:, :2] += forward[:, None] * (np.cos(yaw), np.sin(yaw))
        return moved

    def joints(self, t: float) -> FloatArray | None:
        """Return the joints (12, 3) at t seconds."""
        here, yaw = self.place(t), self.yaw(t)
        if here is None:
            return None
        left = np.array([-np.sin(yaw), np.cos(yaw)])
        points = np.empty((KEYPOINT_COUNT, 3))
        points[:, :2] = np.array(here) + SIDES[:, None] * self.height * left
        points[:, 2] = HEIGHTS * self.height
        points = self.lean(t, points)
        if self.wrist is not None:
            points[7] = self.wrist(t)
            points[5] = (points[3] + points[7]) / 2 - (0.0, 0.0, 0.08)
        return points


def room() -> list[Camera]:
    """Return four ceiling cameras in the corners of a room of 6 x 5 m."""
    cameras = []
    for number, (x, y) in enumerate([(0.1, 0.1), (5.9, 0.1), (0.1, 4.9), (5.9, 4.9)]):
        position = np.array([x, y, 2.8])
        matrix = intrinsics_from_fov(640, 480, np.radians(90))
        rotation = look_at(position, [3.0, 2.5, 0.8])
        cameras.append(Camera(f"c{number}", 640, 480, matrix, np.zeros(5), position, rotation, ""))
    return cameras


def shelf(x: float, y: float, height: float) -> Fixture:
    """Return a gondola of 0.5 x 1.2 m."""
    return Fixture("shelf", FixtureType.GONDOLA, Pose2(x, y), (0.5, 1.2, height))


def look(number: int) -> FloatArray:
    """Return the clothing descriptor of outfit ``number``."""
    vector = np.random.default_rng(number).normal(size=16)
    return np.asarray(vector / np.linalg.norm(vector))


def record(
    walkers: Sequence[Walker],
    seconds: float,
    seed: int = 0,
    cameras: Sequence[Camera] | None = None,
    fixtures: Sequence[Fixture] = (),
    noise_px: float = 3.0,
    miss: float = 0.08,
    keypoints: bool = True,
    rate_hz: float = 10.0,
    looks: bool = True,
) -> list[Detections]:
    """Return all cameras' detections in the order of their stamps; cameras run at 10 Hz, 20 ms apart."""
    rng = np.random.default_rng(seed)
    cameras = room() if cameras is None else cameras
    occluders = Occluders(fixtures)
    frames = []
    for tick in range(int(seconds * rate_hz)):
        for place, camera in enumerate(cameras):
            t = tick / rate_hz + 0.02 * place
            seen = [_see(camera, walker, t, occluders, rng, noise_px, looks) for walker in walkers]
            kept = [s for s in seen if s is not None and rng.random() > miss]
            frames.append(_detections(camera, t, kept, keypoints))
    return frames


def run(tracker: MultiViewTracker, frames: Sequence[Detections]) -> list[Shoppers]:
    """Feed all frames and return all snapshots."""
    snapshots = []
    for frame in frames:
        tracker.update(frame)
        snapshots += tracker.drain()
    tracker.flush()
    return snapshots + tracker.drain()


def confirmed(snapshot: Shoppers) -> list[ShopperState]:
    """Return the confirmed shoppers of a snapshot."""
    return [s for s in snapshot.shoppers if s.state is TrackState.CONFIRMED]


def _see(
    camera: Camera,
    walker: Walker,
    t: float,
    occluders: Occluders,
    rng: np.random.Generator,
    noise_px: float,
    looks: bool,
) -> tuple[FloatArray, FloatArray, FloatArray] | None:
    joints, centre = walker.joints(t), walker.place(t)
    if joints is None or centre is None:
        return None
    angle = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    ring = np.column_stack([np.cos(angle), np.sin(angle)])
    body = [
        np.column_stack([centre + r * ring, np.full(8, z * walker.height)])
        for r, z in ((0.18, 0.0), (0.22, 0.4), (0.22, 0.8), (0.1, 1.0))
    ]
    surface = walker.lean(t, np.concatenate(body))
    pixels, depth = project(camera, surface)
    visible = in_image(camera, pixels) & (depth > 0) & ~occluders.hidden(camera.position, surface)
    if visible.mean() < 0.25:
        return None
    box = np.concatenate([pixels[visible].min(axis=0), pixels[visible].max(axis=0)]) + rng.normal(0, noise_px, 4)
    points, _ = project(camera, joints)
    sure = in_image(camera, points) & ~occluders.hidden(camera.position, joints)
    points = points + rng.normal(0, noise_px, points.shape)
    keypoints = np.column_stack([np.nan_to_num(points), np.where(sure, 0.9, 0.1)])
    clothes = look(walker.look) + rng.normal(0, 0.05, 16) if looks else np.zeros(0)
    return box, keypoints, clothes / max(float(np.linalg.norm(clothes)), 1e-9)


def _detections(
    camera: Camera, t: float, seen: Sequence[tuple[FloatArray, FloatArray, FloatArray]], keypoints: bool
) -> Detections:
    count = len(seen)
    width = len(seen[0][2]) if seen else 0
    points = np.array([s[1] for s in seen]).reshape(count, KEYPOINT_COUNT, 3)
    return Detections(
        camera.camera_id,
        round(t * 1e9),
        np.array([s[0] for s in seen], dtype=np.float32).reshape(count, 4),
        np.full(count, 0.9, dtype=np.float32),
        (points if keypoints else 0 * points).astype(np.float32),
        np.array([s[2] for s in seen], dtype=np.float32).reshape(count, width),
    )
