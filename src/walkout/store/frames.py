"""Every static frame of a store, for TF and for whoever asks where something is.

``store`` → ``fixture_<id>`` → ``shelf_<id>_<n>`` → ``lane_<id>_<n>_<m>``; ``store`` → ``camera_<id>`` (body: x
forward, z up) → ``camera_<id>_optical`` (z forward, x right); ``store`` → ``zone_<id>`` (its centroid). A gate is a
fixture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from walkout.geometry.transforms import BODY_FROM_OPTICAL, quaternion_from_matrix
from walkout.store.model import Camera, Fixture, FloatArray, Store, Zone

STORE_FRAME = "store"

_UNTURNED = (0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True)
class StaticFrame:
    """A frame and its pose in its parent: translation in metres, quaternion (x, y, z, w)."""

    name: str
    parent: str
    translation: tuple[float, float, float]
    quaternion: tuple[float, float, float, float]


def static_frames(store: Store) -> list[StaticFrame]:
    """Return all static frames of a store, parents before their children."""
    frames: list[StaticFrame] = []
    for fixture in store.fixtures:
        frames += _fixture_frames(fixture)
    for camera in store.cameras:
        frames += _camera_frames(camera)
    return frames + [_zone_frame(zone) for zone in store.zones]


def _fixture_frames(fixture: Fixture) -> list[StaticFrame]:
    pose = fixture.pose
    half = pose.yaw / 2
    turn = (0.0, 0.0, float(np.sin(half)), float(np.cos(half)))
    frames = [StaticFrame(fixture.frame_id, STORE_FRAME, (pose.x, pose.y, 0.0), turn)]
    for shelf in fixture.shelves:
        shelf_name = f"shelf_{fixture.fixture_id}_{shelf.index}"
        frames.append(StaticFrame(shelf_name, fixture.frame_id, (shelf.x, 0.0, shelf.z), _UNTURNED))
        frames += [
            StaticFrame(
                f"lane_{fixture.fixture_id}_{shelf.index}_{lane.index}", shelf_name, (0.0, lane.y, 0.0), _UNTURNED
            )
            for lane in shelf.lanes
        ]
    return frames


def _camera_frames(camera: Camera) -> list[StaticFrame]:
    x, y, z = (float(value) for value in camera.position)
    body_name = camera.frame_id.removesuffix("_optical")
    body = _quaternion(camera.rotation @ BODY_FROM_OPTICAL.T)
    return [
        StaticFrame(body_name, STORE_FRAME, (x, y, z), body),
        StaticFrame(camera.frame_id, body_name, (0.0, 0.0, 0.0), _quaternion(BODY_FROM_OPTICAL)),
    ]


def _zone_frame(zone: Zone) -> StaticFrame:
    x, y = polygon_centroid(np.array(zone.polygon))
    return StaticFrame(f"zone_{zone.zone_id}", STORE_FRAME, (x, y, 0.0), _UNTURNED)


def polygon_centroid(polygon: FloatArray) -> tuple[float, float]:
    """Return the centre of area of a simple polygon (n, 2)."""
    following = np.roll(polygon, -1, axis=0)
    cross = polygon[:, 0] * following[:, 1] - following[:, 0] * polygon[:, 1]
    centre = ((polygon + following) * cross[:, None]).sum(axis=0) / (3 * cross.sum())
    return float(centre[0]), float(centre[1])


def _quaternion(rotation: FloatArray) -> tuple[float, float, float, float]:
    x, y, z, w = (float(value) for value in quaternion_from_matrix(rotation))
    return x, y, z, w
