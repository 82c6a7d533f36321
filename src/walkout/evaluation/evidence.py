"""What to look at when a receipt was wrong: the frames around the event, the weight trace, who was where.

Nothing of this is kept during the run. The world is deterministic, so afterwards it is run once more, without the
stages, and pictures are taken only at the moments that matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from walkout.drivers.types import ReadingBatch
from walkout.evaluation.gate_commands import carry_out
from walkout.evaluation.judging import Moment, WrongTrip
from walkout.evaluation.plots import weight_plot, where_plot
from walkout.evaluation.scenario_run import ScenarioRun
from walkout.geometry.camera import project
from walkout.simulation.faults import SensorFaults
from walkout.simulation.renderer import Renderer
from walkout.simulation.world import World
from walkout.store.model import Camera, Store
from walkout.store.visibility import solid_boxes, visible

FloatArray = NDArray[np.float64]

OFFSETS_S = (-1.5, -0.7, 0.0, 0.7, 1.5)
WEIGHT_BEFORE_S, WEIGHT_AFTER_S = 4.0, 6.0
MOST_TRIPS = 8
"""Wrong trips of one run that get pictures."""
MOST_MOMENTS = 4
"""Moments of one trip that get pictures."""
_CAMERAS = 2
_PICTURE = (320, 240)
_QUALITY = 72
_STEP_NS = 100_000_000


@dataclass(frozen=True)
class MomentEvidence:
    """A moment with its pictures: ``sheet`` a JPEG (rows are ``cameras``), two drawings as SVG, "" for none."""

    moment: Moment
    cameras: tuple[str, ...]
    sheet: bytes
    weight_svg: str
    where_svg: str
    offsets_s: tuple[float, ...] = OFFSETS_S


@dataclass(frozen=True)
class TripEvidence:
    """A wrong trip with its evidence; moments beyond the first few have none."""

    trip: WrongTrip
    moments: tuple[MomentEvidence, ...]


def collect_evidence(run: ScenarioRun, wrong_trips: Sequence[WrongTrip]) -> tuple[TripEvidence, ...]:
    """Run the world of a finished run again and take the pictures of its wrong trips."""
    chosen = [(trip, trip.moments[:MOST_MOMENTS]) for trip in wrong_trips[:MOST_TRIPS]]
    if not chosen:
        return ()
    views = {moment: _view(run, moment) for _, moments in chosen for moment in moments}
    photographer = _Photographer(run, list(views.values()))
    photographer.work()
    return tuple(
        TripEvidence(trip, tuple(_evidence(run, trip, views[moment], photographer) for moment in moments))
        for trip, moments in chosen
    )


@dataclass(frozen=True)
class _View:
    """What to photograph of a moment: ``target`` (3,) is marked in the pictures."""

    moment: Moment
    cameras: tuple[Camera, ...]
    target: tuple[float, float, float]

    @property
    def stamps_ns(self) -> list[int]:
        return [max(0, self.moment.stamp_ns + round(offset * 1e9)) for offset in OFFSETS_S]


def _view(run: ScenarioRun, moment: Moment) -> _View:
    target = _target(run, moment)
    return _View(moment, _best_cameras(run.store, target), (float(target[0]), float(target[1]), float(target[2])))


def _target(run: ScenarioRun, moment: Moment) -> FloatArray:
    """Return the front of the lane, or where the shopper was at chest height."""
    site = run.store.lane_sites.get(moment.lane_id)
    if site is not None:
        return (site.transform @ (site.shelf.depth / 2, 0.0, 0.08, 1.0))[:3]
    truth = run.movement.truth_at(moment.stamp_ns)
    if truth is not None and moment.visit_id in truth.ids:
        x, y = truth.positions[int(np.flatnonzero(truth.ids == moment.visit_id)[0])]
        return np.array([x, y, 1.2])
    x0, y0, x1, y1 = run.store.floor
    return np.array([(x0 + x1) / 2, (y0 + y1) / 2, 1.2])


def _best_cameras(store: Store, target: FloatArray) -> tuple[Camera, ...]:
    """Return the nearest cameras that see a point, fixtures considered, or else the nearest ones."""
    boxes = solid_boxes(store.fixtures)

    def rank(camera: Camera) -> tuple[bool, float]:
        return (not visible(camera, target, boxes)[0], float(np.linalg.norm(camera.position - target)))

    return tuple(sorted(store.cameras, key=rank)[:_CAMERAS])


class _Photographer:
    """Runs a world again and keeps the wanted pictures and readings."""

    def __init__(self, run: ScenarioRun, views: Sequence[_View]) -> None:
        self._run = run
        self._world = World(run.store, run.scenario, run.seed)
        self._renderer = Renderer(run.store)
        self._faults = SensorFaults(run.store, run.scenario.faults)
        self._commands = list(run.record.commands)
        self._wanted: dict[int, dict[str, Camera]] = {}
        self._windows: list[tuple[int, int]] = []
        for view in views:
            for stamp_ns in view.stamps_ns:
                self._wanted.setdefault(stamp_ns, {}).update({camera.camera_id: camera for camera in view.cameras})
            centre = view.moment.stamp_ns
            self._windows.append((centre - round(WEIGHT_BEFORE_S * 1e9), centre + round(WEIGHT_AFTER_S * 1e9)))
        self.pictures: dict[tuple[int, str], NDArray[np.uint8]] = {}
        self.batches: list[ReadingBatch] = []

    def work(self) -> None:
        """Run until the last picture and reading are taken."""
        end_ns = max(max(end for _, end in self._windows), *self._wanted)
        steps = {*range(_STEP_NS, end_ns + _STEP_NS, _STEP_NS), *self._wanted}
        for stamp_ns in sorted(steps):
            self._advance(stamp_ns)
            for camera_id, camera in self._wanted.get(stamp_ns, {}).items():
                image = self._renderer.render(camera, self._world.scene()).image
                small = cv2.resize(image, _PICTURE, interpolation=cv2.INTER_AREA)
                self.pictures[stamp_ns, camera_id] = np.asarray(small, dtype=np.uint8)
            taken = [self._faults.readings(batch) for batch in self._world.take_readings()]
            self.batches += [batch for batch in taken if self._in_window(batch.stamp_ns)]
            self._world.take_signals()
        self._renderer.close()

    def _advance(self, stamp_ns: int) -> None:
        """Go on, giving the gate commands at the times at which they came in the run."""
        while self._commands and self._commands[0].stamp_ns <= stamp_ns:
            sent = self._commands.pop(0)
            self._world.advance(sent.stamp_ns)
            carry_out(self._world, sent.command)
        self._world.advance(stamp_ns)

    def _in_window(self, stamp_ns: int) -> bool:
        return any(start <= stamp_ns <= end for start, end in self._windows)


def _evidence(run: ScenarioRun, trip: WrongTrip, view: _View, photographer: _Photographer) -> MomentEvidence:
    moment = view.moment
    return MomentEvidence(
        moment,
        tuple(camera.camera_id for camera in view.cameras),
        _sheet(view, photographer),
        _weights(run, moment, photographer),
        where_plot(run.store, run.movement, moment, trip),
    )


def _sheet(view: _View, photographer: _Photographer) -> bytes:
    """Return the pictures side by side, one row per camera, with the place marked."""
    rows = []
    for camera in view.cameras:
        row = [photographer.pictures[stamp_ns, camera.camera_id].copy() for stamp_ns in view.stamps_ns]
        pixel = project(camera, view.target)[0][0]
        if np.isfinite(pixel).all():
            x, y = np.rint(pixel * [_PICTURE[0] / camera.width, _PICTURE[1] / camera.height]).astype(int).tolist()
            for picture in row:
                cv2.circle(picture, (x, y), 11, (255, 255, 255), 2, cv2.LINE_AA)
                cv2.circle(picture, (x, y), 12, (60, 60, 220), 1, cv2.LINE_AA)
        rows.append(np.hstack(row))
    done, jpeg = cv2.imencode(".jpg", np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        raise RuntimeError("OpenCV could not write a JPEG")
    return bytes(jpeg)


def _weights(run: ScenarioRun, moment: Moment, photographer: _Photographer) -> str:
    site = run.store.lane_sites.get(moment.lane_id)
    if site is None:
        return ""
    column = [lane.lane_id for lane in site.fixture.lanes].index(moment.lane_id)
    start, end = moment.stamp_ns - round(WEIGHT_BEFORE_S * 1e9), moment.stamp_ns + round(WEIGHT_AFTER_S * 1e9)
    seconds, grams = [], []
    for batch in photographer.batches:
        if batch.fixture_id == site.fixture.fixture_id and start <= batch.stamp_ns <= end:
            stamps = batch.stamp_ns + np.arange(len(batch.grams)) * batch.period_ns
            seconds.append(stamps * 1e-9)
            grams.append(batch.grams[:, column].astype(float))
    events = [i.event for i in run.record.interactions.values() if moment.lane_id in i.event.lane_ids]
    spans = [(e.onset_ns * 1e-9, e.end_ns * 1e-9, e.delta_g) for e in events if e.end_ns > start and e.onset_ns < end]
    if not seconds:
        return ""
    return weight_plot(np.concatenate(seconds), np.concatenate(grams), moment.stamp_ns * 1e-9, spans)
