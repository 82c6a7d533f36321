"""The gate's decisions: nobody enters on a session that was not authorised, everybody who does is written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

from walkout.carts.entries import Entry, LedgerKind, PaymentRequest, Session, SessionState, payment_request
from walkout.carts.ledger import Ledger
from walkout.carts.outbox import RELEASE
from walkout.carts.payment import Authorisation, PaymentProvider, PaymentUnavailableError
from walkout.carts.types import GateEvent, GateEventKind, PartyKind
from walkout.drivers.types import GateSignal, GateSignalKind
from walkout.store.model import Fixture, GateDirection, Store

_SET_BACK_NS = 60_000_000_000
_INTERRUPTED = "the store was interrupted: please present the card again"


@dataclass(frozen=True)
class GateParameters:
    """How the gates decide.

    Attributes:
        authorisation_s: an authorisation waits this long for somebody to walk through.
    """

    authorisation_s: float = 30.0

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        if self.authorisation_s <= 0:
            raise ValueError(f"authorisation_s is {self.authorisation_s}: must be positive")

    RANGES: ClassVar[Mapping[str, tuple[float, float]]] = {
        "authorisation_s": (1, 600),
    }


class GateAction(IntEnum):
    """What a gate's device shall do."""

    UNKNOWN = 0
    OPEN = 1
    DENY = 2


@dataclass(frozen=True)
class GateCommand:
    """A command for the device of a gate."""

    gate_id: str
    action: GateAction
    reason: str = ""


@dataclass
class _Waiting:
    """An authorised session whose shopper has not walked through."""

    session_id: str
    gate_id: str
    party_kind: PartyKind
    expires_ns: int
    token: str = ""


