"""A little shop with scripted visits: everything the carts hear, in the order of time, over crashes and restarts."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from little_store import WEIGHTS_G, little_store

from walkout.carts.entries import Entry, LedgerKind
from walkout.carts.gate import GateAction, GateCommand, GateController, GateParameters
from walkout.carts.ledger import Ledger
from walkout.carts.manager import CartManager, CartOutput, CartParameters
from walkout.carts.payment import (
    Authorisation,
    PaymentResult,
    PaymentUnavailableError,
    SandboxPaymentProvider,
)
from walkout.carts.types import GateEvent, GateEventKind, PartyKind, Receipt, Review
from walkout.drivers.types import GateSignal, GateSignalKind
from walkout.interactions.attribution import AttributionParameters, Attributor
from walkout.interactions.types import WeightEvent
from walkout.perception.types import Keypoint
from walkout.tracking.types import Shoppers, ShopperState, TrackState

S = 1_000_000_000
STORE = little_store()
Input = GateSignal | Shoppers | WeightEvent


class Crash(RuntimeError):  # noqa: N818
    """The process dies here."""


class CrashPlan:
    """Counts the steps that leave a trace (before and after each write or payment call) and dies at some of them."""

    def __init__(self, *steps: int) -> None:
        self.steps = set(steps)
        self.count = 0

    def step(self) -> None:
        self.count += 1
        if self.count in self.steps:
            raise Crash(f"step {self.count}")


class CrashingLedger(Ledger):
    def __init__(self, url: str, plan: CrashPlan) -> None:
        super().__init__(url)
        self._plan = plan

    def append(self, *entries: Entry) -> list[int]:
        self._plan.step()
        numbers = super().append(*entries)
        self._plan.step()
        return numbers


class CrashingProvider(SandboxPaymentProvider):
    def __init__(self, url: str, plan: CrashPlan) -> None:
        super().__init__(url)
        self._plan = plan
        self.offline = False

    def authorise(self, token: str, idempotency_key: str) -> Authorisation:
        self._plan.step()
        answer = super().authorise(token, idempotency_key)
        self._plan.step()
        return answer

    def _move(self, kind: str, reference: str, amount_minor: int, currency: str, key: str) -> PaymentResult:
        if self.offline:
            raise PaymentUnavailableError("offline")
        self._plan.step()
        result = super()._move(kind, reference, amount_minor, currency, key)
        self._plan.step()
        return result


@dataclass
class Visit:
    """One shopper's script: ``moves`` are (second after entering, lane, pieces, product), negative pieces are taken.

    Around the second ``meets_s`` the shopper holds out a hand in the middle of the store.
    """

    track: int
    enters_s: float
    leaves_s: float
    moves: list[tuple[float, int, int, int]] = field(default_factory=list)
    token: str = "card-ok-1"
    meets_s: float = -10.0

    def basket(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for _, _, pieces, product in self.moves:
            counts[f"sku{product}"] = counts.get(f"sku{product}", 0) - pieces
        return {sku: count for sku, count in counts.items() if count}


def lane_id(lane: int) -> str:
    return f"g1/{lane // 5}/{lane % 5}"


def script(visits: list[Visit], until_s: float, frame_s: float = 0.2) -> list[tuple[int, Input]]:
    """Return everything the shop hears, with the time at which it hears it."""
    inputs: list[tuple[int, Input]] = []
    for visit in visits:
        enter_ns, leave_ns = round(visit.enters_s * S), round(visit.leaves_s * S)
        if visit.token:
            tap = GateSignal("in", enter_ns - S, GateSignalKind.TAP, visit.token)
            inputs.append((tap.stamp_ns, tap))
        inputs.append((enter_ns, GateSignal("in", enter_ns, GateSignalKind.PASSAGE)))
        inputs.append((leave_ns, GateSignal("out", leave_ns, GateSignalKind.PASSAGE)))
        for after_s, lane, pieces, product in visit.moves:
            onset_ns = round((visit.enters_s + after_s) * S)
            delta_g = pieces * WEIGHTS_G[product]
            name = f"{lane_id(lane)}@{onset_ns // 1_000_000}"
            event = WeightEvent(name, "g1", (lane_id(lane),), (delta_g,), onset_ns, onset_ns + S, delta_g, 0.6)
            inputs.append((onset_ns + 2 * S, event))
    for frame in range(round(until_s / frame_s)):
        stamp_ns = round(frame * frame_s * S)
        inputs.append((stamp_ns + S // 4, _shoppers(visits, stamp_ns)))
    return sorted(inputs, key=lambda entry: entry[0])


def _shoppers(visits: list[Visit], stamp_ns: int) -> Shoppers:
    states = []
    for visit in visits:
        if visit.enters_s - 0.5 <= stamp_ns / S <= visit.leaves_s + 0.5:
            states.append(_state(visit, stamp_ns))
    return Shoppers(stamp_ns, tuple(states))


def _state(visit: Visit, stamp_ns: int) -> ShopperState:
    now_s = stamp_ns / S
    body = np.array([0.8, 0.3 * (visit.track % 3 - 1)])
    if now_s < visit.enters_s + 1.0:
        body = np.array([3.0, -2.0 + 0.3 * (now_s - visit.enters_s)])
    elif now_s > visit.leaves_s - 1.0:
        body = np.array([3.0, 2.0 + 0.3 * (now_s - visit.leaves_s)])
    keypoints = np.full((12, 3), np.nan)
    keypoints[Keypoint.RIGHT_WRIST] = [body[0] - 0.1, body[1], 1.0]
    for after_s, lane, _, _ in visit.moves:
        if -0.3 <= now_s - visit.enters_s - after_s <= 0.9:
            keypoints[Keypoint.RIGHT_WRIST] = STORE.lane_sites[lane_id(lane)].position + np.array([0.1, 0.0, 0.12])
    if abs(now_s - visit.meets_s) <= 1.0:
        side = 1 if visit.track % 2 else -1
        body = np.array([1.8, 0.35 * side])
        keypoints[Keypoint.RIGHT_WRIST] = [1.8, 0.08 * side, 1.06]
    mean = np.array([*body, 0, 0, 1.7])
    sds = np.full(12, 0.04)
    return ShopperState(
        visit.track,
        TrackState.CONFIRMED,
        1.0,
        mean,
        np.eye(5) * 0.01,
        keypoints,
        sds,
        0.0,
        ("c1",),
        (visit.track,),
        (1.0,),
        True,
    )


class Shop:
    """The gate and the carts on a ledger and a provider that outlive them."""

    def __init__(self, folder: Path, plan: CrashPlan | None = None) -> None:
        self._urls = f"sqlite:///{folder}/ledger.db", f"sqlite:///{folder}/provider.db"
        self.plan = plan or CrashPlan()
        self.told: list[Receipt] = []
        self.reviews: list[Review] = []
        self.gate_events: list[GateEvent] = []
        self.outputs: list[CartOutput] = []
        self.restarts = 0
        self.offline = False
        self.commands: list[GateCommand] = []
        self.start()

    def start(self) -> None:
        """Start the processes; a crash in here starts them again."""
        while True:
            try:
                self.ledger = CrashingLedger(self._urls[0], self.plan)
                self.provider = CrashingProvider(self._urls[1], self.plan)
                self.provider.offline = self.offline
                self.attributor = Attributor(AttributionParameters(), STORE)
                self.gate = GateController(GateParameters(), STORE, self.provider, self.ledger)
                self.manager = CartManager(CartParameters(), STORE, self.ledger, self.provider, self.attributor)
                return
            except Crash:
                self.stop()

    def stop(self) -> None:
        self.restarts += 1
        self.ledger.close()
        self.provider.close()

    def play(self, inputs: list[tuple[int, Input]]) -> None:
        """Hear everything; after a crash the input in hand is delivered again, as drivers and topics do."""
        for now_ns, item in inputs:
            while True:
                try:
                    self._hear(now_ns, item)
                    if isinstance(item, GateSignal) and item.kind is GateSignalKind.TAP and not self.opened():
                        item = replace(item, stamp_ns=item.stamp_ns + 1)
                        continue
                    break
                except Crash:
                    self.stop()
                    self.start()

    def opened(self) -> bool:
        """Whether the gate was told to open; the shopper taps again until it does."""
        self.commands += self.gate.take_commands()
        return any(command.action is GateAction.OPEN for command in self.commands)

    def _hear(self, now_ns: int, item: Input) -> None:
        if isinstance(item, GateSignal):
            events = self.gate.signal(item)
            self.gate_events += events
            for event in events or self._events_of(item):
                self.manager.add_gate_event(event)
        elif isinstance(item, Shoppers):
            self.manager.add_shoppers(item)
        else:
            self.manager.add_event(item)
        for event in self.gate.advance(now_ns):
            self.gate_events.append(event)
        output = self.manager.advance(now_ns)
        self.outputs.append(output)
        self.told += output.receipts
        self.reviews += output.reviews

    def _events_of(self, signal: GateSignal) -> list[GateEvent]:
        """The gate has written this signal down before it died: its events are told again from the ledger."""
        kinds = {
            LedgerKind.SESSION_ENTERED: GateEventKind.ENTERED,
            LedgerKind.GATE_EXITED: GateEventKind.EXITED,
            LedgerKind.TAILGATED: GateEventKind.TAILGATED,
        }
        found = []
        for event in self.ledger.events():
            if event.kind in kinds and event.stamp_ns == signal.stamp_ns:
                name = f"{signal.gate_id}-{event.sequence:08d}"
                kind = kinds[event.kind]
                found.append(
                    GateEvent(name, signal.gate_id, signal.stamp_ns, kind, event.session_id, PartyKind.SHOPPER)
                )
        return found
