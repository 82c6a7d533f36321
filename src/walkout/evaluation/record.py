"""What a run brings, kept as it comes: to be held against the truth when it is over."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from walkout.carts.gate import GateCommand
from walkout.carts.types import GateEventKind, PartyKind, Receipt, Review
from walkout.drivers.types import GateSignal, GateSignalKind
from walkout.evaluation.pipeline import Measurement, PipelineOutput
from walkout.interactions.types import Interaction


@dataclass(frozen=True)
class Arrived:
    """When something first came out of the stages, and the CPU seconds of the measurement that brought it."""

    now_ns: int
    cpu_s: float


@dataclass(frozen=True)
class SentCommand:
    """A gate command with the time at which the world got it."""

    stamp_ns: int
    command: GateCommand


@dataclass
class RunRecord:
    """What a run has brought. ``interactions`` and ``receipts`` hold the newest state of each, by id and session.

    A token has several sessions when it was presented for everybody of a group.
    """

    sessions_by_token: dict[str, tuple[str, ...]] = field(default_factory=dict)
    staff_sessions: set[str] = field(default_factory=set)
    tracks_by_session: dict[str, tuple[int, ...]] = field(default_factory=dict)
    interactions: dict[str, Interaction] = field(default_factory=dict)
    interaction_arrived: dict[str, Arrived] = field(default_factory=dict)
    receipts: dict[str, Receipt] = field(default_factory=dict)
    receipt_arrived: dict[str, Arrived] = field(default_factory=dict)
    reviews: list[Review] = field(default_factory=list)
    commands: list[SentCommand] = field(default_factory=list)

    def note(self, output: PipelineOutput, measurement: Measurement | None, now_ns: int, cpu_s: float = 0.0) -> None:
        """Remember what one measurement has caused at ``now_ns`` with ``cpu_s`` CPU seconds."""
        arrived = Arrived(now_ns, cpu_s)
        if isinstance(measurement, GateSignal) and measurement.kind is GateSignalKind.TAP:
            self._note_tap(output, measurement.token)
        for cart in output.carts:
            if cart.track_ids:
                self.tracks_by_session[cart.session_id] = cart.track_ids
        for interaction in output.interactions:
            self.interactions[interaction.interaction_id] = interaction
            self.interaction_arrived.setdefault(interaction.interaction_id, arrived)
        for receipt in output.receipts:
            self.receipts[receipt.session_id] = receipt
            self.receipt_arrived.setdefault(receipt.session_id, arrived)
        self.reviews += output.reviews

    def _note_tap(self, output: PipelineOutput, token: str) -> None:
        for event in output.gate_events:
            if event.kind is GateEventKind.AUTHORISED:
                self.sessions_by_token[token] = (*self.sessions_by_token.get(token, ()), event.session_id)
                if event.party_kind is PartyKind.STAFF:
                    self.staff_sessions.add(event.session_id)

    def tracks_of(self, sessions: Iterable[str]) -> tuple[int, ...]:
        """Return the tracks that fill the carts of some sessions."""
        return tuple(track for session in sessions for track in self.tracks_by_session.get(session, ()))
