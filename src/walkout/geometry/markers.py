"""ArUco markers at known places of a store: ``markers.yaml``, where pictures show them, how they are printed.

A marker's frame has its origin in the marker's centre, x to the right and y up as somebody sees who looks at it, z out
of it towards him. Its corners are listed as OpenCV lists them: top left, top right, bottom right, bottom left.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from walkout.geometry.boards import DICTIONARIES, CalibrationError, dictionary_named, grey
from walkout.geometry.transforms import apply, rotation_from_rpy, transform
from walkout.store.documents import DocumentError, Report, Section, open_document, suggestion
from walkout.store.model import Fixture, Store

FloatArray = NDArray[np.float64]
Image = NDArray[np.uint8]

MARKERS_FILE = "markers.yaml"
DEFAULT_DICTIONARY = "DICT_4X4_50"


class Face(Enum):
    """The side of a fixture that a marker sticks to."""

    FRONT = "front"
    BACK = "back"
    LEFT = "left"
    RIGHT = "right"
    TOP = "top"


class MarkersError(CalibrationError, DocumentError):
    """``markers.yaml`` cannot be used; the text has one line for each mistake."""


@dataclass(frozen=True)
class Marker:
    """A marker of ``size`` metres (side of its black square); ``pose`` (4, 4) takes its frame into the store's."""

    marker_id: int
    size: float
    pose: FloatArray

    @property
    def corners(self) -> FloatArray:
        """The corners (4, 3) in store metres."""
        half = self.size / 2
        return apply(self.pose, [[-half, half, 0], [half, half, 0], [half, -half, 0], [-half, -half, 0]])


@dataclass(frozen=True)
class MarkerSet:
    """All markers of a store, by id, and the dictionary they are from."""

    dictionary: str
    by_id: dict[int, Marker]


def read_markers(path: Path, store: Store) -> MarkerSet:
    """Read ``markers.yaml``; docs/calibration.md explains its keys.

    Raises:
        MarkersError: the file cannot be used; one line for every mistake.
    """
    report = Report()
    document = open_document(path, report)
    markers: dict[int, Marker] = {}
    dictionary = DEFAULT_DICTIONARY
    if document:
        dictionary = document.text("dictionary", DEFAULT_DICTIONARY)
        if dictionary not in DICTIONARIES:
            document.problem("dictionary", f"{dictionary!r} is not known", "use one of OpenCV's, like DICT_4X4_50")
            dictionary = DEFAULT_DICTIONARY
        size = document.number("size", 0.15, low=0.02, high=2.0, unit="m")
        last = len(dictionary_named(dictionary).bytesList) - 1
        for section in document.sections("markers"):
            marker = _read_marker(section, store, size, last)
            if marker and marker.marker_id in markers:
                section.problem("id", f"{marker.marker_id} names two markers", "give every marker its own id")
            elif marker:
                markers[marker.marker_id] = marker
        document.done()
        if document.ok and not markers:
            document.problem("markers", "is empty", "add at least one marker")
    report.check(MarkersError)
    return MarkerSet(dictionary, markers)


def find_markers(image: Image, dictionary: str) -> dict[int, FloatArray]:
    """Return the corners (4, 2) in pixels of every marker that a picture (BGR or grey) shows, by id."""
    corners, ids, _ = _detector(dictionary).detectMarkers(grey(image))
    if not corners:
        return {}
    return {int(i): np.asarray(c, dtype=float).reshape(4, 2) for i, c in zip(ids.ravel(), corners, strict=True)}


def known_corners(
    found: dict[int, FloatArray], markers: MarkerSet, ignored: Sequence[int], where: str
) -> tuple[FloatArray, FloatArray]:
    """Return the store points (n, 3) and pixels (n, 2) of the corners of all markers found in a picture.

    Raises:
        CalibrationError: a marker whose place is not known.
    """
    unknown = sorted(set(found) - set(markers.by_id) - set(ignored))
    if unknown:
        ids = ", ".join(str(i) for i in unknown)
        raise CalibrationError(
            f"{where}: sees marker {ids} whose place is not in {MARKERS_FILE}; write its place there or leave it out "
            f"with --ignore {ids.replace(',', '')}"
        )
    used = sorted(set(found) & set(markers.by_id) - set(ignored))
    points = [markers.by_id[i].corners for i in used]
    pixels = [found[i] for i in used]
    return np.array(points).reshape(-1, 3), np.array(pixels).reshape(-1, 2)


