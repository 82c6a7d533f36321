"""Reading the published format of the NanoStore recordings (CPS-IoT Week 2020 AutoCheckout competition).

A folder holds ``plate_data.json``, ``full_targets.json``, ``planogram.json`` and ``products.json``, each a document per
line as a MongoDB export writes them. Numbers that are zero are left out, ids are strings, integers or wrapped in
objects, joints are in inches and places in metres of one world.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from walkout.errors import UserError
from walkout.perception.types import KEYPOINT_COUNT, Keypoint

FloatArray = NDArray[np.float64]
Document = dict[str, Any]
T = TypeVar("T")

FILES = ("plate_data.json", "full_targets.json", "planogram.json", "products.json")
SOURCE = "github.com/QuandoSJ/AUTOCHECKOUT-TEAM6, folder testcases, has such recordings"
_METRES_PER_INCH = 0.0254
_JOINTS = {
    "head": Keypoint.HEAD,
    "neck": Keypoint.NECK,
    "l_shoulder": Keypoint.LEFT_SHOULDER,
    "r_shoulder": Keypoint.RIGHT_SHOULDER,
    "l_elbow": Keypoint.LEFT_ELBOW,
    "r_elbow": Keypoint.RIGHT_ELBOW,
    "l_wrist": Keypoint.LEFT_WRIST,
    "r_wrist": Keypoint.RIGHT_WRIST,
    "l_hip": Keypoint.LEFT_HIP,
    "r_hip": Keypoint.RIGHT_HIP,
    "l_foot": Keypoint.LEFT_FOOT,
    "r_foot": Keypoint.RIGHT_FOOT,
    "l_ankle": Keypoint.LEFT_FOOT,
    "r_ankle": Keypoint.RIGHT_FOOT,
}


class NanoStoreError(UserError):
    """A recording cannot be read; the text names the file, the line, the field and the remedy."""


@dataclass(frozen=True)
class PlateId:
    """A plate: gondola, shelf from 1 (the lowest), plate from 1 (seen from the aisle: from the left)."""

    gondola: str
    shelf: int
    plate: int


@dataclass(frozen=True)
class Placement:
    """What the planogram puts where. ``corner`` (3,) is the left front bottom corner in metres, ``yaw`` its turn.

    ``size`` (3,) is width along the shelf, depth and height.
    """

    sku: str
    plates: tuple[PlateId, ...]
    corner: FloatArray
    yaw: float
    size: FloatArray


@dataclass(frozen=True)
class Article:
    """A product. ``weight_g`` and ``weight_sd_g`` are 0 where they are unknown, ``price`` too."""

    sku: str
    name: str
    price: float
    weight_g: float
    weight_sd_g: float


@dataclass(frozen=True)
class PlateMessage:
    """Samples of a gondola: ``grams`` (samples, shelves + 1, plates + 1), indexed by the numbers of ``PlateId``."""

    gondola: str
    stamp_ns: int
    rate_hz: float
    grams: FloatArray


@dataclass(frozen=True)
class Target:
    """A person at one time: joints (12, 3) in metres with scores (12,), NaN and 0 where unknown."""

    target_id: str
    joints: FloatArray
    scores: FloatArray


@dataclass(frozen=True)
class TargetFrame:
    """All persons at one time."""

    stamp_ns: int
    targets: tuple[Target, ...]


@dataclass(frozen=True)
class NanoStoreRecording:
    """All that a folder holds; messages and frames in order of their stamps."""

    placements: tuple[Placement, ...]
    articles: tuple[Article, ...]
    messages: tuple[PlateMessage, ...]
    frames: tuple[TargetFrame, ...]


def read_recording(folder: Path) -> NanoStoreRecording:
    """Read a folder. Raises NanoStoreError."""
    if not folder.is_dir():
        raise NanoStoreError(f"{folder}: no such folder; give one with {', '.join(FILES)} ({SOURCE})")
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise NanoStoreError(f"{folder}: has no {', '.join(missing)}; a recording needs {', '.join(FILES)} ({SOURCE})")
    messages = _read(folder / "plate_data.json", _plate_message)
    frames = _read(folder / "full_targets.json", _frame)
    return NanoStoreRecording(
        tuple(_read(folder / "planogram.json", _placement)),
        tuple(_read(folder / "products.json", _article)),
        tuple(sorted(messages, key=lambda message: message.stamp_ns)),
        tuple(sorted(frames, key=lambda frame: frame.stamp_ns)),
    )


def _read(path: Path, parse: Callable[[Document], T | None]) -> list[T]:
    found = []
    for where, document in _documents(path):
        try:
            item = parse(document)
        except KeyError as error:
            raise NanoStoreError(f"{path}: {where}: no field {error}; is it the published format?") from error
        except (TypeError, ValueError, AttributeError, binascii.Error) as error:
            raise NanoStoreError(f"{path}: {where}: {error}; is it the published format?") from error
        if item is not None:
            found.append(item)
    if not found:
        raise NanoStoreError(f"{path}: holds nothing to use; is it the published format ({SOURCE})?")
    return found


def _documents(path: Path) -> Iterator[tuple[str, Document]]:
    """Yield the documents of a file, one per line or all in one array, with the place of each."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise NanoStoreError(f"{path}: is not text ({error.reason} at byte {error.start})") from error
    if text.lstrip().startswith("["):
        pieces = [("the array", text)]
    else:
        pieces = [(f"line {number}", line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    for where, piece in pieces:
        try:
            value = json.loads(piece)
        except json.JSONDecodeError as error:
            raise NanoStoreError(f"{path}: {where}: not JSON ({error.msg}, column {error.colno})") from error
        for index, document in enumerate(value if isinstance(value, list) else [value]):
            place = f"entry {index + 1}" if isinstance(value, list) else where
            if not isinstance(document, dict):
                raise NanoStoreError(f"{path}: {place}: is no object; is it the published format?")
            yield place, document


def _identity(value: Any) -> str:
    """Return an id as text, however it is wrapped; "" when there is none."""
    if isinstance(value, dict):
        return next((_identity(value[key]) for key in ("id", "$numberLong", "$numberInt", "$oid") if key in value), "")
    return "" if value is None else str(value).strip()


def _number(value: Any, default: float = 0.0) -> float:
    """Return a number, however it is wrapped; what is left out is zero in this format."""
    if isinstance(value, dict):
        value = next(iter(value.values()), None)
    return default if value is None or value == "" else float(value)


def _time_ns(header: Document) -> int:
    """Return the stamp of capture in nanoseconds; the time of sending stands in where it is missing."""
    value = header.get("t_origin", header.get("t_issue"))
    if isinstance(value, dict):
        value = value.get("$date", value)
    if isinstance(value, int | float):
        return round(value * (1e6 if value > 1e11 else 1e9))
    match = re.fullmatch(r"(\d+-\d+-\d+[T ]\d+:\d+:\d+)(\.\d+)?(Z|[+-]\d\d:?\d\d)?", str(value))
    if not match:
        raise ValueError(f"t_origin is {value!r}, which is no time")
    zone = (match.group(3) or "Z").replace("Z", "+00:00")
    zone = zone if ":" in zone else f"{zone[:3]}:{zone[3:]}"
    whole = datetime.fromisoformat(match.group(1).replace(" ", "T") + zone).astimezone(timezone.utc)
    return int(whole.timestamp()) * 1_000_000_000 + round(float(match.group(2) or 0) * 1e9)


def _plate_id(value: Document) -> PlateId:
    shelf = value["shelf_id"]
    gondola = _identity(shelf["gondola_id"])
    return PlateId(gondola, int(_number(shelf.get("shelf_index"))), int(_number(value.get("plate_index"))))


def _placement(document: Document) -> Placement | None:
    sku = _identity(document.get("planogram_product_id"))
    place = document.get("global_coordinates") or {}
    size = np.array([_number(place.get(f"dim_{axis}")) for axis in "xyz"])
    plates = tuple(_plate_id(value) for value in document.get("plate_ids") or ())
    if not plates or not size.all():
        return None
    transform = place.get("transform") or {}
    corner = np.array([_number((transform.get("translation") or {}).get(axis)) for axis in "xyz"])
    yaw = _number((transform.get("rotation") or {}).get("z"))
    return Placement(sku, plates, corner, yaw, size)


def _article(document: Document) -> Article | None:
    sku = _identity(document["product_id"])
    data = document.get("metadata") or {}
    deviation = next((data[key] for key in ("weight_sd", "weight_std", "weight_stdev", "sd") if key in data), 0.0)
    weight, sd = max(0.0, _number(data.get("weight"))), max(0.0, _number(deviation))
    return Article(sku, str(data.get("name") or sku), max(0.0, _number(data.get("price"))), weight, sd) if sku else None


def _plate_message(document: Document) -> PlateMessage | None:
    body = document["document"]
    data = body["plate_data"]
    values = data["values"]
    shape = tuple(int(_number(size)) for size in values["shape"])
    if len(shape) != 3:
        raise ValueError(f"values.shape is {shape}, expected samples, shelves + 1, plates + 1")
    raw = values["data"]
    raw = raw.get("$binary", raw) if isinstance(raw, dict) else raw
    raw = raw.get("base64", raw) if isinstance(raw, dict) else raw
    wide = "64" in str(values.get("type", "")) or "DOUBLE" in str(values.get("type", ""))
    grams = np.frombuffer(base64.b64decode(raw, validate=True), "<f8" if wide else "<f4")
    if grams.size != int(np.prod(shape)):
        raise ValueError(f"values.data holds {grams.size} numbers, but values.shape is {shape}")
    rate_hz = _number(data.get("freq_samp"), 60.0) or 60.0
    gondola = _identity(data["plate_id"]["shelf_id"]["gondola_id"])
    return PlateMessage(gondola, _time_ns(body["header"]), rate_hz, grams.reshape(shape).astype(np.float64))


def _frame(document: Document) -> TargetFrame:
    body = document["document"]
    listed = (body.get("targets") or {}).get("targets") or ()
    targets = tuple(_target(value) for value in listed if _identity(value.get("target_id")))
    return TargetFrame(_time_ns(body["header"]), targets)


def _target(value: Document) -> Target:
    joints, scores = np.full((KEYPOINT_COUNT, 3), np.nan), np.zeros(KEYPOINT_COUNT)
    for name, joint in _JOINTS.items():
        if value.get(name) and value[name].get("point"):
            joints[joint] = _point(value[name])
            scores[joint] = _number(value[name].get("score"), 1.0)
    wrists = (Keypoint.LEFT_WRIST, Keypoint.RIGHT_WRIST)
    spare = [hand for hand in value.get("hands") or () if hand.get("point")]
    # Hands repeat the wrists; where a wrist is missing the hand that repeats none stands in.
    spare = [hand for hand in spare if not any(_near(_point(hand), joints[wrist]) for wrist in wrists)]
    for wrist, hand in zip([wrist for wrist in wrists if np.isnan(joints[wrist]).any()], spare, strict=False):
        joints[wrist] = _point(hand)
        scores[wrist] = _number(hand.get("score"), 1.0)
    return Target(_identity(value["target_id"]), joints, scores)


def _point(value: Document) -> FloatArray:
    return np.array([_number(value["point"].get(axis)) for axis in "xyz"]) * _METRES_PER_INCH


def _near(a: FloatArray, b: FloatArray) -> bool:
    return bool(np.isfinite(b).all() and np.linalg.norm(a - b) < 0.02)
