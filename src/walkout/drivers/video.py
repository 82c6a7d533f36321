"""Cameras through OpenCV: network streams, V4L2 devices, video files."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import cv2
import numpy as np

from walkout.drivers.types import Frame, SourceError
from walkout.store.model import Camera

DEFAULT_FILE_RATE_HZ = 25.0


class VideoCamera:
    """A camera that OpenCV can read.

    A live source is read by a thread that keeps only the newest frame, because a stream that is read late delivers old
    pictures as new ones; its stamps are the time of the grab. A file is played once at its own rate; its stamps count
    from the moment it was opened.
    """

    def __init__(self, uri: str, camera: Camera) -> None:
        """Open the source. Raises SourceError when it does not open or has not the calibrated size."""
        self._uri = uri
        self._camera = camera
        path = Path(uri.removeprefix("file:"))
        self._file = path.is_file()
        self._capture = cv2.VideoCapture()
        self._capture.setExceptionMode(False)
        target: str | int = str(path) if self._file else (int(uri) if uri.isdecimal() else uri)
        opened = self._capture.open(target, cv2.CAP_ANY) if self._worth_trying(uri, path) else False
        if not opened:
            raise SourceError(f"{uri}: the source of camera {camera.camera_id} does not open; {_remedy(uri)}")
        size = (
            round(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            round(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
        )
        if size != (camera.width, camera.height):
            self._capture.release()
            raise SourceError(
                f"{uri}: gives pictures of {size[0]}x{size[1]} but camera {camera.camera_id} is calibrated for "
                f"{camera.width}x{camera.height}; correct its resolution in store.yaml or set the camera's stream"
            )
        rate_hz = self._capture.get(cv2.CAP_PROP_FPS)
        self._period_ns = int(1e9 / (rate_hz if 0.1 < rate_hz < 1000.0 else DEFAULT_FILE_RATE_HZ))
        self._opened_ns = time.time_ns()
        self._count = 0
        self._newest: Frame | None = None
        self._lost = False
        self._closing = False
        self._fresh = threading.Condition()
        if not self._file:
            self._thread = threading.Thread(target=self._grab_forever, name=f"grab-{camera.camera_id}", daemon=True)
            self._thread.start()

    @staticmethod
    def _worth_trying(uri: str, path: Path) -> bool:
        """Return whether OpenCV may be asked: it prints warnings of its own about paths that are not there."""
        return "://" in uri or uri.isdecimal() or path.exists()

    def read(self, timeout_s: float) -> Frame | None:
        """Return the next frame, or None when none came within the timeout. Raises SourceError when it is lost."""
        return self._read_file(timeout_s) if self._file else self._read_live(timeout_s)

    def close(self) -> None:
        """Release the device."""
        self._closing = True
        if not self._file:
            self._thread.join(timeout=2.0)
        self._capture.release()

    def _read_file(self, timeout_s: float) -> Frame | None:
        stamp_ns = self._opened_ns + self._count * self._period_ns
        wait_s = (stamp_ns - time.time_ns()) / 1e9
        if wait_s > timeout_s:
            time.sleep(timeout_s)
            return None
        time.sleep(max(0.0, wait_s))
        good, image = self._capture.read()
        if not good:
            raise SourceError(f"{self._uri}: the recording is over after {self._count} frames; open it again to repeat")
        self._count += 1
        return Frame(self._camera.camera_id, stamp_ns, np.asarray(image, np.uint8))

    def _read_live(self, timeout_s: float) -> Frame | None:
        with self._fresh:
            if self._newest is None and not self._lost:
                self._fresh.wait(timeout_s)
            if self._newest is None and self._lost:
                raise SourceError(f"{self._uri}: camera {self._camera.camera_id} is lost; check its power and network")
            frame, self._newest = self._newest, None
            return frame

    def _grab_forever(self) -> None:
        while not self._closing:
            grabbed = self._capture.grab()
            stamp_ns = time.time_ns()
            good, image = self._capture.retrieve() if grabbed else (False, None)
            with self._fresh:
                if good and image is not None:
                    self._newest = Frame(self._camera.camera_id, stamp_ns, np.asarray(image, np.uint8))
                else:
                    self._lost = True
                self._fresh.notify_all()
            if not good:
                return


def _remedy(uri: str) -> str:
    if "://" in uri:
        return "check address, user and password, and that the camera is switched on"
    if uri.startswith("/dev/") or uri.isdecimal():
        return "check that the camera is plugged in and that you may read it (group video)"
    return "name a video file, a /dev/videoN, an rtsp:// address or sim://camera_<id>"
