"""The simulator node: the store's hardware played in real time, /clock, and the truth on a tap of its own."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point
from rclpy.node import Node
from rosgraph_msgs.msg import Clock

from walkout import msg
from walkout.ros import qos
from walkout.ros.diagnostics import Diagnostics
from walkout.ros.parameters import declare
from walkout.ros.runtime import run
from walkout.ros.stamps import header, to_time
from walkout.simulation.devices import DeviceServer
from walkout.simulation.scenario import load_scenario
from walkout.simulation.store_simulator import StoreSimulator
from walkout.store.loader import load_store

CLOCK_PERIOD_NS = 50_000_000
TRUTH_PERIOD_NS = 100_000_000
DRIVERS_WAIT_S = 30.0
POLL_S = 0.02


class SimulatorNode(Node):  # type: ignore[misc]
    """Runs the world in a thread. Stamps start at the system's time, so they are unique over all runs."""

    def __init__(self) -> None:
        """Build the world and its devices."""
        super().__init__("simulator")
        store = load_store(declare(self, "store", "corner", "name of a store in config/stores, or its folder"))
        scenario = load_scenario(declare(self, "scenario", "demo", "name in config/scenarios, or a YAML file"), store)
        cameras = declare(self, "cameras", (), "ids of the cameras to render; none: all of the store")
        seed = declare(self, "seed", -1, "seed of the simulation; -1: the scenario's")
        self._speed = declare(self, "speed", 1.0, "simulated seconds per second")
        if self._speed <= 0:
            raise ValueError(f"parameter speed: must be above 0, got {self._speed}")
        self._store = store
        # The OpenGL context belongs to the thread that makes it: the world is built where it will run.
        self._worker = ThreadPoolExecutor(1, "simulator")
        self._simulator = self._worker.submit(
            StoreSimulator, store, scenario, None if seed < 0 else seed, cameras or None, epoch_ns=time.time_ns()
        ).result()
        self._server = DeviceServer(store, self._simulator.cameras)
        self._clock = self.create_publisher(Clock, "/clock", 1)
        self._true_shoppers = self.create_publisher(msg.TruthShoppers, "truth/shoppers", qos.STREAMS)
        self._true_interactions = self.create_publisher(msg.TruthInteraction, "truth/interactions", qos.EVENTS)
        self._true_baskets = self.create_publisher(msg.TruthBasket, "truth/baskets", qos.EVENTS)
        self._told_interactions = 0
        self._told_visits: set[int] = set()
        self._next_clock_ns = 0
        self._next_truth_ns = 0
        self._diagnostics = Diagnostics(self, "simulator")
        self._stop = threading.Event()
        self._running = self._worker.submit(self._run)
        self._running.add_done_callback(self._ended)

    def _run(self) -> None:
        missing = self._wait_for_drivers()
        if missing:
            self.get_logger().warning(f"starting without drivers of: {', '.join(missing)}")
        started_ns, epoch_ns = time.monotonic_ns(), self._simulator.epoch_ns
        for measurement in self._simulator:
            self._serve_until(started_ns + int((self._simulator.now_ns - epoch_ns) / self._speed))
            if self._stop.is_set():
                return
            self._server.publish(measurement)
            self._tell_time_and_truth(self._simulator.now_ns)
        self.get_logger().info("the scenario is over: everybody has left")
        self._go_on(started_ns, epoch_ns)

    def _ended(self, running: Future[None]) -> None:
        error = running.exception()
        if error is not None:
            self.get_logger().fatal(f"the simulation has failed: {error}")
            self.context.try_shutdown()

    def _wait_for_drivers(self) -> list[str]:
        """Wait for all drivers, so that the first shoppers are seen; the clock stands still meanwhile."""
        deadline = time.monotonic() + DRIVERS_WAIT_S
        missing = self._server.wait_connected(0.2)
        while missing and time.monotonic() < deadline and not self._stop.is_set():
            self._clock.publish(Clock(clock=to_time(self._simulator.epoch_ns)))
            missing = self._server.wait_connected(0.2)
        return missing

    def _serve_until(self, target_ns: int) -> None:
        """Serve the devices until it is time; once at least, also when the machine is too slow for real time."""
        while not self._stop.is_set():
            left_s = (target_ns - time.monotonic_ns()) * 1e-9
            for command in self._server.poll(min(max(left_s, 0.0), POLL_S)):
                if command.open:
                    self._simulator.world.open_gate(command.gate_id)
                else:
                    self._simulator.world.deny(command.gate_id, command.reason)
            if left_s <= POLL_S:
                return

    def _go_on(self, started_ns: int, epoch_ns: int) -> None:
        """Let the clock run on after the scenario: the last visits have yet to be settled."""
        while not self._stop.is_set():
            self._server.poll(POLL_S)
            self._tell_time_and_truth(epoch_ns + int((time.monotonic_ns() - started_ns) * self._speed))

    def _tell_time_and_truth(self, now_ns: int) -> None:
        if now_ns >= self._next_clock_ns:
            self._next_clock_ns = now_ns + CLOCK_PERIOD_NS
            self._clock.publish(Clock(clock=to_time(now_ns)))
        self._diagnostics.handled(now_ns)
        if now_ns >= self._next_truth_ns:
            self._next_truth_ns = now_ns + TRUTH_PERIOD_NS
            self._tell_truth(now_ns)

    def _tell_truth(self, now_ns: int) -> None:
        world = self._simulator.world
        shoppers = [
            msg.TruthShopper(
                person_id=shopper.person_id,
                position=Point(x=float(shopper.position[0]), y=float(shopper.position[1])),
                palms=[Point(x=float(p[0]), y=float(p[1]), z=float(p[2])) for p in shopper.palms],
            )
            for shopper in world.true_shoppers()
        ]
        self._true_shoppers.publish(msg.TruthShoppers(header=header(now_ns, "store"), shoppers=shoppers))
        for true in world.truth.interactions[self._told_interactions :]:
            self._true_interactions.publish(
                msg.TruthInteraction(
                    header=header(self._stamp_ns(true.stamp_ns), "store"),
                    person_id=true.person_id,
                    kind=int(true.kind),
                    sku=true.sku,
                    quantity=true.quantity,
                    lane_id=true.lane_id,
                    hand_in=self._stamp(true.hand_in_ns),
                )
            )
        self._told_interactions = len(world.truth.interactions)
        for visit in world.truth.visits_left():
            if visit.visit_id not in self._told_visits:
                self._told_visits.add(visit.visit_id)
                self._true_baskets.publish(
                    msg.TruthBasket(
                        header=header(self._stamp_ns(visit.left_ns), "store"),
                        person_id=visit.person_id,
                        token=visit.token,
                        entered=self._stamp(visit.entered_ns),
                        skus=list(visit.basket.keys()),
                        quantities=list(visit.basket.values()),
                    )
                )

    def _stamp_ns(self, world_ns: int) -> int:
        return self._simulator.epoch_ns + world_ns

    def _stamp(self, world_ns: int) -> Time:
        return to_time(self._stamp_ns(world_ns))

    def close(self) -> None:
        """Stop the world, hang up on the drivers and leave no device behind."""
        self._stop.set()
        self._worker.shutdown()
        self._server.close()


def main() -> None:
    """Run the simulator."""
    # llvmpipe would otherwise take every core for one picture and starve the store's nodes.
    os.environ.setdefault("LP_NUM_THREADS", "1")
    run(SimulatorNode)
