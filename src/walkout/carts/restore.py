"""What a cart manager that starts again finds in the ledger."""

from __future__ import annotations

from walkout.carts.documents import weight_from
from walkout.carts.entries import LedgerKind, SessionState
from walkout.carts.explains import ExplainsEvents
from walkout.carts.ledger import Ledger
from walkout.carts.party import Party
from walkout.carts.types import GateEvent, GateEventKind, PartyKind


def restore(ledger: Ledger, attributor: ExplainsEvents, margin_ns: int) -> tuple[dict[str, Party], list[GateEvent]]:
    """Return the parties by session id and the passages of an exit that are still open; tell the attribution the rest.

    What happened up to ``margin_ns`` before the oldest party came in matters to it.
    """
    parties = _parties(ledger)
    for party in parties.values():
        if party.party_kind is PartyKind.STAFF:
            for track_id in party.track_ids:
                attributor.mark_stocker(track_id)
    belief = ledger.newest(LedgerKind.PLANOGRAM_BELIEF)
    if belief is not None:
        attributor.restore_belief(belief.payload)
    if not parties:
        return {}, []
    oldest_ns = min(party.entered_ns for party in parties.values())
    attributor.expect(track_id for party in parties.values() for track_id in party.track_ids)
    _restore_evidence(ledger, attributor, oldest_ns - margin_ns)
    return parties, _unmatched_exits(ledger, oldest_ns)


def _parties(ledger: Ledger) -> dict[str, Party]:
    """Return the parties that are in the store, or have left it and are not settled, by session id."""
    deduced = {event.session_id for event in ledger.events(LedgerKind.TRACKS_BOUND) if event.payload.get("deduced")}
    parties = {}
    for session in ledger.sessions(SessionState.ENTERED, SessionState.EXITED):
        party = Party.of(session)
        party.deduced = session.session_id in deduced
        if party.exited_ns:
            party.left = dict.fromkeys(party.track_ids, party.exited_ns)
        parties[session.session_id] = party
    return parties


def _restore_evidence(ledger: Ledger, attributor: ExplainsEvents, oldest_ns: int) -> None:
    """Give back to the attribution what it knew of the time since ``oldest_ns``, and weights it had not explained."""
    for event in ledger.events(LedgerKind.EVIDENCE):
        if event.payload["event"]["onset_ns"] >= oldest_ns:
            attributor.restore(event.payload)
    for event in ledger.events(LedgerKind.HANDS_MET):
        if event.payload["stamp_ns"] >= oldest_ns:
            attributor.restore_meeting(event.payload)
    for event in ledger.events(LedgerKind.WEIGHT_EVENT):
        if event.payload["onset_ns"] >= oldest_ns:
            attributor.add_event(weight_from(event.payload))


def _unmatched_exits(ledger: Ledger, oldest_ns: int) -> list[GateEvent]:
    """Return passages of an exit that the gate has written down and no session has claimed."""
    claimed = {event.stamp_ns for event in ledger.events(LedgerKind.SESSION_EXITED)}
    return [
        GateEvent(
            f"{event.payload['gate_id']}-{event.sequence:08d}",
            event.payload["gate_id"],
            event.stamp_ns,
            GateEventKind.EXITED,
        )
        for event in ledger.events(LedgerKind.GATE_EXITED)
        if event.stamp_ns >= oldest_ns and event.stamp_ns not in claimed
    ]
