"""What the alarm for bumped cameras makes of a simulated store whose cameras do not stand as the store file says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from walkout.errors import UserError
from walkout.evaluation.gate_commands import carry_out
from walkout.evaluation.pipeline import StorePipeline
from walkout.geometry.drift import DriftParameters
from walkout.perception.types import Detections
from walkout.simulation.scenario import Scenario
from walkout.simulation.store_simulator import StoreSimulator
from walkout.store.model import Camera, Store
from walkout.tracking.calibration_watch import CalibrationWatch
from walkout.tracking.parameters import TrackerParameters
from walkout.tracking.tracker import MultiViewTracker

AXES = {"pitch": (1.0, 0.0, 0.0), "yaw": (0.0, 1.0, 0.0), "roll": (0.0, 0.0, 1.0)}
"""Of the optical frame: pitch nods, yaw looks to the side, roll turns the picture."""


@dataclass(frozen=True)
class Bump:
    """One camera turned by some degrees about an axis; without a camera all stand as calibrated."""

    camera_id: str = ""
    degrees: float = 0.0
    axis: str = "yaw"

    def __str__(self) -> str:
        """Say it for people."""
        return f"{self.camera_id} {self.degrees:g} degrees {self.axis}" if self.camera_id else "as calibrated"

    def cameras(self, store: Store) -> list[Camera]:
        """Return the cameras as the tracker is told of them. Raises UserError for a camera that is not there."""
        if self.camera_id and self.camera_id not in store.camera_by_id:
            known = ", ".join(sorted(store.camera_by_id))
            raise UserError(f"--bump {self.camera_id}: store {store.name} has no such camera; it has {known}")
        turn = Rotation.from_rotvec(np.radians(self.degrees) * np.array(AXES[self.axis])).as_matrix()
        return [
            replace(camera, rotation=camera.rotation @ turn) if camera.camera_id == self.camera_id else camera
            for camera in store.cameras
        ]


class DriftTrial:
    """A tracker and the alarm with one bump; what they have seen of it."""

    def __init__(self, bump: Bump, store: Store, parameters: DriftParameters | None = None) -> None:
        self.bump = bump
        cameras = bump.cameras(store)
        self._widths = {camera.camera_id: camera.width for camera in cameras}
        self._tracker = MultiViewTracker(TrackerParameters(), cameras, store.zones, store.fixtures)
        self._watch = CalibrationWatch(cameras, parameters)
        self._shares: dict[str, list[float]] = {camera.camera_id: [] for camera in cameras}
        self.alarms: dict[str, int] = {}
        """When each camera's first alarm came, in nanoseconds."""

    def add(self, detections: Detections) -> None:
        """Take the detections of one frame, as the tracker node does."""
        self._watch.add_detections(detections)
        self._tracker.update(detections)
        for shoppers in self._tracker.drain():
            for state in self._watch.add_shoppers(shoppers):
                if state.samples:
                    self._shares[state.camera_id].append(state.median_px / self._widths[state.camera_id])
                if state.alarm:
                    self.alarms.setdefault(state.camera_id, shoppers.stamp_ns)

    def to_json(self, began_ns: int) -> dict[str, Any]:
        """Return residuals in percent of the picture's width and the alarms in seconds since ``began_ns``."""
        known = {camera_id: 100 * np.array(shares) for camera_id, shares in self._shares.items() if shares}
        own = known.pop(self.bump.camera_id, None)
        return {
            "bump": str(self.bump),
            "residual_percent": None if own is None else round(float(np.median(own)), 2),
            "others_percent": round(max((float(np.median(s)) for s in known.values()), default=float("nan")), 2),
            "others_percent_max": round(max((float(s.max()) for s in known.values()), default=float("nan")), 2),
            "alarms_s": {camera_id: round((at - began_ns) * 1e-9, 1) for camera_id, at in self.alarms.items()},
        }


def run_trials(
    store: Store,
    scenario: Scenario,
    seed: int,
    bumps: Sequence[Bump],
    seconds: float | None = None,
    progress: Callable[[float], None] = lambda simulated_s: None,
) -> list[dict[str, Any]]:
    """Run a scenario with the store's own detector and let all trials have the same detections.

    Raises RendererError when this machine cannot render.
    """
    trials = [DriftTrial(bump, store) for bump in (Bump(), *bumps)]
    pipeline, simulator = StorePipeline(store), StoreSimulator(store, scenario, seed)
    began_ns: int | None = None
    for measurement in simulator:
        if seconds is not None and measurement.stamp_ns > seconds * 1e9:
            break
        output = pipeline.feed(measurement)
        if output.detections is not None:
            began_ns = output.detections.stamp_ns if began_ns is None else began_ns
            for trial in trials:
                trial.add(output.detections)
        for command in output.commands:
            carry_out(simulator.world, command)
        progress(simulator.now_ns * 1e-9)
    pipeline.close()
    return [trial.to_json(began_ns or 0) for trial in trials]