class GateController:
    """Decides for all gates of a store.

    Feed signals in the order in which they come, call ``advance`` now and then, and carry out ``take_commands``.
    """

    def __init__(self, parameters: GateParameters, store: Store, provider: PaymentProvider, ledger: Ledger) -> None:
        """Take up the authorisations that were waiting when the ledger was last used."""
        self._p = parameters
        self._store = store
        self._provider = provider
        self._ledger = ledger
        self._commands: list[GateCommand] = []
        self._refusal = ""
        self._epoch = len(ledger.events(LedgerKind.CLOCK_SET_BACK))
        self._newest_ns = ledger.newest_gate_stamp_ns()
        self._waiting = [self._wait_for(session) for session in ledger.sessions(SessionState.AUTHORISED)]
        # Whoever was authorised a moment before the interruption may still stand before a closed gate.
        self._commands += [GateCommand(waiting.gate_id, GateAction.OPEN) for waiting in self._waiting]
        self._drop_interrupted_taps()

    def admit(self, allowed: bool, reason: str = "") -> None:
        """Say whether anybody may enter; the store refuses when it could not charge correctly."""
        self._refusal = "" if allowed else (reason or "the store is not ready")

    def signal(self, signal: GateSignal) -> list[GateEvent]:
        """Take a signal of a gate's hardware and return what it means. A signal that came before is ignored."""
        gate = self._gate(signal.gate_id)
        self._follow_clock(signal.stamp_ns)
        if signal.kind is GateSignalKind.TAP and gate.direction is GateDirection.ENTRY:
            return self._tap(signal)
        if signal.kind is GateSignalKind.PASSAGE:
            return self._enter(signal) if gate.direction is GateDirection.ENTRY else self._leave(signal)
        return []

    def advance(self, now_ns: int) -> list[GateEvent]:
        """Let go of authorisations that nobody used in time."""
        events = []
        for waiting in [w for w in self._waiting if w.expires_ns <= now_ns]:
            self._waiting.remove(waiting)
            session = self._ledger.session(waiting.session_id)
            expired = Entry(LedgerKind.SESSION_EXPIRED, now_ns, waiting.session_id, key=f"expired:{waiting.session_id}")
            release = self._release(waiting.session_id, session.authorisation if session else "", now_ns)
            number = self._ledger.append(expired, *release)[0]
            events.append(_event(number, waiting.gate_id, now_ns, GateEventKind.EXPIRED, waiting.session_id))
        return events

    def clock_set_back(self, now_ns: int) -> None:
        """Take note that the clock went back to ``now_ns``: stamps that came before are new when they come again."""
        self._ledger.append(Entry(LedgerKind.CLOCK_SET_BACK, now_ns))
        self._epoch += 1
        self._newest_ns = now_ns
        for waiting in self._waiting:
            waiting.expires_ns = now_ns

    def take_commands(self) -> list[GateCommand]:
        """Return the commands for the devices since the last call."""
        commands, self._commands = self._commands, []
        return commands

    def _gate(self, gate_id: str) -> Fixture:
        gate = self._store.fixture_by_id.get(gate_id)
        if gate is None or gate.direction is None:
            raise ValueError(f"gate {gate_id} is not in store {self._store.store_id}: check the gate driver's id")
        return gate

    def _tap(self, signal: GateSignal) -> list[GateEvent]:
        key = self._key("tap", signal)
        if self._ledger.has(key):
            return []
        again = next((w for w in self._waiting if w.token == signal.token and w.gate_id == signal.gate_id), None)
        if again is not None:
            self._commands.append(GateCommand(signal.gate_id, GateAction.OPEN))
            return []
        tap = Entry(LedgerKind.TAP_RECEIVED, signal.stamp_ns, "", {"gate_id": signal.gate_id}, key)
        session_id = f"{self._store.store_id}-{self._ledger.append(tap)[0]:08d}"
        answer = self._ask(signal.token, session_id)
        if not answer.approved:
            return self._deny(signal, session_id, answer.reason)
        payload = {
            "gate_id": signal.gate_id,
            "party_kind": int(answer.party_kind),
            "authorisation": answer.reference,
        }
        authorised = Entry(LedgerKind.SESSION_AUTHORISED, signal.stamp_ns, session_id, payload, f"answer:{session_id}")
        number = self._ledger.append(authorised)[0]
        expires_ns = signal.stamp_ns + int(self._p.authorisation_s * 1e9)
        self._waiting.append(_Waiting(session_id, signal.gate_id, answer.party_kind, expires_ns, signal.token))
        self._commands.append(GateCommand(signal.gate_id, GateAction.OPEN))
        kind = GateEventKind.AUTHORISED
        return [_event(number, signal.gate_id, signal.stamp_ns, kind, session_id, answer.party_kind)]

    def _ask(self, token: str, session_id: str) -> Authorisation:
        if self._refusal:
            return Authorisation(False, reason=self._refusal)
        try:
            return self._provider.authorise(token, _authorise_key(session_id))
        except PaymentUnavailableError:
            return Authorisation(False, reason="the payment provider gives no answer")

    def _deny(self, signal: GateSignal, session_id: str, reason: str) -> list[GateEvent]:
        payload = {"gate_id": signal.gate_id, "reason": reason}
        denied = Entry(LedgerKind.SESSION_DENIED, signal.stamp_ns, session_id, payload, f"answer:{session_id}")
        number = self._ledger.append(denied)[0]
        self._commands.append(GateCommand(signal.gate_id, GateAction.DENY, reason))
        kind = GateEventKind.DENIED
        return [_event(number, signal.gate_id, signal.stamp_ns, kind, session_id, reason=reason)]

    def _enter(self, signal: GateSignal) -> list[GateEvent]:
        key = self._key("passage", signal)
        if self._ledger.has(key):
            return []
        here = [w for w in self._waiting if w.gate_id == signal.gate_id and signal.stamp_ns < w.expires_ns]
        payload = {"gate_id": signal.gate_id}
        if not here:
            number = self._ledger.append(Entry(LedgerKind.TAILGATED, signal.stamp_ns, "", payload, key))[0]
            reason = "somebody walked through without an authorisation"
            return [_event(number, signal.gate_id, signal.stamp_ns, GateEventKind.TAILGATED, reason=reason)]
        first = here[0]
        self._waiting.remove(first)
        entered = Entry(LedgerKind.SESSION_ENTERED, signal.stamp_ns, first.session_id, payload, key)
        number = self._ledger.append(entered)[0]
        kind = GateEventKind.ENTERED
        return [_event(number, signal.gate_id, signal.stamp_ns, kind, first.session_id, first.party_kind)]

    def _leave(self, signal: GateSignal) -> list[GateEvent]:
        key = self._key("passage", signal)
        if self._ledger.has(key):
            return []
        left = Entry(LedgerKind.GATE_EXITED, signal.stamp_ns, "", {"gate_id": signal.gate_id}, key)
        number = self._ledger.append(left)[0]
        return [_event(number, signal.gate_id, signal.stamp_ns, GateEventKind.EXITED)]

    def _key(self, what: str, signal: GateSignal) -> str:
        """Return what makes a signal unique: its gate and stamp, as long as the clock has not been set back."""
        return f"{what}:{self._epoch}:{signal.gate_id}:{signal.stamp_ns}"

    def _follow_clock(self, stamp_ns: int) -> None:
        """Notice by a stamp that the clock was set back far (a simulation that began anew)."""
        if stamp_ns < self._newest_ns - _SET_BACK_NS:
            self.clock_set_back(stamp_ns)
        self._newest_ns = max(self._newest_ns, stamp_ns)

    def _wait_for(self, session: Session) -> _Waiting:
        expires_ns = session.authorised_ns + int(self._p.authorisation_s * 1e9)
        return _Waiting(session.session_id, session.gate_id, session.party_kind, expires_ns)

    def _drop_interrupted_taps(self) -> None:
        """Let go of holds that were made for taps whose answer was never written down."""
        answered = {
            event.session_id
            for kind in (LedgerKind.SESSION_AUTHORISED, LedgerKind.SESSION_DENIED)
            for event in self._ledger.events(kind)
        }
        for tap in self._ledger.events(LedgerKind.TAP_RECEIVED):
            session_id = f"{self._store.store_id}-{tap.sequence:08d}"
            if session_id in answered:
                continue
            found = self._provider.find_authorisation(_authorise_key(session_id))
            payload = {"gate_id": tap.payload["gate_id"], "reason": _INTERRUPTED}
            self._commands.append(GateCommand(tap.payload["gate_id"], GateAction.DENY, _INTERRUPTED))
            denied = Entry(LedgerKind.SESSION_DENIED, tap.stamp_ns, session_id, payload, f"answer:{session_id}")
            release = self._release(session_id, found.reference if found else "", tap.stamp_ns)
            self._ledger.append(denied, *release)

    def _release(self, session_id: str, authorisation: str, now_ns: int) -> list[Entry]:
        if not authorisation:
            return []
        request = PaymentRequest(f"release:{session_id}", RELEASE, session_id, "", authorisation, 0, "")
        return [payment_request(now_ns, request)]


def _authorise_key(session_id: str) -> str:
    return f"authorise:{session_id}"


def _event(
    number: int,
    gate_id: str,
    stamp_ns: int,
    kind: GateEventKind,
    session_id: str = "",
    party_kind: PartyKind = PartyKind.UNKNOWN,
    reason: str = "",
) -> GateEvent:
    """Return the event that the ledger wrote down under this number."""
    return GateEvent(f"{gate_id}-{number:08d}", gate_id, stamp_ns, kind, session_id, party_kind, reason)