def marker_picture(dictionary: str, marker_id: int, pixels: int) -> Image:
    """Return a marker as a grey picture of so many pixels a side, without a margin."""
    return np.asarray(cv2.aruco.generateImageMarker(dictionary_named(dictionary), marker_id, pixels), dtype=np.uint8)


@lru_cache(maxsize=8)
def _detector(dictionary: str) -> cv2.aruco.ArucoDetector:
    parameters = cv2.aruco.DetectorParameters()
    parameters.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    # A sub-pixel window that reaches into the marker's bits pulls the corners of small markers inwards.
    parameters.relativeCornerRefinmentWinSize = 0.15
    return cv2.aruco.ArucoDetector(dictionary_named(dictionary), parameters)


def _read_marker(section: Section, store: Store, default_size: float, last: int) -> Marker | None:
    marker_id = section.integer("id", 0, last)
    size = section.number("size", default_size, low=0.02, high=2.0, unit="m")
    on_fixture = "fixture" in section
    pose = _on_fixture(section, store) if on_fixture else _in_store(section)
    return Marker(marker_id, size, pose) if section.done() else None


def _in_store(section: Section) -> FloatArray:
    """Read ``position`` with ``rpy_deg`` (of the marker's frame) or ``floor_yaw_deg`` (it lies on the floor)."""
    position = section.numbers("position", 3)
    flat, angles = section.value("floor_yaw_deg"), section.value("rpy_deg")
    if (flat is None) == (angles is None):
        section.problem(
            "",
            "has two directions" if flat else "has no direction",
            "write floor_yaw_deg (it lies on its back), rpy_deg [roll, pitch, yaw] or a fixture and face, one of them",
        )
        return np.eye(4)
    if flat:
        return transform(rotation_from_rpy(0, 0, math.radians(flat.number(-360, 360, "degrees"))), position)
    assert angles is not None
    roll, pitch, yaw = np.radians(angles.numbers(3, low=-360, high=360))
    return transform(rotation_from_rpy(roll, pitch, yaw), position)


def _on_fixture(section: Section, store: Store) -> FloatArray:
    """Read ``fixture``, ``face``, ``across`` and ``up`` (metres from the middle of the face's lower edge)."""
    name = section.text("fixture")
    face = section.choice("face", Face, Face.FRONT)
    across = section.number("across", 0.0, low=-10.0, high=10.0, unit="m")
    up = section.number("up", low=-10.0, high=10.0, unit="m")
    out = section.number("out", 0.0, low=-2.0, high=2.0, unit="m")
    fixture = store.fixture_by_id.get(name)
    if fixture is None:
        if name:
            known = ", ".join(store.fixture_by_id)
            section.problem(
                "fixture", f"{name!r} is not in the store{suggestion(name, store.fixture_by_id)}", f"use one of {known}"
            )
        return np.eye(4)
    return _face_pose(fixture, face, across, up, out)


def _face_pose(fixture: Fixture, face: Face, across: float, up: float, out: float) -> FloatArray:
    """Return the pose of a marker on a face; ``across`` grows to the right of somebody who looks at the face."""
    depth, width, height = fixture.size
    if face is Face.TOP:
        # Seen by somebody who stands before the front: right is the fixture's y, up is away from him.
        axes = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]).T
        local = transform(axes, [depth / 2 - up, across, height + out])
        return fixture.pose.matrix @ local
    normal = {Face.FRONT: (1, 0), Face.BACK: (-1, 0), Face.LEFT: (0, -1), Face.RIGHT: (0, 1)}[face]
    z_axis = np.array([*normal, 0.0])
    y_axis = np.array([0.0, 0.0, 1.0])
    x_axis = np.cross(y_axis, z_axis)
    reach = (depth if face in (Face.FRONT, Face.BACK) else width) / 2 + out
    origin = z_axis * reach + x_axis * across + y_axis * up
    return fixture.pose.matrix @ transform(np.column_stack([x_axis, y_axis, z_axis]), origin)
