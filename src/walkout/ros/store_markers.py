"""Markers of what is fixed in a store: floor, fixtures, facings, cameras, gates and zones. Published once, latched."""

from __future__ import annotations

import colorsys
import hashlib

import numpy as np
from geometry_msgs.msg import Point, Pose, Quaternion, Vector3
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray

from walkout.store.model import Camera, Fixture, FixtureType, Store, ZoneKind

FRAME = "store"
BOARD_THICKNESS = 0.03
PANEL_THICKNESS = 0.03
POST_WIDTH = 0.08
FACING_SIZE = (0.05, 0.09, 0.11)
FRUSTUM_DEPTH = 0.45

FLOOR_COLOUR = (0.80, 0.79, 0.76, 1.0)
CAMERA_COLOUR = (0.10, 0.45, 0.85, 0.9)
TEXT_COLOUR = (0.15, 0.17, 0.20, 1.0)
BODY_COLOURS = {
    FixtureType.GONDOLA: (0.62, 0.64, 0.68, 1.0),
    FixtureType.FRIDGE: (0.55, 0.68, 0.78, 1.0),
    FixtureType.COFFEE_MACHINE: (0.25, 0.22, 0.21, 1.0),
    FixtureType.GATE: (0.20, 0.55, 0.45, 0.9),
    FixtureType.WALL: (0.85, 0.84, 0.80, 0.6),
}
ZONE_COLOURS = {ZoneKind.ENTRY: (0.15, 0.65, 0.40, 1.0), ZoneKind.EXIT: (0.80, 0.35, 0.20, 1.0)}


def store_markers(store: Store) -> MarkerArray:
    """Return all static markers in the store frame; ids are stable for one store."""
    markers = [_floor(store)]
    for number, fixture in enumerate(store.fixtures):
        markers += _fixture(fixture, number)
    if store.facings:
        markers.append(_facings(store))
    for number, camera in enumerate(store.cameras):
        markers += _camera(camera, number)
    for number, zone in enumerate(store.zones):
        marker = make_marker("zones", number, Marker.LINE_STRIP, (0.03, 0.0, 0.0), ZONE_COLOURS[zone.kind])
        marker.points = [point(x, y, 0.01) for x, y in (*zone.polygon, zone.polygon[0])]
        markers.append(marker)
    return MarkerArray(markers=markers)


def make_marker(
    namespace: str, number: int, kind: int, scale: tuple[float, float, float], colour: tuple[float, ...]
) -> Marker:
    """Return a marker of the store frame at the origin. Its header stamp is zero: the newest transform is meant."""
    marker = Marker(ns=namespace, id=number, type=kind, action=Marker.ADD, scale=Vector3(), color=rgba(colour))
    marker.header.frame_id = FRAME
    marker.pose.orientation.w = 1.0
    marker.scale.x, marker.scale.y, marker.scale.z = scale
    return marker


def point(x: float, y: float, z: float) -> Point:
    """Return a point message."""
    return Point(x=float(x), y=float(y), z=float(z))


def rgba(colour: tuple[float, ...]) -> ColorRGBA:
    """Return a colour message of three or four values 0..1."""
    red, green, blue, alpha = (*colour, 1.0)[:4]
    return ColorRGBA(r=float(red), g=float(green), b=float(blue), a=float(alpha))


def hue_colour(key: str, saturation: float = 0.55, value: float = 0.9) -> tuple[float, float, float]:
    """Return a colour that is always the same for the same text."""
    hue = int.from_bytes(hashlib.sha256(key.encode()).digest()[:2], "big") / 65536
    return colorsys.hsv_to_rgb(hue, saturation, value)


def _floor(store: Store) -> Marker:
    x_min, y_min, x_max, y_max = store.floor
    marker = make_marker("floor", 0, Marker.CUBE, (x_max - x_min, y_max - y_min, 0.02), FLOOR_COLOUR)
    marker.pose.position = point((x_min + x_max) / 2, (y_min + y_max) / 2, -0.01)
    return marker


