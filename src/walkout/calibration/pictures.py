"""Where the pictures of a calibration come from: files, folders, videos, or the camera itself."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from walkout.drivers.sources import open_camera
from walkout.drivers.types import SourceError
from walkout.errors import UserError
from walkout.store.model import Camera, Store

Image = NDArray[np.uint8]

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")


def pictures(sources: Sequence[str], camera: Camera, seconds: float, every_s: float) -> Iterator[tuple[str, Image]]:
    """Yield (name, BGR picture) of all sources, in order.

    A source is a picture, a folder of pictures, a video (one picture every ``every_s``), or what a camera driver opens
    (``/dev/video0``, ``rtsp://…``, ``sim://…``), which is watched for ``seconds``.

    Raises:
        UserError: a source cannot be read, or its pictures have not the camera's resolution.
    """
    for source in sources:
        path = Path(source.removeprefix("file:"))
        if path.is_dir():
            yield from _files(_pictures_in(path), camera)
        elif path.suffix.lower() in PICTURES:
            yield from _files([path], camera)
        elif path.is_file():
            yield from _video(path, camera, every_s)
        else:
            yield from _live(source, camera, seconds, every_s)


def _pictures_in(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES)
    if not found:
        raise UserError(f"{folder}: has no pictures; put .png or .jpg files there")
    return found


def _files(paths: Sequence[Path], camera: Camera) -> Iterator[tuple[str, Image]]:
    for path in track(paths, description=camera.camera_id, transient=True, disable=len(paths) < 4):
        data = np.frombuffer(path.read_bytes(), dtype=np.uint8)
        image = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
        if image is None:
            raise UserError(f"{path}: is no picture that can be read; use .png or .jpg")
        yield path.name, _checked(np.asarray(image, dtype=np.uint8), camera, str(path))


def _video(path: Path, camera: Camera, every_s: float) -> Iterator[tuple[str, Image]]:
    capture = cv2.VideoCapture(str(path))
    if not capture.isOpened():
        raise UserError(f"{path}: is no video that can be read; use .mp4, .avi or pictures")
    rate = capture.get(cv2.CAP_PROP_FPS)
    step = max(1, round(every_s * (rate if 0.1 < rate < 1000 else 25.0)))
    total = max(int(capture.get(cv2.CAP_PROP_FRAME_COUNT)), 0)
    for number in track(range(total or 10**6), description=path.name, transient=True):
        if not capture.grab():
            break
        if number % step == 0:
            good, image = capture.retrieve()
            if good:
                yield f"{path.name}#{number}", _checked(np.asarray(image, dtype=np.uint8), camera, str(path))
    capture.release()


def _live(uri: str, camera: Camera, seconds: float, every_s: float) -> Iterator[tuple[str, Image]]:
    try:
        source = open_camera(uri, camera)
    except SourceError as error:
        raise UserError(str(error)) from error
    begin, number, due_ns = time.monotonic(), 0, 0
    try:
        for _ in track(range(max(1, int(seconds))), description=f"watching {uri}", transient=True):
            until = begin + _ + 1
            while (left := until - time.monotonic()) > 0:
                frame = source.read(left)
                if frame is None or frame.stamp_ns < due_ns:
                    continue
                due_ns = frame.stamp_ns + int(every_s * 1e9)
                number += 1
                yield f"{camera.camera_id}#{number}", _checked(frame.image, camera, uri)
    except SourceError as error:
        if not number:
            raise UserError(str(error)) from error
    finally:
        source.close()


def _checked(image: Image, camera: Camera, where: str) -> Image:
    height, width = image.shape[:2]
    if (width, height) != (camera.width, camera.height):
        raise UserError(
            f"{where}: is {width}x{height} but camera {camera.camera_id} has {camera.width}x{camera.height} in "
            "store.yaml; use the stream that the store uses, or correct 'resolution' there"
        )
    return image


def camera_named(store: Store, camera_id: str) -> Camera:
    """Return a camera of the store.

    Raises:
        UserError: there is none of this id.
    """
    camera = store.camera_by_id.get(camera_id)
    if camera is None:
        known = ", ".join(store.camera_by_id)
        raise UserError(f"store {store.store_id} has no camera {camera_id!r}; it has {known}")
    return camera
