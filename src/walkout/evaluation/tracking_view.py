"""A film of tracks seen from above, with the truth and the cameras."""

from __future__ import annotations

import colorsys
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np
from numpy.typing import NDArray

from walkout.errors import UserError
from walkout.evaluation.tracking_metrics import NOBODY
from walkout.evaluation.tracking_run import TrackingRun
from walkout.evaluation.tracking_sequence import Sequence

FloatArray = NDArray[np.float64]
Image = NDArray[np.uint8]

WIDTH, HEIGHT = 960, 720
_MARGIN = 60
_TRAIL_S = 4.0
_INK, _PALE, _TRUTH, _ZONE = (60, 60, 60), (225, 225, 225), (150, 150, 150), (120, 190, 120)


class TopView:
    """Draws one sequence from above: x to the right, y up, metres to pixels."""

    def __init__(self, sequence: Sequence, run: TrackingRun) -> None:
        self._sequence, self._run = sequence, run
        points = [p.positions for p in [*run.tracks.values(), *(sequence.truth or {}).values()] if len(p.positions)]
        cameras = np.array([c.position[:2] for c in sequence.cameras])
        everything = np.concatenate([*points, cameras])
        self._low, high = everything.min(axis=0), everything.max(axis=0)
        self._scale = float(((np.array([WIDTH, HEIGHT]) - 2 * _MARGIN) / np.maximum(high - self._low, 1e-3)).min())

    def pixel(self, place: FloatArray) -> tuple[int, int]:
        """Return the pixel of a place (2,)."""
        x, y = (np.asarray(place) - self._low) * self._scale + _MARGIN
        return round(float(x)), round(HEIGHT - float(y))

    def draw(self, frame: int) -> Image:
        """Return the picture of a frame, BGR."""
        image: Image = np.full((HEIGHT, WIDTH, 3), 255, dtype=np.uint8)
        self._draw_floor(image)
        for place in (self._sequence.truth or {}).get(frame, NOBODY).positions:
            cv2.circle(image, self.pixel(place), 12, _TRUTH, 2, cv2.LINE_AA)
        first = max(self._sequence.frames[0], frame - round(_TRAIL_S * self._sequence.fps))
        before: dict[int, FloatArray] = {}
        for step in range(first, frame + 1):
            here = self._run.tracks.get(step, NOBODY)
            for identity, place in zip(here.ids.tolist(), here.positions, strict=True):
                if identity in before:
                    cv2.line(image, self.pixel(before[identity]), self.pixel(place), colour(identity), 2, cv2.LINE_AA)
                before[identity] = place
        here = self._run.tracks.get(frame, NOBODY)
        for identity, place in zip(here.ids.tolist(), here.positions, strict=True):
            x, y = self.pixel(place)
            cv2.circle(image, (x, y), 7, colour(identity), -1, cv2.LINE_AA)
            cv2.putText(image, str(identity), (x + 9, y - 7), cv2.FONT_HERSHEY_SIMPLEX, 0.5, _INK, 1, cv2.LINE_AA)
        seconds = frame / self._sequence.fps
        title = f"{self._sequence.name}  frame {frame}  {seconds:.1f} s  tracks: colours, truth: grey rings"
        cv2.putText(image, title, (12, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.55, _INK, 1, cv2.LINE_AA)
        return image

    def _draw_floor(self, image: Image) -> None:
        """Draw a grid of metres, the entry zone and the cameras."""
        step = 1 if self._scale > 40 else 5
        for value in range(-200, 201, step):
            x, y = self.pixel(np.array([value, value]))
            cv2.line(image, (x, 0), (x, HEIGHT), _PALE, 1)
            cv2.line(image, (0, y), (WIDTH, y), _PALE, 1)
        zone = self._sequence.entry_zone
        if zone is not None:
            cv2.circle(
                image, self.pixel(np.array([zone.x, zone.y])), round(zone.radius * self._scale), (120, 190, 120), 2
            )
        for camera in self._sequence.cameras:
            x, y = self.pixel(camera.position[:2])
            cv2.rectangle(image, (x - 6, y - 6), (x + 6, y + 6), _INK, -1)
            cv2.putText(image, camera.camera_id, (x + 9, y + 5), cv2.FONT_HERSHEY_SIMPLEX, 0.45, _INK, 1, cv2.LINE_AA)


def colour(identity: int) -> tuple[int, int, int]:
    """Return a strong colour (BGR) that differs from those of the neighbouring ids."""
    red, green, blue = colorsys.hsv_to_rgb(identity * 0.61803398875 % 1.0, 0.9, 0.8)
    return int(255 * blue), int(255 * green), int(255 * red)


class Film:
    """An MP4 file that sequences are appended to, one after the other."""

    def __init__(self, file: Path, fps: float) -> None:
        self._writer = cv2.VideoWriter(str(file), cv2.VideoWriter.fourcc(*"mp4v"), fps, (WIDTH, HEIGHT))
        if not self._writer.isOpened():
            raise UserError(f"--video {file}: cannot be written; name a file that ends in .mp4 in a folder of yours")

    def add(self, sequence: Sequence, run: TrackingRun) -> None:
        """Append all frames of a sequence."""
        view = TopView(sequence, run)
        for frame in sequence.frames:
            self._writer.write(view.draw(frame))

    def __enter__(self) -> Film:
        """Return the film; leaving the context finishes the file."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the file."""
        self._writer.release()
