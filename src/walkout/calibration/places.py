"""``walkout calibrate extrinsics``: from markers and walking people to where the cameras hang."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from walkout.calibration.overlays import extrinsics_picture
from walkout.calibration.pictures import camera_named, pictures
from walkout.calibration.results import finish, output_folder
from walkout.calibration.store_file import EXTRINSICS
from walkout.calibration.walk import read_walk, sightings_of
from walkout.errors import UserError
from walkout.geometry.bundle import CameraResult, KnownPoints, Sightings, adjust
from walkout.geometry.markers import MARKERS_FILE, MarkerSet, find_markers, known_corners, read_markers
from walkout.geometry.pose_from_markers import locate_camera, pose_difference
from walkout.store.loader import find_store
from walkout.store.model import Camera, Store

Image = NDArray[np.uint8]
FloatArray = NDArray[np.float64]

MAX_PICTURES = 20


@dataclass(frozen=True)
class MarkerView:
    """What one camera saw of markers: the median corners over its pictures, and the last picture."""

    picture: Image | None
    found: dict[int, FloatArray]


def calibrate_places(store: Store, options: argparse.Namespace) -> int:
    """Run the command and return its exit code."""
    chosen = [camera_named(store, name) for name in options.cameras] if options.cameras else list(store.cameras)
    markers, views = None, [MarkerView(None, {}) for _ in chosen]
    if options.walk_only and not options.walk:
        raise UserError("--walk-only: there is no walk; name a bag with --walk")
    if not options.walk_only:
        markers = read_markers(options.markers or find_store(options.store) / MARKERS_FILE, store)
        views = _look(store, chosen, markers, options)
    cameras, known = _from_markers(chosen, views, markers, options.ignore)
    if markers and not known:
        raise UserError(
            f"no camera sees a marker of {options.markers or MARKERS_FILE} ({markers.dictionary}); check that they "
            "hang in view, are large enough (20 pixels a side) and from this dictionary"
        )
    walked: dict[str, Image] = {}
    sightings = _walk(store, cameras, options, walked)
    results = adjust(cameras, known, sightings)
    _print(results, chosen)
    folder = output_folder(store, options.output)
    drawn = {
        f"{r.camera.camera_id}_place.png": extrinsics_picture(
            walked.get(r.camera.camera_id) if v.picture is None else v.picture,
            r.camera,
            store,
            markers,
            v.found,
            r.walker_pixels,
            r.walker_residuals,
            _title(r),
        )
        for r, v in zip(results, views, strict=True)
    }
    return finish(store, [r.camera for r in results], EXTRINSICS, folder, drawn, options)


def _look(store: Store, cameras: Sequence[Camera], markers: MarkerSet, options: argparse.Namespace) -> list[MarkerView]:
    sources = {camera.camera_id: [camera.source] for camera in cameras}
    given: dict[str, list[str]] = {}
    for text in options.source:
        name, separator, source = text.partition("=")
        if not separator:
            raise UserError(f"--source {text}: has no '='; write CAMERA=SOURCE, for example c1=c1.png")
        given.setdefault(camera_named(store, name).camera_id, []).append(source)
    # Who gives pictures of some cameras has none of the others: those are left to the walkers.
    sources = {**{name: [] for name in sources}, **given} if given else sources
    return [_look_through(camera, sources[camera.camera_id], markers, options) for camera in cameras]


def _look_through(
    camera: Camera, sources: Sequence[str], markers: MarkerSet, options: argparse.Namespace
) -> MarkerView:
    last: Image | None = None
    corners: dict[int, list[FloatArray]] = {}
    for count, (_, image) in enumerate(pictures(sources, camera, options.seconds, options.every), start=1):
        last = image
        for marker_id, pixels in find_markers(image, markers.dictionary).items():
            corners.setdefault(marker_id, []).append(pixels)
        if count == MAX_PICTURES:
            break
    return MarkerView(last, {i: np.median(np.array(seen), axis=0) for i, seen in corners.items()})


def _from_markers(
    cameras: Sequence[Camera], views: Sequence[MarkerView], markers: MarkerSet | None, ignored: Sequence[int]
) -> tuple[list[Camera], list[KnownPoints]]:
    """Return the cameras at the poses that their markers give, and the corners of those markers."""
    placed, known = [], []
    for index, (camera, view) in enumerate(zip(cameras, views, strict=True)):
        where = f"camera {camera.camera_id}"
        points, pixels = known_corners(view.found, markers, ignored, where) if markers else (np.zeros((0, 3)),) * 2
        if len(points):
            placed.append(locate_camera(camera, points, pixels).camera)
            known.append(KnownPoints(index, points, pixels))
        else:
            placed.append(camera)
    return placed, known


def _walk(store: Store, cameras: Sequence[Camera], options: argparse.Namespace, newest: dict[str, Image]) -> Sightings:
    if options.walk:
        if not Path(options.walk).exists():
            raise UserError(f"--walk {options.walk}: there is no such bag; name the folder that record:= made")
        return sightings_of(read_walk(options.walk, cameras, newest), store, cameras)
    none = np.zeros(0, dtype=np.intp)
    return Sightings(none, none, np.zeros(0), np.zeros((0, 2)), np.zeros(0))


def _print(results: Sequence[CameraResult], given: Sequence[Camera]) -> None:
    table = Table(title="residuals in pixels; spread and change of the pose", title_justify="left")
    columns = ("camera", "corners", "rms", "p95", "sightings", "rms", "p95", "outliers", "sd", "change")
    for name in columns:
        table.add_column(name, justify="left" if name == "camera" else "right")
    for result, camera in zip(results, given, strict=True):
        distance, angle = pose_difference(result.camera, camera)
        table.add_row(
            result.camera.camera_id,
            *_figures(result.marker_residuals),
            *_figures(result.walker_residuals),
            str(result.outliers),
            f"{100 * result.sd_m:.1f} cm {result.sd_deg:.2f}°",
            f"{100 * distance:.1f} cm {angle:.2f}°",
        )
    Console(highlight=False).print(table)


def _figures(residuals: FloatArray) -> tuple[str, str, str]:
    if not len(residuals):
        return "0", "-", "-"
    lengths = np.linalg.norm(residuals, axis=1)
    return str(len(lengths)), f"{np.sqrt((lengths**2).mean()):.2f}", f"{np.percentile(lengths, 95):.2f}"


def _title(result: CameraResult) -> str:
    corners, rms, _ = _figures(result.marker_residuals)
    seen, walk_rms, _ = _figures(result.walker_residuals)
    return f"{result.camera.camera_id}: {corners} corners, rms {rms} px; {seen} sightings, rms {walk_rms} px"
