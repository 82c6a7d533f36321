"""The base of the core nodes: a lifecycle node that goes up and down on the lifecycle manager's word."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lifecycle_msgs.srv import ChangeState
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.qos import QoSProfile
from rclpy.subscription import Subscription

from walkout.ros.parameters import StoreParameters
from walkout.ros.reporting import Reporting
from walkout.settings import setting


@dataclass(frozen=True)
class ManagedParameters(StoreParameters):
    """What every managed node is told."""

    managed: bool = setting(True, "wait for the lifecycle manager; false: configure and activate at once, by itself")


@dataclass(frozen=True)
class LedgerParameters(ManagedParameters):
    """What the nodes that write the ledger are told."""

    ledger: str = setting("sqlite://", "database of the ledger, an SQLAlchemy URL; sqlite:// is kept in memory alone")


class ManagedNode(Reporting, LifecycleNode):  # type: ignore[misc]
    """A core node. Subclasses override ``configure``, ``activate``, ``deactivate`` and ``cleanup`` as they need.

    Subscriptions made with ``listen`` deliver nothing while the node is not active. A user's error in ``configure``
    (missing model, ledger that cannot be opened) ends the process with one clear line, as it does in other nodes.
    """

    def __init__(self, name: str) -> None:
        """Make an unconfigured node."""
        super().__init__(name)
        self.is_active = False
        self.managed = True
        # Start of this node and number of its changes of state: they tell which of two reports is the newer.
        self.life = (time.time_ns(), 0)
        self._kept: set[Any] = set()
        # rclpy lets a node die of a request that does not fit its state; it must be refused.
        service = self._service_change_state
        self._change_state, service.callback = service.callback, self._change_state_if_possible
        self.failure: Exception | None = None

    def configure(self) -> None:
        """Open files and models, make publishers and subscriptions."""

    def activate(self) -> None:
        """Begin to work."""

    def deactivate(self) -> None:
        """Stop to work; what was opened stays open."""

    def cleanup(self) -> None:
        """Close what ``configure`` opened; publishers, subscriptions, services and timers go by themselves."""

    @property
    def state(self) -> str:
        """Name of the lifecycle state."""
        return str(self._state_machine.current_state[1])

    def start_unmanaged(self) -> None:
        """Configure and activate at once, raising what goes wrong."""
        self.trigger_configure()
        if self.failure is not None:
            raise self.failure
        self.trigger_activate()

    def listen(self, kind: type, topic: str, callback: Callable[[Any], None], profile: QoSProfile) -> Subscription:
        """Subscribe; messages that come while the node is not active are not passed on."""

        def when_active(message: Any) -> None:
            if self.is_active:
                callback(message)

        return self.create_subscription(kind, topic, when_active, profile)

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Take the transition."""
        self._kept = set(self._entities())
        return self._step(self.configure, super().on_configure, state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Take the transition."""
        result = self._step(self.activate, super().on_activate, state)
        self.is_active = result == TransitionCallbackReturn.SUCCESS
        return result

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Take the transition."""
        result = self._step(self.deactivate, super().on_deactivate, state)
        self.is_active = False
        return result

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Take the transition."""
        return self._step(self._clean_up, super().on_cleanup, state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Take the transition."""
        if state.label == "active":
            self.deactivate()
        self.is_active = False
        if state.label in ("active", "inactive"):
            self._clean_up()
        return super().on_shutdown(state)

    def _change_state_if_possible(self, request: ChangeState.Request, response: ChangeState.Response) -> object:
        wanted = request.transition
        possible = [(number, label) for number, label, *_ in self._state_machine.available_transitions]
        if any(label == wanted.label if wanted.label else number == wanted.id for number, label in possible):
            return self._change_state(request, response)
        self.get_logger().warning(f"refused transition {wanted.label or wanted.id}: the node is {self.state}")
        response.success = False
        return response

    def _entities(self) -> list[Any]:
        return [*self.publishers, *self.subscriptions, *self.services, *self.timers]

    def _clean_up(self) -> None:
        self.cleanup()
        destroyers = (
            (self.publishers, self.destroy_publisher),
            (self.subscriptions, self.destroy_subscription),
            (self.services, self.destroy_service),
            (self.timers, self.destroy_timer),
        )
        for entities, destroy in destroyers:
            for entity in [e for e in entities if e not in self._kept]:
                destroy(entity)

    def _step(
        self,
        work: Callable[[], None],
        then: Callable[[LifecycleState], TransitionCallbackReturn],
        state: LifecycleState,
    ) -> TransitionCallbackReturn:
        try:
            work()
        except Exception as error:
            # rclpy would swallow it. Raised from a timer it ends the process after the manager has its answer.
            self.failure = error
            self._failing = self.create_timer(0.05, self._fail, clock=Clock(clock_type=ClockType.STEADY_TIME))
            return TransitionCallbackReturn.FAILURE
        result = then(state)
        if result == TransitionCallbackReturn.SUCCESS:
            self.life = (self.life[0], self.life[1] + 1)
        return result

    def _fail(self) -> None:
        assert self.failure is not None
        raise self.failure
