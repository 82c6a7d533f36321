"""Calibrations as YAML: a fragment to paste, or put into ``store.yaml`` with everything else left as it is."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from walkout.errors import UserError
from walkout.geometry.transforms import BODY_FROM_OPTICAL
from walkout.store.documents import Report, open_document
from walkout.store.layout_file import read_layout
from walkout.store.model import Camera

INTRINSICS = ("intrinsics", "distortion")
EXTRINSICS = ("position", "rpy_deg")
_REPLACES = {"intrinsics": "horizontal_fov_deg", "rpy_deg": "look_at"}


def calibration_values(camera: Camera, keys: Sequence[str]) -> dict[str, str]:
    """Return the YAML values of a camera's calibration, by key of ``store.yaml``."""
    k = camera.matrix
    roll, pitch, yaw = Rotation.from_matrix(camera.rotation @ BODY_FROM_OPTICAL.T).as_euler("xyz", degrees=True)
    values = {
        "intrinsics": f"{{fx: {k[0, 0]:.2f}, fy: {k[1, 1]:.2f}, cx: {k[0, 2]:.2f}, cy: {k[1, 2]:.2f}}}",
        "distortion": _numbers(camera.distortion, 5),
        "position": _numbers(camera.position, 4),
        "rpy_deg": _numbers(np.array([roll, pitch, yaw]), 3),
    }
    return {key: values[key] for key in keys}


def fragment(cameras: Sequence[Camera], keys: Sequence[str]) -> str:
    """Return the lines for ``store.yaml``."""
    lines = ["cameras:"]
    for camera in cameras:
        lines.append(f"  - id: {camera.camera_id}")
        lines += [f"    {key}: {value}" for key, value in calibration_values(camera, keys).items()]
    return "\n".join(lines) + "\n"


def write_calibration(path: Path, cameras: Sequence[Camera], keys: Sequence[str]) -> None:
    """Put the cameras' calibration into a ``store.yaml``; comments and all other values stay.

    The file is replaced only when the new one reads back as it should.

    Raises:
        UserError: a camera is written in a way that cannot be changed in place.
    """
    text = path.read_text(encoding="utf-8")
    for camera in cameras:
        text = _changed(text, camera.camera_id, calibration_values(camera, keys), path)
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(text, encoding="utf-8")
    try:
        _check_reads_back(fresh, cameras, keys, path)
        fresh.chmod(path.stat().st_mode & 0o777)
        os.replace(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)


def _changed(text: str, camera_id: str, values: dict[str, str], path: Path) -> str:
    node = _camera_node(text, camera_id, path)
    edits: list[tuple[int, int, str]] = []
    added: list[str] = []
    pairs = {str(key.value): (key, value) for key, value in node.value}
    for key, value in values.items():
        found = pairs.get(key) or pairs.get(_REPLACES.get(key, ""))
        if found:
            edits.append((found[0].start_mark.index, _end(text, found[1]), f"{key}: {value}"))
        else:
            added.append(f"{key}: {value}")
    if added:
        key, value = pairs["id"]
        glue = ", " if node.flow_style else "\n" + " " * key.start_mark.column
        end = _end(text, value)
        edits.append((end, end, "".join(glue + line for line in added)))
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _end(text: str, node: yaml.Node) -> int:
    """Return where a value ends; PyYAML counts what follows a block value to its end."""
    start, end = node.start_mark.index, node.end_mark.index
    return start + len(text[start:end].rstrip()) if isinstance(node, yaml.CollectionNode) else end


def _camera_node(text: str, camera_id: str, path: Path) -> yaml.MappingNode:
    """Return the mapping that describes a camera."""
    top = yaml.compose(text, Loader=yaml.SafeLoader)
    if isinstance(top, yaml.MappingNode):
        for key, value in top.value:
            if key.value == "cameras" and isinstance(value, yaml.SequenceNode):
                for item in value.value:
                    if isinstance(item, yaml.MappingNode) and any(
                        k.value == "id" and v.value == camera_id for k, v in item.value
                    ):
                        return item
    raise UserError(f"{path}: camera {camera_id} is not written there by its id; paste the fragment by hand")


def _check_reads_back(fresh: Path, cameras: Sequence[Camera], keys: Sequence[str], path: Path) -> None:
    report = Report()
    document = open_document(fresh, report)
    layout = read_layout(document, "store") if document else None
    got = {camera.camera_id: camera for camera in layout.cameras} if layout else {}
    for camera in cameras:
        mine = got.get(camera.camera_id)
        if report.problems or mine is None or calibration_values(mine, keys) != calibration_values(camera, keys):
            raise UserError(
                f"{path}: camera {camera.camera_id} cannot be changed in place (does it share keys through '<<' or "
                "'*'?); paste the fragment by hand"
            )


def _numbers(values: NDArray[np.float64], digits: int) -> str:
    rounded = [round(float(v), digits) for v in values]
    if not all(math.isfinite(v) for v in rounded):
        raise UserError("the calibration has values that are not finite; take other pictures")
    return "[" + ", ".join(f"{v + 0.0:.{digits}f}" for v in rounded) + "]"
