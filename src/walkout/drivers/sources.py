"""Opens devices by URI: simulated ones, whatever OpenCV reads as a camera, and recorded shelves.

========================  ==========================================================================
``sim://camera_<id>``     a camera of the running simulator (also ``sim://shelf_<id>``, ``sim://gate_<id>``)
``rtsp://…``, ``http://…``  a network camera, through OpenCV
``/dev/videoN`` or ``N``  a V4L2 camera, through OpenCV
``file:PATH`` or a path   a video file, played once at its own rate
``pattern:``              moving bars instead of a camera, to try an installation
``recorded:FILE.csv``     load-cell samples, played once at their own rate
========================  ==========================================================================
"""

from __future__ import annotations

import os
from pathlib import Path

from walkout.drivers.pattern import PatternCamera
from walkout.drivers.recorded import RecordedShelf
from walkout.drivers.sim_link import DeviceClient, devices_directory
from walkout.drivers.sim_sources import SimCamera, SimGate, SimShelf, connect
from walkout.drivers.types import CameraSource, GateDevice, ShelfSource, SourceError
from walkout.drivers.video import VideoCamera
from walkout.store.model import Camera

SIM = "sim://"
RECORDED = "recorded:"
PATTERN = "pattern:"
SIMULATOR_WAIT_S = 10.0


def open_camera(
    uri: str,
    camera: Camera,
    devices: str | os.PathLike[str] | None = None,
    wait_s: float = SIMULATOR_WAIT_S,
) -> CameraSource:
    """Open the source of a camera of the store. ``devices`` and ``wait_s`` are about a simulator that is yet to come.

    Raises SourceError: one line that says which source, why it does not open, and what to do.
    """
    if uri == PATTERN:
        return PatternCamera(camera)
    if not uri.startswith(SIM):
        return VideoCamera(uri, camera)
    name = _sim_name(uri, "camera")

    def make(client: DeviceClient) -> SimCamera:
        source = SimCamera(client, camera.camera_id)
        if source.size != (camera.width, camera.height):
            raise SourceError(_wrong_size(uri, source.size, camera))
        return source

    return connect(devices_directory(devices), name, wait_s, make)


def open_shelf(
    uri: str,
    fixture_id: str,
    plates: int,
    devices: str | os.PathLike[str] | None = None,
    wait_s: float = SIMULATOR_WAIT_S,
) -> ShelfSource:
    """Open the load cells of a fixture with so many plates. Raises SourceError as ``open_camera``."""
    if uri.startswith(RECORDED):
        return RecordedShelf(Path(uri[len(RECORDED) :]), fixture_id, plates)
    name = _sim_name(uri, "shelf")

    def make(client: DeviceClient) -> SimShelf:
        source = SimShelf(client, fixture_id)
        if source.plates != plates:
            raise SourceError(
                f"{uri}: has {source.plates} plates but fixture {fixture_id} of the store has {plates}; "
                "start simulator and drivers with the same store"
            )
        return source

    return connect(devices_directory(devices), name, wait_s, make)


def open_gate(
    uri: str,
    gate_id: str = "",
    devices: str | os.PathLike[str] | None = None,
    wait_s: float = SIMULATOR_WAIT_S,
) -> GateDevice:
    """Open the controller of a gate; its signals carry ``gate_id`` (default: the URI's). Raises SourceError."""
    name = _sim_name(uri, "gate")
    chosen = gate_id or name.removeprefix("gate_")
    return connect(devices_directory(devices), name, wait_s, lambda client: SimGate(client, chosen))


def _sim_name(uri: str, kind: str) -> str:
    name = uri[len(SIM) :] if uri.startswith(SIM) else ""
    if not name.startswith(f"{kind}_"):
        others = f" or {RECORDED}FILE.csv" if kind == "shelf" else ""
        raise SourceError(f"{uri!r} is not the address of a {kind}; use {SIM}{kind}_<id>{others}")
    return name


def _wrong_size(uri: str, size: tuple[int, int], camera: Camera) -> str:
    return (
        f"{uri}: gives pictures of {size[0]}x{size[1]} but camera {camera.camera_id} of the store is calibrated for "
        f"{camera.width}x{camera.height}; start simulator and drivers with the same store"
    )
