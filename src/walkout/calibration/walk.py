"""A recorded walk through the store as sightings for the bundle adjustment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from walkout.drivers.types import Frame
from walkout.errors import UserError
from walkout.geometry.bundle import Sightings
from walkout.perception.types import Detections
from walkout.store.model import Camera, Store
from walkout.tracking.parameters import TrackerParameters
from walkout.tracking.sightings import PARTS, ShopperSightings, Sighting, SightingParameters
from walkout.tracking.tracker import MultiViewTracker

KEYPOINT_NOISE = 0.02
"""Standard deviation of a keypoint as a fraction of the box's height, besides that of PIXEL_NOISE."""
PIXEL_NOISE = 0.003
"""The same as a fraction of the image's width."""


def read_walk(bag: str, cameras: Sequence[Camera], newest: dict[str, NDArray[np.uint8]]) -> Iterator[Detections]:
    """Yield the detections in the pictures of a recorded bag, running the detector on them.

    ``newest`` gets the newest picture (h, w, 3) of every camera by its id.

    Raises:
        UserError: this is no bag, or it has no pictures of these cameras.
    """
    try:
        from walkout.ros.recording import read_measurements
    except ModuleNotFoundError as error:
        raise UserError(f"--walk reads a bag, which needs ROS ({error.msg}); run 'source env.sh' first") from error
    from rich.progress import Progress

    from walkout.perception.detector import Detector, DetectorParameters

    detector = Detector(DetectorParameters())
    wanted = {camera.camera_id for camera in cameras}
    count = 0
    try:
        with Progress(transient=True) as progress:
            task = progress.add_task("looking for walkers", total=None)
            for measurement in read_measurements(bag):
                if isinstance(measurement, Frame) and measurement.camera_id in wanted:
                    count += 1
                    newest[measurement.camera_id] = measurement.image
                    progress.update(task, description=f"looking for walkers: {count} pictures")
                    yield detector.detect(measurement)
    except (RuntimeError, OSError) as error:
        text = " ".join(str(error).split())
        raise UserError(f"{bag}: cannot be read as a bag ({text}); name the folder that record:= made") from error
    if not count:
        raise UserError(f"{bag}: has no pictures of cameras {', '.join(sorted(wanted))}; record them with record:=")


def sightings_of(frames: Iterable[Detections], store: Store, cameras: Sequence[Camera]) -> Sightings:
    """Return what the cameras saw of people walking, told apart by tracking them with the given poses.

    The tracker runs as in an open room: fixtures hide parts of people, zones play no part.
    """
    tracker = MultiViewTracker(TrackerParameters(), cameras, (), store.fixtures)
    pairing = ShopperSightings(cameras, SightingParameters())
    found: list[Sighting] = []
    for detections in frames:
        pairing.add_detections(detections)
        tracker.update(detections)
        for snapshot in tracker.drain():
            found += pairing.add_shoppers(snapshot)
    tracker.flush()
    for snapshot in tracker.drain():
        found += pairing.add_shoppers(snapshot)
    return _flattened(found, cameras)


def _flattened(found: Sequence[Sighting], cameras: Sequence[Camera]) -> Sightings:
    index = {camera.camera_id: n for n, camera in enumerate(cameras)}
    tracks = {track_id: n for n, track_id in enumerate(sorted({s.track_id for s in found}))}
    rows = []
    for sighting in found:
        camera = index[sighting.camera_id]
        sd = np.hypot(KEYPOINT_NOISE * sighting.box_height, PIXEL_NOISE * cameras[camera].width)
        for part, pixel in enumerate(sighting.seen):
            if np.isfinite(pixel).all():
                path = len(PARTS) * tracks[sighting.track_id] + part
                rows.append((camera, path, sighting.stamp_ns / 1e9, *pixel, sd))
    table = np.array(rows, dtype=float).reshape(-1, 6)
    feet = frozenset(len(PARTS) * n + PARTS.index("feet") for n in range(len(tracks)))
    camera_index, path_index = (table[:, i].astype(np.intp) for i in (0, 1))
    return Sightings(camera_index, path_index, table[:, 2], table[:, 3:5], table[:, 5], feet)
