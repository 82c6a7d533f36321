"""The lifecycle manager node: brings the core nodes up, watches them, and says whether shoppers may enter."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.srv import ChangeState
from rclpy.clock import Clock, ClockType
from rclpy.task import Future

from walkout import srv
from walkout.ros import qos
from walkout.ros.diagnostics import Diagnostics, lasting_warnings
from walkout.ros.health import HEALTH_TOPIC, health_to_msg
from walkout.ros.parameters import NodeParameters
from walkout.ros.reporting import ReportingNode
from walkout.ros.runtime import run
from walkout.ros.supervision import STORE_IS_UP, Goal, Health, Level, SupervisionParameters, Supervisor, Transition
from walkout.settings import setting

CORE_NODES = ("cart_manager", "tracker", "shelf_monitor", "detector", "gate")
"""In the order in which they go up: whoever listens before whoever speaks, and the gate, which lets people in, last."""

STEP_S = 0.05
HEALTH_PERIOD_S = 1.0


@dataclass(frozen=True)
class ManagerParameters:
    """Parameters of the lifecycle manager node."""

    nodes: tuple[str, ...] = setting(CORE_NODES, "core nodes in the order in which they go up; down in reverse")
    autostart: bool = setting(True, "go up at once; false: wait for the service manage_store")
    supervision: SupervisionParameters = field(default_factory=SupervisionParameters)


class LifecycleManagerNode(ReportingNode):
    """Moves the core nodes through their states by what ``Supervisor`` decides."""

    def __init__(self) -> None:
        """Listen to the heartbeats, which are the diagnostics that every node publishes."""
        super().__init__("lifecycle_manager")
        parameters = NodeParameters(self, ManagerParameters).value
        goal = Goal.UP if parameters.autostart else Goal.DOWN
        self._supervisor = Supervisor(parameters.supervision, parameters.nodes, goal)
        self._movers = {name: self.create_client(ChangeState, f"{name}/change_state") for name in parameters.nodes}
        self._health = self.create_publisher(DiagnosticStatus, HEALTH_TOPIC, qos.LATCHED)
        self._told: Health | None = None
        self._was_up = False
        self._diagnostics = Diagnostics(self, "lifecycle")
        self.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, qos.EVENTS)
        self.create_service(srv.ManageStore, "manage_store", self._manage)
        # Steady time: the nodes must come up while a simulated clock still stands still.
        self._clock = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(STEP_S, self._step, clock=self._clock)
        self.create_timer(HEALTH_PERIOD_S, self._tell, clock=self._clock)

    def _now_ns(self) -> int:
        return int(self._clock.now().nanoseconds)

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            name = status.name.rsplit("/", 1)[-1]
            mover = self._movers.get(name)
            if name != self.get_name() and (mover is None or mover.service_is_ready()):
                values = {item.key: item.value for item in status.values}
                started, _, moves = values.get("life", "0 0").partition(" ")
                life, level = (int(started), int(moves)), Level(status.level[0])
                state, warning = values.get("state", ""), lasting_warnings(values)
                self._supervisor.heard(name, state, level, status.message, self._now_ns(), life, warning)
        self._step()

    def _step(self) -> None:
        move = self._supervisor.next(self._now_ns())
        while move is not None:
            name, transition = move
            request = ChangeState.Request()
            request.transition.id = int(transition)
            self._movers[name].call_async(request).add_done_callback(partial(self._answered, name, transition))
            move = self._supervisor.next(self._now_ns())
        if self._supervisor.reached != self._was_up:
            self._was_up = self._supervisor.reached
            if self._was_up and self._supervisor.goal is Goal.UP:
                self.get_logger().info(STORE_IS_UP)
        self._tell_changes()

    def _answered(self, name: str, transition: Transition, future: Future) -> None:
        answer = future.result()
        success = answer is not None and answer.success
        if not success:
            self.get_logger().warning(f"{name} refuses to {transition.name.lower()}: see what it says itself")
        self._supervisor.answered(name, transition, success, self._now_ns())

    def _tell_changes(self) -> None:
        health = self._supervisor.health(self._now_ns())
        before = self._told
        if before is None or (health.admitting, health.level) != (before.admitting, before.level):
            self.get_logger().info(f"store health {health.level.name}: {health.message}")
            self._publish(health)

    def _tell(self) -> None:
        self._publish(self._supervisor.health(self._now_ns()))

    def _publish(self, health: Health) -> None:
        self._told = health
        self._health.publish(health_to_msg(health))

    def _manage(self, request: srv.ManageStore.Request, response: srv.ManageStore.Response) -> object:
        """Take a command; it is carried out step by step, as ``store/health`` shows."""
        command, supervisor = request.command, self._supervisor
        if command in (request.STARTUP, request.SHUTDOWN):
            supervisor.goal = Goal.UP if command == request.STARTUP else Goal.DOWN
            supervisor.paused = False
            response.message = "going up" if command == request.STARTUP else "going down"
        elif command in (request.PAUSE, request.RESUME) and supervisor.goal is Goal.UP:
            supervisor.paused = command == request.PAUSE
            response.message = (
                "nobody is admitted; who is inside is served" if supervisor.paused else "shoppers are admitted again"
            )
        else:
            is_known = command in (request.PAUSE, request.RESUME)
            response.message = "the store is shut down: start it up first" if is_known else f"no command {command}"
            return response
        response.success = True
        self._step()
        return response


def main() -> None:
    """Run the lifecycle manager."""
    run(LifecycleManagerNode)
