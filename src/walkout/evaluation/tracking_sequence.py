"""Sequences for the evaluation of tracking: plain folders of detections, cameras and truth.

A sequence is a folder with

- ``sequence.yaml``: ``fps``, ``cameras`` (list of ``name``, ``width``, ``height`` and ``projection``, the (3, 4) matrix
  from homogeneous world metres to pixels), optionally ``name`` and ``entry_zone`` (``x``, ``y``, ``radius``: where
  everybody enters and leaves). The floor is z = 0, z points up.
- ``detections.csv``: ``frame,camera,x1,y1,x2,y2,score``; boxes in pixels.
- ``truth.csv``, optional: ``frame,id,x,y``; places on the floor in metres.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray
from scipy.linalg import rq

from walkout.errors import UserError
from walkout.perception.types import KEYPOINT_COUNT, Detections
from walkout.store.model import Camera

FloatArray = NDArray[np.float64]

_DETECTION_COLUMNS = ("frame", "camera", "x1", "y1", "x2", "y2", "score")
_TRUTH_COLUMNS = ("frame", "id", "x", "y")


@dataclass(frozen=True)
class Places:
    """Who stands where in one frame: ``ids`` (n,) and ``positions`` (n, 2) in metres on the floor."""

    ids: NDArray[np.int64]
    positions: FloatArray

    @staticmethod
    def of(items: list[tuple[int, float, float]]) -> Places:
        """Return the places of a list of id, x, y."""
        positions = np.array([item[1:] for item in items], dtype=float).reshape(-1, 2)
        return Places(np.array([item[0] for item in items], dtype=np.int64), positions)


@dataclass(frozen=True)
class EntryZone:
    """A circle on the floor, metres, where everybody enters and leaves."""

    x: float
    y: float
    radius: float


@dataclass(frozen=True)
class Sequence:
    """A loaded sequence. ``boxes`` maps frame and camera to (n, 5) x1, y1, x2, y2, score; ``truth`` frames to places.

    ``truth`` is None when the folder has none. ``frames`` is the range of frames that are tracked and scored.
    """

    name: str
    fps: float
    cameras: tuple[Camera, ...]
    entry_zone: EntryZone | None
    boxes: Mapping[tuple[int, str], FloatArray]
    truth: Mapping[int, Places] | None
    frames: range

    @property
    def period_ns(self) -> int:
        """The time from frame to frame in nanoseconds; frame f is stamped f times this."""
        return round(1e9 / self.fps)

    def detections(self, frame: int) -> Iterator[Detections]:
        """Yield what every camera found in a frame; boxes are all there is: no keypoints, no looks."""
        for camera in self.cameras:
            rows = self.boxes.get((frame, camera.camera_id), np.zeros((0, 5)))
            yield Detections(
                camera.camera_id,
                frame * self.period_ns,
                rows[:, :4].astype(np.float32),
                rows[:, 4].astype(np.float32),
                np.zeros((len(rows), KEYPOINT_COUNT, 3), dtype=np.float32),
                np.zeros((len(rows), 0), dtype=np.float32),
            )


def load_sequence(folder: Path) -> Sequence:
    """Read a sequence.

    Raises:
        UserError: something is missing or wrong; the line names file, field and remedy.
    """
    description = folder / "sequence.yaml"
    if not description.is_file():
        raise UserError(f"{folder}: not a sequence: there is no sequence.yaml; name a folder that has one")
    document = _read_yaml(description)
    cameras = _cameras(description, document)
    boxes = _boxes(folder / "detections.csv", {c.camera_id for c in cameras})
    truth_file = folder / "truth.csv"
    truth = _truth(truth_file) if truth_file.exists() else None
    known = [frame for frame, _ in boxes] + list(truth or ())
    if not known:
        raise UserError(f"{folder / 'detections.csv'}: there is no detection in it; nothing can be tracked")
    return Sequence(
        name=str(document.get("name", folder.resolve().name)),
        fps=_number(description, document, "fps", "frames per second, such as 4.0", positive=True),
        cameras=cameras,
        entry_zone=_entry_zone(description, document),
        boxes=boxes,
        truth=truth,
        frames=range(min(known), max(known) + 1),
    )


def camera_from_projection(name: str, width: int, height: int, projection: FloatArray) -> Camera:
    """Return the camera of a (3, 4) projection from store metres to pixels, which may have any scale and sign.

    The matrix falls into intrinsics and rotation by an RQ decomposition (Hartley and Zisserman, "Multiple View
    Geometry", 6.2.4).

    Raises:
        ValueError: the matrix belongs to no camera at a finite place.
    """
    if projection.shape != (3, 4) or not np.isfinite(projection).all():
        raise ValueError("needs 3 rows of 4 finite numbers")
    left = projection[:, :3]
    scale = np.linalg.norm(left[2])
    if scale < 1e-12 or np.linalg.cond(left) > 1e12:
        raise ValueError("is singular: its first three columns must be intrinsics times a rotation")
    # Only the right sign makes points before the camera have positive depth and the rotation a proper one.
    left = left / scale * np.sign(np.linalg.det(left))
    matrix, rotation = rq(left)
    signs = np.sign(np.diag(matrix))
    matrix, rotation = matrix * signs, signs[:, None] * rotation
    position: FloatArray = -np.linalg.solve(projection[:, :3], projection[:, 3]).astype(np.float64)
    return Camera(name, width, height, matrix / matrix[2, 2], np.zeros(5), position, rotation.T, source="")


def _read_yaml(file: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        first = str(error).replace("\n", " ")
        raise UserError(f"{file}: not readable as YAML: {first}; correct it") from error
    if not isinstance(document, dict):
        raise UserError(f"{file}: must be a mapping with fps and cameras")
    return document


def _number(file: Path, mapping: Mapping[str, Any], key: str, meaning: str, positive: bool = False) -> float:
    value = mapping.get(key)
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if not good or (positive and not float(value or 0) > 0):
        shown = "is missing" if value is None else f"is {value!r}"
        kind = "a positive number" if positive else "a number"
        raise UserError(f"{file}: {key} {shown}; give {kind} ({meaning})")
    return float(mapping[key])


def _cameras(file: Path, document: Mapping[str, Any]) -> tuple[Camera, ...]:
    listed = document.get("cameras")
    if not isinstance(listed, list) or not listed:
        raise UserError(f"{file}: cameras is missing or empty; list every camera with name, width, height, projection")
    cameras: list[Camera] = []
    for place, entry in enumerate(listed, 1):
        if not isinstance(entry, dict) or not entry.get("name"):
            raise UserError(f"{file}: cameras: entry {place} has no name; name it as in detections.csv")
        name = str(entry["name"])
        if name in {c.camera_id for c in cameras}:
            raise UserError(f"{file}: cameras: {name} is listed twice; give every camera a name of its own")
        if entry.get("projection") is None:
            raise UserError(f"{file}: camera {name} has no projection; add its (3, 4) matrix from metres to pixels")
        size = [
            int(_number(file, entry, key, f"pixels of camera {name}", positive=True)) for key in ("width", "height")
        ]
        try:
            projection = np.array(entry["projection"], dtype=float)
            cameras.append(camera_from_projection(name, size[0], size[1], projection))
        except (ValueError, TypeError) as error:
            raise UserError(f"{file}: camera {name}: projection {error}; give a (3, 4) matrix") from error
    return tuple(cameras)


def _entry_zone(file: Path, document: Mapping[str, Any]) -> EntryZone | None:
    zone = document.get("entry_zone")
    if zone is None:
        return None
    if not isinstance(zone, dict):
        raise UserError(f"{file}: entry_zone must have x, y and radius in metres; correct or remove it")
    x, y = (_number(file, zone, key, "metres, of entry_zone") for key in ("x", "y"))
    return EntryZone(x, y, _number(file, zone, "radius", "metres, of entry_zone", positive=True))


def _rows(file: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield line numbers and rows of a CSV file that has these columns."""
    if not file.is_file():
        raise UserError(f"{file}: missing; a sequence needs it, with the columns {','.join(columns)}")
    with file.open(newline="", encoding="utf-8-sig") as stream:
        reader = csv.DictReader(stream)
        for column in columns:
            if column not in (reader.fieldnames or ()):
                raise UserError(f"{file}: column {column} is missing; the header must be {','.join(columns)}")
        for row in reader:
            yield reader.line_num, row


def _cell(file: Path, line: int, row: Mapping[str, str | None], column: str) -> float:
    text = row[column]
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UserError(f"{file}: line {line}: {column} is {text!r}; give a finite number or remove the line")
    return value


def _whole(file: Path, line: int, row: Mapping[str, str | None], column: str) -> int:
    value = _cell(file, line, row, column)
    if value != int(value) or (column == "frame" and value < 0):
        raise UserError(f"{file}: line {line}: {column} is {row[column]!r}; give a whole number")
    return int(value)


def _boxes(file: Path, cameras: set[str]) -> dict[tuple[int, str], FloatArray]:
    found: dict[tuple[int, str], list[list[float]]] = {}
    for line, row in _rows(file, _DETECTION_COLUMNS):
        camera = row["camera"]
        if camera not in cameras:
            raise UserError(
                f"{file}: line {line}: camera {camera!r} is not in sequence.yaml; add it there or remove its lines"
            )
        box = [_cell(file, line, row, column) for column in _DETECTION_COLUMNS[2:]]
        found.setdefault((_whole(file, line, row, "frame"), camera), []).append(box)
    return {key: np.array(rows) for key, rows in found.items()}


def _truth(file: Path) -> dict[int, Places]:
    found: dict[int, list[tuple[int, float, float]]] = {}
    for line, row in _rows(file, _TRUTH_COLUMNS):
        frame, identity = _whole(file, line, row, "frame"), _whole(file, line, row, "id")
        here = found.setdefault(frame, [])
        if any(item[0] == identity for item in here):
            raise UserError(f"{file}: line {line}: id {identity} stands twice in frame {frame}; remove one of them")
        here.append((identity, _cell(file, line, row, "x"), _cell(file, line, row, "y")))
    if not found:
        raise UserError(f"{file}: there is nobody in it; remove the file to get tracks without a score")
    return {frame: Places.of(items) for frame, items in found.items()}
