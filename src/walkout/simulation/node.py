"""The simulator node: the store's hardware played in real time, /clock, and the truth on a tap of its own."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point
from rosgraph_msgs.msg import Clock

from walkout import msg
from walkout.ros import qos
from walkout.ros.diagnostics import Diagnostics
from walkout.ros.parameters import ALL, NodeParameters, StoreParameters
from walkout.ros.reporting import ReportingNode
from walkout.ros.runtime import run
from walkout.ros.stamps import header, to_time
from walkout.settings import setting
from walkout.simulation.runner import RunnerParameters, SimulationRunner
from walkout.simulation.scenario import load_scenario
from walkout.simulation.store_simulator import StoreSimulator
from walkout.store.loader import load_store

CLOCK_PERIOD_NS = 50_000_000
TRUTH_PERIOD_NS = 100_000_000
DRIVERS_WAIT_S = 90.0
"""The gates' devices are opened last, when every core node is active: on a slow machine that takes a while."""
WAIT_STEP_S = 0.2


@dataclass(frozen=True)
class SimulatorParameters(StoreParameters):
    """Parameters of the simulator node."""

    scenario: str = setting("demo", "name in config/scenarios, or a YAML file")
    cameras: tuple[str, ...] = setting((ALL,), "ids of the cameras to render, or all")
    seed: int = setting(-1, "seed of the simulation; -1: the scenario's", range=(-1, 2**31 - 1))
    speed: float = setting(1.0, "simulated seconds per second", range=(0.01, 100.0))


class SimulatorNode(ReportingNode):
    """Runs the world in a thread. Stamps start at the system's time, so they are unique over all runs."""

    def __init__(self) -> None:
        """Build the world and its devices."""
        super().__init__("simulator")
        parameters = NodeParameters(self, SimulatorParameters).value
        store = load_store(parameters.store)
        scenario = load_scenario(parameters.scenario, store)
        self._store = store
        # The OpenGL context belongs to the thread that makes it: the world is built where it will run.
        self._worker = ThreadPoolExecutor(1, "simulator")
        self._simulator = self._worker.submit(
            StoreSimulator,
            store,
            scenario,
            None if parameters.seed < 0 else parameters.seed,
            None if ALL in parameters.cameras else parameters.cameras,
            epoch_ns=time.time_ns(),
            endless=True,
        ).result()
        self._runner = SimulationRunner(
            self._simulator,
            RunnerParameters(speed=parameters.speed),
            on_time=self._tell_time,
            on_measurement=lambda _measurement: self._tell_truth(),
        )
        self._clock_publisher = self.create_publisher(Clock, "/clock", 1)
        self._true_shoppers = self.create_publisher(msg.TruthShoppers, "truth/shoppers", qos.STREAMS)
        self._true_interactions = self.create_publisher(msg.TruthInteraction, "truth/interactions", qos.EVENTS)
        self._true_baskets = self.create_publisher(msg.TruthBasket, "truth/baskets", qos.EVENTS)
        self._told_interactions = 0
        self._told_end = False
        self._told_parties: set[int] = set()
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
        self._runner.run()

    def _ended(self, running: Future[None]) -> None:
        error = running.exception()
        if error is not None:
            self.get_logger().fatal(f"the simulation has failed: {error}")
            self.context.try_shutdown()

    def _wait_for_drivers(self) -> list[str]:
        """Wait for all drivers, so that the first shoppers are seen; the clock stands still meanwhile."""
        deadline = time.monotonic() + DRIVERS_WAIT_S
        while missing := self._runner.wait_for_drivers(WAIT_STEP_S):
            if time.monotonic() > deadline or self._stop.is_set():
                break
            self._tell_time(self._simulator.epoch_ns)
        return missing

    def _tell_time(self, now_ns: int) -> None:
        if now_ns == self._simulator.epoch_ns or now_ns >= self._next_clock_ns:
            self._next_clock_ns = now_ns + CLOCK_PERIOD_NS
            self._clock_publisher.publish(Clock(clock=to_time(now_ns)))
        self._diagnostics.handled(now_ns)

    def _tell_truth(self) -> None:
        now_ns = self._simulator.now_ns
        if now_ns < self._next_truth_ns:
            return
        self._next_truth_ns = now_ns + TRUTH_PERIOD_NS
        world = self._simulator.world
        if world.finished and not self._told_end:
            self._told_end = True
            self.get_logger().info("the scenario is over: everybody has left; the sensors go on")
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
        for party in world.truth.parties_left():
            if party.party_id not in self._told_parties:
                self._told_parties.add(party.party_id)
                self._true_baskets.publish(
                    msg.TruthBasket(
                        header=header(self._stamp_ns(party.left_ns), "store"),
                        person_id=world.truth.visits[party.party_id].person_id,
                        token=party.token,
                        entered=self._stamp(party.entered_ns),
                        skus=list(party.owed.keys()),
                        quantities=list(party.owed.values()),
                    )
                )

    def _stamp_ns(self, world_ns: int) -> int:
        return self._simulator.epoch_ns + world_ns

    def _stamp(self, world_ns: int) -> Time:
        return to_time(self._stamp_ns(world_ns))

    def close(self) -> None:
        """Stop the world, hang up on the drivers and leave no device behind."""
        self._stop.set()
        self._runner.stop()
        self._worker.shutdown()
        self._runner.close()


def main() -> None:
    """Run the simulator."""
    # llvmpipe would otherwise take every core for one picture and starve the store's nodes.
    os.environ.setdefault("LP_NUM_THREADS", "1")
    run(SimulatorNode)
