"""The simulated store as one stream of measurements, for running the stages in one process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Protocol

from walkout.drivers.types import Frame, GateSignal, ReadingBatch
from walkout.errors import UserError
from walkout.simulation.faults import SensorFaults
from walkout.simulation.load_cells import BATCH, stream
from walkout.simulation.pictures import CameraEffects
from walkout.simulation.renderer import Rendered, Renderer
from walkout.simulation.scenario_model import Scenario
from walkout.simulation.scene import Scene
from walkout.simulation.world import World
from walkout.store.model import Camera, Store

Measurement = Frame | ReadingBatch | GateSignal
READING_BATCHES_PER_S = 60 // BATCH


class DrawsScenes(Protocol):
    """What takes the pictures: the renderer, or somebody who wants to see what it sees."""

    def render(self, camera: Camera, scene: Scene) -> Rendered:
        """Return the picture of a scene."""


class StoreSimulator:
    """Iterate over all frames, readings and gate signals in the order in which they become available.

    Stamps are capture times: a batch of readings is stamped with its first sample and comes when its last is taken.
    Cameras are never synchronised: each has a phase of its own. ``world`` takes gate commands while iterating and
    knows the truth; what a loop does with a measurement happens before the world goes on.
    """

    def __init__(
        self,
        store: Store,
        scenario: Scenario,
        seed: int | None = None,
        camera_ids: Iterable[str] | None = None,
        rate_hz: float | None = None,
        render: bool = True,
        epoch_ns: int = 0,
        endless: bool = False,
        renderer: DrawsScenes | None = None,
    ) -> None:
        """Build the world and the renderer.

        Args:
            store: the store.
            scenario: who comes and does what.
            seed: replaces the scenario's seed.
            camera_ids: which cameras give frames, default all.
            rate_hz: frames per second of every camera, default each camera's own.
            render: False leaves the frames out: readings and signals alone, fast.
            epoch_ns: added to every stamp.
            endless: the sensors of the empty store go on after the scenario, as real ones would.
            renderer: takes the pictures instead of a renderer of its own.

        Raises:
            UserError: an unknown camera.
            RendererError: this machine cannot render.
        """
        self.store = store
        self.world = World(store, scenario, seed)
        self.epoch_ns = epoch_ns
        self._endless = endless
        self._faults = SensorFaults(store, scenario.faults)
        self._effects = CameraEffects(scenario.cameras, self.world.seed)
        self.cameras = _choose_cameras(store, camera_ids) if render else ()
        self._renderer = (renderer or Renderer(store)) if render else None
        self._periods = [round(1e9 / (rate_hz or camera.rate_hz)) for camera in self.cameras]
        self._phases = [
            int(stream(self.world.seed, "phase", camera.camera_id).integers(period))
            for camera, period in zip(self.cameras, self._periods, strict=True)
        ]

    def __iter__(self) -> Iterator[Measurement]:
        """Yield measurements until the world is finished."""
        for time_ns, camera in self._schedule():
            self.world.advance(time_ns)
            for signal in self.world.take_signals():
                skewed = self._faults.skewed(signal, signal.gate_id)
                yield replace(skewed, stamp_ns=skewed.stamp_ns + self.epoch_ns)
            for batch in self.world.take_readings():
                given = self._faults.skewed(self._faults.readings(batch), batch.fixture_id)
                yield replace(given, stamp_ns=given.stamp_ns + self.epoch_ns)
            if camera is not None and self._renderer is not None and not self._faults.lost(camera.camera_id, time_ns):
                frame = self._faults.skewed(self._take(camera, time_ns, self._renderer), camera.camera_id)
                yield replace(frame, stamp_ns=frame.stamp_ns + self.epoch_ns)
            if self.world.finished and not self._endless:
                return

    def _take(self, camera: Camera, time_ns: int, renderer: DrawsScenes) -> Frame:
        """Return the picture that a camera takes now."""
        image = renderer.render(camera, self.world.scene()).image
        return Frame(camera.camera_id, time_ns, self._effects.apply(camera.camera_id, time_ns, image))

    @property
    def now_ns(self) -> int:
        """The time up to which the world has been shown, with the epoch."""
        return self.world.shown_ns + self.epoch_ns

    def _schedule(self) -> Iterator[tuple[int, Camera | None]]:
        """Yield (time, camera or None for the load cells) in the order of time, for ever."""
        counts = [0] * len(self.cameras)
        batches = 1
        while True:
            due = [phase + count * p for phase, count, p in zip(self._phases, counts, self._periods, strict=True)]
            batch_ns = batches * 1_000_000_000 // READING_BATCHES_PER_S
            if due and min(due) < batch_ns:
                index = due.index(min(due))
                counts[index] += 1
                yield due[index], self.cameras[index]
            else:
                batches += 1
                yield batch_ns, None


def _choose_cameras(store: Store, camera_ids: Iterable[str] | None) -> tuple[Camera, ...]:
    if camera_ids is None:
        return store.cameras
    chosen = list(camera_ids)
    for camera_id in chosen:
        if camera_id not in store.camera_by_id:
            known = ", ".join(store.camera_by_id)
            raise UserError(f"store {store.store_id} has no camera '{camera_id}'; it has {known}")
    return tuple(camera for camera in store.cameras if camera.camera_id in chosen)
