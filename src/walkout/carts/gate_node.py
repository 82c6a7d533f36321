"""The gate node: hears the gates' controllers, asks the payment provider, opens or refuses."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.clock import Clock, ClockType

from walkout import msg
from walkout.carts.entries import SessionState
from walkout.carts.gate import GateAction, GateCommand, GateController, GateParameters
from walkout.carts.ledger import Ledger, open_ledger
from walkout.carts.payment import SandboxPaymentProvider, sandbox_url
from walkout.drivers.sources import open_gate
from walkout.drivers.types import GateDevice, GateSignal, GateSignalKind
from walkout.ros import qos
from walkout.ros.conversions import gate_event_to_msg, gate_signal_to_msg, msg_to_gate_signal
from walkout.ros.diagnostics import Diagnostics
from walkout.ros.health import HEALTH_TOPIC, admission
from walkout.ros.lifecycle import LedgerParameters, ManagedNode
from walkout.ros.parameters import NodeParameters
from walkout.ros.reader import Reader
from walkout.ros.runtime import on_clock_reset, run
from walkout.ros.stamps import header
from walkout.settings import setting
from walkout.store.loader import load_store
from walkout.store.model import Fixture, FixtureType

STATE_PERIOD_S = 1.0
DRAIN_PERIOD_S = 0.02
HEALTH_TIMEOUT_S = 10.0
"""Without news of the store's health for this long nobody is admitted."""
DEVICE, TOPIC = "device", "topic"


@dataclass(frozen=True)
class GateNodeParameters(LedgerParameters):
    """Parameters of the gate node."""

    source: str = setting(
        DEVICE, "device: the gates' controllers; topic: the recorded signals of a bag", choices=(DEVICE, TOPIC)
    )
    controller: str = setting("sim://gate_{id}", "controller of a gate, a URI; {id} stands for the gate's id")
    gate: GateParameters = field(default_factory=GateParameters)