def _fixture(fixture: Fixture, number: int) -> list[Marker]:
    depth, width, height = fixture.size
    colour = BODY_COLOURS[fixture.type]
    matrix = fixture.pose.matrix
    markers = []
    if fixture.shelves:
        back = make_marker("fixtures", number, Marker.CUBE, (PANEL_THICKNESS, width, height), colour)
        back.pose = _pose(matrix, (-(depth - PANEL_THICKNESS) / 2, 0.0, height / 2))
        first = fixture.shelves[0]
        boards = make_marker(
            "shelves", number, Marker.CUBE_LIST, (first.depth, first.width, BOARD_THICKNESS), (*colour[:3], 0.95)
        )
        boards.pose = _pose(matrix, (0.0, 0.0, 0.0))
        boards.points = [point(shelf.x, 0.0, shelf.z - BOARD_THICKNESS / 2) for shelf in fixture.shelves]
        markers += [back, boards]
    elif fixture.type is FixtureType.GATE:
        posts = make_marker("gates", number, Marker.CUBE_LIST, (depth, POST_WIDTH, height), colour)
        posts.pose = _pose(matrix, (0.0, 0.0, height / 2))
        posts.points = [point(0.0, side * (width - POST_WIDTH) / 2, 0.0) for side in (-1, 1)]
        markers.append(posts)
    else:
        body = make_marker("fixtures", number, Marker.CUBE, (depth, width, height), colour)
        body.pose = _pose(matrix, (0.0, 0.0, height / 2))
        markers.append(body)
    label = make_marker("fixture_labels", number, Marker.TEXT_VIEW_FACING, (0.0, 0.0, 0.16), TEXT_COLOUR)
    label.pose = _pose(matrix, (0.0, 0.0, height + 0.15))
    label.text = fixture.fixture_id
    return [*markers, label]


def _facings(store: Store) -> Marker:
    marker = make_marker("facings", 0, Marker.CUBE_LIST, FACING_SIZE, (1.0, 1.0, 1.0))
    for facing in store.facings:
        site = store.lane_sites[facing.lane_id]
        front = site.transform @ np.array([site.lane.depth / 2 - 0.05, 0.0, FACING_SIZE[2] / 2, 1.0])
        product = store.product_by_sku[facing.sku]
        marker.points.append(point(*front[:3]))
        marker.colors.append(rgba(hue_colour(product.family or product.sku)))
    return marker


def _camera(camera: Camera, number: int) -> list[Marker]:
    corners = np.array([(0, 0), (camera.width, 0), (camera.width, camera.height), (0, camera.height)], float)
    rays = np.column_stack([corners, np.ones(4)]) @ np.linalg.inv(camera.matrix).T * FRUSTUM_DEPTH
    frustum = make_marker("cameras", number, Marker.LINE_LIST, (0.012, 0.0, 0.0), CAMERA_COLOUR)
    transform = np.eye(4)
    transform[:3, :3], transform[:3, 3] = camera.rotation, camera.position
    frustum.pose = _pose(transform, (0.0, 0.0, 0.0))
    for index in range(4):
        frustum.points += [point(0, 0, 0), point(*rays[index]), point(*rays[index]), point(*rays[(index + 1) % 4])]
    label = make_marker("camera_labels", number, Marker.TEXT_VIEW_FACING, (0.0, 0.0, 0.14), CAMERA_COLOUR)
    label.pose.position = point(*(camera.position + np.array([0.0, 0.0, 0.15])))
    label.text = camera.camera_id
    return [frustum, label]


def _pose(matrix: NDArray[np.float64], offset: tuple[float, float, float]) -> Pose:
    x, y, z = matrix[:3, :3] @ np.array(offset) + matrix[:3, 3]
    qx, qy, qz, qw = Rotation.from_matrix(matrix[:3, :3]).as_quat()
    return Pose(position=point(x, y, z), orientation=Quaternion(x=float(qx), y=float(qy), z=float(qz), w=float(qw)))
