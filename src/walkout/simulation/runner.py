"""Runs the simulated store in time: as fast as real time (or a multiple), or in lock-step with the drivers."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from walkout.simulation.devices import DeviceError, DeviceServer
from walkout.simulation.store_simulator import Measurement, StoreSimulator

SHORT_WAIT_S = 0.1


@dataclass(frozen=True)
class RunnerParameters:
    """How the simulated time goes. ``speed`` is simulated seconds per second.

    In lock-step the world goes on only when the drivers have taken what there is, as fast as they do; a driver that
    does not take anything for ``patience_s`` is an error. ``most_lag_s`` is how far real time may be missed before the
    loss is accepted instead of being caught up in a rush.
    """

    speed: float = 1.0
    lock_step: bool = False
    patience_s: float = 20.0
    most_lag_s: float = 0.25

    def __post_init__(self) -> None:
        """Check the ranges."""
        if not 0.01 <= self.speed <= 1000.0:
            raise ValueError(f"speed is {self.speed:g}, not within 0.01 .. 1000")


class SimulationRunner:
    """Publishes a simulated store through a device server and carries out what the drivers tell the gates.

    ``on_time`` hears the simulated time of every measurement before it is published (for /clock), ``on_measurement``
    every measurement after (for truth). ``stop`` may be called from any thread or signal handler.
    """

    def __init__(
        self,
        simulator: StoreSimulator,
        parameters: RunnerParameters | None = None,
        directory: str | os.PathLike[str] | None = None,
        on_time: Callable[[int], None] = lambda now_ns: None,
        on_measurement: Callable[[Measurement], None] = lambda measurement: None,
    ) -> None:
        """Set up the devices. Raises DeviceError."""
        self.simulator = simulator
        self._parameters = parameters or RunnerParameters()
        self._server = DeviceServer(simulator.store, simulator.cameras, directory)
        self._on_time = on_time
        self._on_measurement = on_measurement
        self._stopped = False
        self._started_s = 0.0
        self._origin_ns = 0

    @property
    def directory(self) -> str:
        """Where the devices are."""
        return str(self._server.directory)

    def stop(self) -> None:
        """End ``run`` soon."""
        self._stopped = True

    def run(self) -> None:
        """Run until the world is finished or ``stop`` is called. Raises DeviceError when lock-step gets stuck."""
        if self._parameters.lock_step:
            self._wait_for_drivers()
        self._origin_ns = self.simulator.now_ns
        self._started_s = time.monotonic()
        for measurement in self.simulator:
            if self._stopped:
                return
            self._keep_pace()
            self._on_time(self.simulator.now_ns)
            self._server.publish(measurement)
            self._on_measurement(measurement)
            if self._parameters.lock_step:
                self._wait_until_taken()
            self.serve(0.0)

    def wait_for_drivers(self, wait_s: float) -> list[str]:
        """Wait for a driver of every device, so that nothing is lost at the start; return the devices without one."""
        return self._server.wait_connected(wait_s)

    def serve(self, wait_s: float) -> None:
        """Serve the drivers for a while and carry out what they tell the gates."""
        for command in self._server.poll(wait_s):
            if command.open:
                self.simulator.world.open_gate(command.gate_id)
            else:
                self.simulator.world.deny(command.gate_id, command.reason)

    def _keep_pace(self) -> None:
        """Wait until the wall clock has come to the simulated time, serving the drivers meanwhile."""
        if self._parameters.lock_step:
            return
        while not self._stopped:
            due_s = (self.simulator.now_ns - self._origin_ns) / 1e9 / self._parameters.speed
            left_s = self._started_s + due_s - time.monotonic()
            if left_s <= 0.0:
                if -left_s > self._parameters.most_lag_s:
                    self._started_s -= left_s
                return
            self.serve(min(left_s, SHORT_WAIT_S))

    def _wait_for_drivers(self) -> None:
        until = time.monotonic() + self._parameters.patience_s
        while missing := self._server.wait_connected(SHORT_WAIT_S):
            if self._stopped:
                return
            if time.monotonic() > until:
                raise DeviceError(f"lock-step: no driver has opened {', '.join(missing)}; start the drivers")

    def _wait_until_taken(self) -> None:
        until = time.monotonic() + self._parameters.patience_s
        while not self._stopped and not self._server.wait_taken(SHORT_WAIT_S):
            if time.monotonic() > until:
                wait = f"{self._parameters.patience_s:g} s"
                raise DeviceError(f"lock-step: a driver has taken nothing for {wait}; see what it does or turn it off")

    def close(self) -> None:
        """Take the devices away."""
        self._server.close()