class GateNode(ManagedNode):
    """Serves all gates of the store: hears their controllers, asks the payment provider, opens or refuses."""

    def __init__(self) -> None:
        """Load the store."""
        super().__init__("gate")
        self._settings = NodeParameters(self, GateNodeParameters).value
        self.managed = self._settings.managed
        self._store = load_store(self._settings.store)
        self._gates = [f for f in self._store.fixtures if f.type is FixtureType.GATE]
        self._ledger: Ledger | None = None
        self._readers: list[Reader[GateSignal]] = []
        self._diagnostics = Diagnostics(self, "gates")
        self._diagnostics.watch("ledger", lambda: self._ledger.check_writable() if self._ledger else "closed")
        on_clock_reset(self, self._set_back)

    def configure(self) -> None:
        """Open the ledger and take up the authorisations that were waiting."""
        self._ledger = open_ledger(self._settings.ledger)
        self._provider = SandboxPaymentProvider(sandbox_url(self._settings.ledger))
        self._controller = GateController(self._settings.gate, self._store, self._provider, self._ledger)
        self._modes = {gate.fixture_id: msg.GateMode.CLOSED for gate in self._gates}
        self._signals = self.create_publisher(msg.GateSignal, "gate/signals", qos.EVENTS)
        self._events = self.create_publisher(msg.GateEvent, "gate/events", qos.EVENTS)
        self._states = self.create_publisher(msg.GateState, "gate/states", qos.EVENTS)
        self._sessions = self.create_publisher(msg.GateSessions, "gate/sessions", qos.EVENTS)
        self.listen(msg.GateRequest, "gate/requests", self._on_request, qos.EVENTS)
        self._arrived: deque[GateSignal] = deque()
        self._devices: dict[str, GateDevice] = {}
        if self._settings.source == TOPIC:
            # Who taps in a bag has been let in already: the store's present health is no reason to refuse him.
            self.listen(msg.GateSignal, "gate/signals", lambda m: self._handle(msg_to_gate_signal(m)), qos.EVENTS)
        self._guarded = self.managed and self._settings.source == DEVICE
        if self._guarded:
            self._admit(None)
            self.create_subscription(DiagnosticStatus, HEALTH_TOPIC, self._admit, qos.LATCHED)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(DRAIN_PERIOD_S, self._drain, clock=steady)
        self.create_timer(STATE_PERIOD_S, self._publish_states, clock=steady)

    def activate(self) -> None:
        """Open the gates' devices."""
        if self._settings.source == DEVICE:
            self._readers = [self._open(gate) for gate in self._gates]

    def deactivate(self) -> None:
        """Hang up on the devices: gates without a controller stay closed."""
        for reader in self._readers:
            reader.close()
        self._readers = []

    def cleanup(self) -> None:
        """Close the ledger."""
        self.close()

    def _admit(self, health: DiagnosticStatus | None) -> None:
        """Admit shoppers when the store can charge them, by the newest word of the lifecycle manager."""
        self._heard_ns = time.monotonic_ns()
        allowed, reason = admission(health)
        self._controller.admit(allowed, reason)

    def _set_back(self) -> None:
        if self.is_active:
            self._controller.clock_set_back(self.get_clock().now().nanoseconds)

    def _open(self, gate: Fixture) -> Reader[GateSignal]:
        uri = self._settings.controller.replace("{id}", gate.fixture_id)

        def opener() -> GateDevice:
            device = open_gate(uri, gate.fixture_id)
            self._devices[gate.fixture_id] = device
            return device

        return Reader(self, opener, self._arrived.append, self._diagnostics)

    def _drain(self) -> None:
        """Handle on the node's own thread what the readers have brought: the ledger has one writer."""
        while self._arrived and self.is_active:
            signal = self._arrived.popleft()
            self._signals.publish(gate_signal_to_msg(signal))
            self._handle(signal)

    def _handle(self, signal: GateSignal) -> None:
        if signal.kind in (GateSignalKind.OPENED, GateSignalKind.CLOSED):
            is_open = signal.kind is GateSignalKind.OPENED
            self._modes[signal.gate_id] = msg.GateMode.OPEN if is_open else msg.GateMode.CLOSED
        events = self._controller.signal(signal)
        events += self._controller.advance(signal.stamp_ns)
        for command in self._controller.take_commands():
            self._command(command)
        for event in events:
            self._events.publish(gate_event_to_msg(event))
        self._diagnostics.handled(signal.stamp_ns)

    def _command(self, command: GateCommand) -> None:
        device = self._devices.get(command.gate_id)
        if device is None:
            return  # a replay: the recorded gate has already moved
        if command.action is GateAction.OPEN:
            device.open_gate()
        else:
            device.deny(command.reason)

    def _on_request(self, message: msg.GateRequest) -> None:
        if message.gate_id not in self._modes:
            self.get_logger().error(f"{message.requester_id} asks for an unknown gate {message.gate_id!r}")
        elif message.requested_mode.value == msg.GateMode.OPEN:
            self._command(GateCommand(message.gate_id, GateAction.OPEN, message.reason))

    def _publish_states(self) -> None:
        if not self.is_active:
            return
        if self._guarded and time.monotonic_ns() - self._heard_ns > HEALTH_TIMEOUT_S * 1e9:
            self._admit(None)
        now_ns = self.get_clock().now().nanoseconds
        for gate_id, mode in self._modes.items():
            state = msg.GateState(header=header(now_ns, f"fixture_{gate_id}"), gate_id=gate_id)
            state.mode.value = mode
            self._states.publish(state)
        self._sessions.publish(msg.GateSessions(header=header(now_ns, "store"), sessions=self._open_sessions()))

    def _open_sessions(self) -> list[msg.GateSession]:
        assert self._ledger is not None
        return [
            msg.GateSession(
                session_id=session.session_id,
                gate_id=session.gate_id,
                party_kind=int(session.party_kind),
                authorised=header(session.authorised_ns, "").stamp,
                entered=session.entered_ns > 0,
            )
            for session in self._ledger.sessions(SessionState.AUTHORISED, SessionState.ENTERED)
        ]

    def close(self) -> None:
        """Stop the readers, close the ledger."""
        self.deactivate()
        if self._ledger is not None:
            self._ledger.close()
            self._provider.close()
            self._ledger = None


def main() -> None:
    """Run the gate node."""
    run(GateNode)
