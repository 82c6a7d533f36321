"""Parties from the gate to the receipt: who is who, what they hold, and charging it exactly once.

Every decision that must survive a crash is in the ledger before anything is done about it; the state held here is
rebuilt from there. Nothing but stamps passed as arguments tells the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from walkout.carts.binding import BindingParameters, PositionHistory, near_exit
from walkout.carts.checkout import make_sale, release
from walkout.carts.documents import weight_document
from walkout.carts.entries import Entry, LedgerKind, SessionState
from walkout.carts.explains import ExplainsEvents
from walkout.carts.ledger import Ledger
from walkout.carts.outbox import OutboxParameters, PaymentOutbox
from walkout.carts.party import Party, cart_of, live_lines
from walkout.carts.payment import PaymentProvider
from walkout.carts.restore import restore
from walkout.carts.settlement import SettlementParameters, settle
from walkout.carts.types import Cart, CartLine, GateEvent, GateEventKind, PartyKind, Receipt, Review
from walkout.interactions.types import Interaction, VisitEstimate, WeightEvent
from walkout.store.model import Store
from walkout.tracking.types import Shoppers

_ENTRY_MARGIN_NS = 2_000_000_000
_EXIT_MARGIN_NS = 2_000_000_000
_SET_BACK_NS = 60_000_000_000
_LONGEST_VISIT_NS = 4 * 3_600_000_000_000
_LOOK_NS = 1_000_000_000


@dataclass(frozen=True)
class CartParameters:
    """How visits are settled.

    Attributes:
        binding: how tracks are tied to passages.
        settlement: what mistakes cost.
        outbox: how the payment provider is asked.
        settle_s: a visit is settled this long after the exit at the earliest,
        settle_limit_s: and at the latest this long after it, even when a weight has not settled.
        vanished_s: a party whose tracks vanished near an exit this long ago has left.
        vanished_m: how near that is.
        abandoned_s: a party whose tracks vanished elsewhere is settled after this time, for a person to look at.
        linger_s: a settled cart is shown for this long.
    """

    binding: BindingParameters = field(default_factory=BindingParameters)
    settlement: SettlementParameters = field(default_factory=SettlementParameters)
    outbox: OutboxParameters = field(default_factory=OutboxParameters)
    settle_s: float = 2.5
    settle_limit_s: float = 8.0
    vanished_s: float = 15.0
    vanished_m: float = 2.0
    abandoned_s: float = 900.0
    linger_s: float = 60.0

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        for name in ("settle_s", "vanished_s", "vanished_m", "abandoned_s", "linger_s"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name)}: must be positive")
        if self.settle_limit_s < self.settle_s:
            raise ValueError(f"settle_limit_s ({self.settle_limit_s}) must not be shorter than settle_s")

    RANGES: ClassVar[Mapping[str, tuple[float, float]]] = {
        "settle_s": (0.1, 60),
        "settle_limit_s": (0.1, 300),
        "vanished_s": (0.5, 600),
        "vanished_m": (0.1, 20),
        "abandoned_s": (10, 86400),
        "linger_s": (1, 3600),
    }


@dataclass(frozen=True)
class CartOutput:
    """What is new: explained events, carts that changed, receipts issued or paid, reviews opened."""

    interactions: tuple[Interaction, ...] = ()
    carts: tuple[Cart, ...] = ()
    receipts: tuple[Receipt, ...] = ()
    reviews: tuple[Review, ...] = ()


class CartManager:
    """Runs the carts of a store."""

    def __init__(
        self,
        parameters: CartParameters,
        store: Store,
        ledger: Ledger,
        provider: PaymentProvider,
        attributor: ExplainsEvents,
    ) -> None:
        """Take up the sessions that were open when the ledger was last used, and what is known of them."""
        self._p = parameters
        self._store = store
        self._ledger = ledger
        self._attributor = attributor
        self._outbox = PaymentOutbox(parameters.outbox, ledger, provider)
        self._positions = PositionHistory(parameters.binding)
        self._tailgaters: list[GateEvent] = []
        self._strangers: set[int] = set()
        self._interactions: dict[str, Interaction] = {}
        self._shown: dict[str, Cart] = {}
        self._settled_ns: dict[str, int] = {}
        self._delivering: list[Receipt] = []
        self._undelivered_known = False
        self._now_ns = -1
        self._look_ns = -1
        self._parties, self._exits = restore(ledger, attributor, _ENTRY_MARGIN_NS)

    @property
    def payment_error(self) -> str:
        """The last error of the payment provider, "" when it works."""
        return self._outbox.last_error

    def add_gate_event(self, event: GateEvent) -> None:
        """Take what happened at a gate; an event that came before is ignored."""
        if event.kind is GateEventKind.ENTERED and event.session_id not in self._parties:
            self._open(event)
        elif event.kind is GateEventKind.EXITED and event not in self._exits:
            self._exits.append(event)
        elif event.kind is GateEventKind.TAILGATED and event not in self._tailgaters:
            self._tailgaters.append(event)

    def add_shoppers(self, shoppers: Shoppers) -> None:
        """Take where everybody is."""
        self._positions.add(shoppers)
        self._attributor.add_shoppers(shoppers)

    def add_event(self, event: WeightEvent) -> None:
        """Take a weight event, provisional or final; a final one is written down before anything is made of it."""
        if not event.provisional and event.delta_g != 0:
            key = f"weight:{event.event_id}"
            self._ledger.append(Entry(LedgerKind.WEIGHT_EVENT, event.end_ns, "", weight_document(event), key))
        self._attributor.add_event(event)

    def set_dead_lanes(self, fixture_id: str, lane_ids: Iterable[str]) -> None:
        """Take which lanes of a fixture weigh nothing at present."""
        self._attributor.set_dead_lanes(fixture_id, lane_ids)

    def advance(self, now_ns: int) -> CartOutput:
        """Do everything that is due and return what is new since the last call."""
        if self._now_ns < 0:
            self._close_former_clock(now_ns)
        self._now_ns = now_ns
        self._confirm_delivery(now_ns)
        self._bind(now_ns)
        self._match_exits(now_ns)
        self._notice_vanished(now_ns)
        interactions = self._attributor.advance(now_ns)
        self._remember(interactions, now_ns)
        reviews: list[Review] = []
        for party in list(self._parties.values()):
            if not party.settled and party.exited_ns and self._due(party, now_ns):
                reviews += self._settle(party, now_ns)
        if now_ns >= self._look_ns:
            # The gate, a process of its own, writes requests into the ledger too.
            self._outbox.notice()
            self._look_ns = now_ns + _LOOK_NS
        if self._outbox.advance(now_ns):
            self._undelivered_known = False
        return CartOutput(
            tuple(interactions), tuple(self._changed_carts(now_ns)), tuple(self._new_receipts()), tuple(reviews)
        )

    def carts(self, now_ns: int) -> tuple[Cart, ...]:
        """Return all carts that are open or were settled a moment ago, by session."""
        return tuple(self._cart(party, now_ns) for _, party in sorted(self._parties.items()))

    # ---- entering and leaving

    def _open(self, event: GateEvent) -> None:
        session = self._ledger.session(event.session_id)
        if session is not None and session.state not in (SessionState.AUTHORISED, SessionState.ENTERED):
            return
        if session is None or session.state is SessionState.AUTHORISED:
            payload = {"gate_id": event.gate_id, "party_kind": int(event.party_kind)}
            key = f"entered:{event.session_id}"
            self._ledger.append(Entry(LedgerKind.SESSION_ENTERED, event.stamp_ns, event.session_id, payload, key))
            session = self._ledger.session(event.session_id)
        if session is not None:
            self._parties[event.session_id] = Party.of(session)

    def _bind(self, now_ns: int) -> None:
        """Tie sessions and tailgaters to the tracks that walked through the gate, in the order of their passages."""
        passages: list[tuple[int, str, Party | None]] = [
            (p.entered_ns, p.gate_id, p)
            for p in self._parties.values()
            if not p.track_ids and not p.exited_ns and not p.given_up
        ]
        passages += [(e.stamp_ns, e.gate_id, None) for e in self._tailgaters]
        for stamp_ns, gate_id, party in sorted(passages, key=lambda entry: entry[:2]):
            if not self._positions.decided(stamp_ns, now_ns):
                break
            free = self._positions.tracks() - self._bound() - self._strangers
            track_id = self._positions.nearest(self._store.fixture_by_id[gate_id], stamp_ns, free, entering=True)
            given_up = self._positions.given_up(stamp_ns, now_ns)
            if track_id is None and given_up and len(passages) == 1 and len(free) == 1:
                # Nobody was watched at that moment (a restart); one passage and one unknown shopper belong together.
                track_id = next(iter(self._positions.from_entry(free)), None)
            if party is None:
                if track_id is not None:
                    self._strangers.add(track_id)
                if track_id is not None or given_up:
                    self._tailgaters = [e for e in self._tailgaters if (e.stamp_ns, e.gate_id) != (stamp_ns, gate_id)]
            elif track_id is not None:
                self._ledger.append(self._tie(party, track_id, now_ns))
            else:
                party.given_up = given_up

    def _tie(self, party: Party, track_id: int, now_ns: int) -> Entry:
        """Let a track be a party's; return what must be written of it."""
        party.track_ids = (*party.track_ids, track_id)
        if party.party_kind is PartyKind.STAFF:
            self._attributor.mark_stocker(track_id)
        payload = {"track_ids": list(party.track_ids), "deduced": party.deduced}
        return Entry(LedgerKind.TRACKS_BOUND, now_ns, party.session_id, payload)

    def _bound(self) -> set[int]:
        return {track_id for party in self._parties.values() for track_id in party.track_ids}

    def _match_exits(self, now_ns: int) -> None:
        """Find out whose track left at each passage of an exit."""
        waiting = []
        for event in sorted(self._exits, key=lambda e: e.stamp_ns):
            if not self._positions.decided(event.stamp_ns, now_ns):
                waiting.append(event)
                continue
            owner = self._leaver(event)
            given_up = self._positions.given_up(event.stamp_ns, now_ns)
            adopted: tuple[Entry, ...] = ()
            if owner is None and given_up:
                owner = self._only_one_gone(event.stamp_ns)
                adopted = self._adopt(owner[0], event) if owner is not None else ()
            if owner is not None:
                self._leave(*owner, event.stamp_ns, adopted)
            elif not given_up:
                waiting.append(event)
        self._exits = waiting

    def _leaver(self, event: GateEvent) -> tuple[Party, int] | None:
        """Return the party and the track that left, judged by the track at the gate and by whom it may be."""
        inside = {
            track_id: party
            for party in self._parties.values()
            if not party.exited_ns
            for track_id in party.track_ids
            if track_id not in party.left
        }
        gate = self._store.fixture_by_id[event.gate_id]
        seen = self._positions.tracks() - {t for p in self._parties.values() for t in p.left}
        at_gate = self._positions.nearest(gate, event.stamp_ns, seen, entering=False)
        if at_gate is None:
            return None
        for track_id, _ in sorted(self._positions.identities(at_gate), key=lambda entry: -entry[1]):
            if track_id in inside:
                return inside[track_id], track_id
        if at_gate in self._strangers:
            return None
        nearest = self._positions.nearest(gate, event.stamp_ns, inside.keys(), entering=False)
        return None if nearest is None else (inside[nearest], nearest)

    def _only_one_gone(self, stamp_ns: int) -> tuple[Party, int] | None:
        """Return whose track is no longer seen, when that is one only: nobody was watched at the exit (a restart)."""
        gone = [
            (party, track_id)
            for party in self._parties.values()
            if not party.exited_ns and party.entered_ns < stamp_ns
            for track_id in party.track_ids
            if track_id not in party.left and not self._positions.seen_after(track_id, stamp_ns + _EXIT_MARGIN_NS)
        ]
        return gone[0] if len(gone) == 1 else None

    def _adopt(self, party: Party, event: GateEvent) -> tuple[Entry, ...]:
        """Tie the unknown track at the exit to the party that is the only one gone: the tracker had lost it inside.

        Returns what must be written together with the party's exit: half of it would leave a track that never exits.
        """
        unknown = self._positions.tracks() - self._bound() - self._strangers
        track_id = self._positions.nearest(self._store.fixture_by_id[event.gate_id], event.stamp_ns, unknown, False)
        if track_id is None or not party.track_ids:
            return ()
        party.deduced = True
        party.left[track_id] = event.stamp_ns
        return (self._tie(party, track_id, event.stamp_ns),)

    def _leave(self, party: Party, track_id: int, stamp_ns: int, entries: tuple[Entry, ...] = ()) -> None:
        """Note that a track has left, and write it down with ``entries`` once the whole party has."""
        party.left[track_id] = stamp_ns
        if set(party.left) >= set(party.track_ids):
            party.exited_ns = max(party.left.values())
            key = f"exited:{party.session_id}"
            entries += (Entry(LedgerKind.SESSION_EXITED, party.exited_ns, party.session_id, key=key),)
        if entries:
            self._ledger.append(*entries)

    def _notice_vanished(self, now_ns: int) -> None:
        """Let parties leave whose tracks ended at an exit, and those that have been gone for long."""
        for party in self._parties.values():
            if party.exited_ns:
                continue
            for track_id in [t for t in party.track_ids if t not in party.left]:
                seen = self._positions.last_seen(track_id)
                if seen is None:
                    continue
                gone_s = (self._positions.newest_ns - seen[0]) * 1e-9
                if gone_s > self._p.vanished_s and near_exit(self._store, seen[1], seen[2], self._p.vanished_m):
                    self._leave(party, track_id, seen[0])
            newest = max([party.entered_ns, *(s[0] for s in map(self._positions.last_seen, party.track_ids) if s)])
            party_gone = not any(self._positions.last_seen(t) for t in party.track_ids)
            if party_gone and now_ns - newest > self._p.abandoned_s * 1e9:
                for track_id in party.track_ids or (0,):
                    self._leave(party, track_id, now_ns)

    # ---- carts

    def _remember(self, interactions: list[Interaction], now_ns: int) -> None:
        entries = []
        for met in self._attributor.take_meetings():
            key = f"met:{met.stamp_ns}:{met.first_id}:{met.second_id}"
            entries.append(Entry(LedgerKind.HANDS_MET, now_ns, "", met.to_document(), key))
        for interaction in interactions:
            self._interactions[interaction.interaction_id] = interaction
            document = self._attributor.evidence_document(interaction.interaction_id)
            if document is not None:
                # Who turns out to be another, or to have been exchanged, changes it: then it is written down again.
                tracks = ",".join(f"{track['track_id']}:{track['log_ratio']:.1f}" for track in document["tracks"])
                key = f"evidence:{interaction.event.event_id}:{tracks}"
                entries.append(Entry(LedgerKind.EVIDENCE, now_ns, "", document, key))
        if entries:
            self._ledger.append(*entries)

    def _cart(self, party: Party, now_ns: int) -> Cart:
        if party.settled:
            return cart_of(party, party.final_lines, now_ns, self._store.currency)
        mine = sorted(self._interactions.values(), key=lambda i: (i.event.onset_ns, i.interaction_id))
        return cart_of(party, live_lines(mine, party.track_ids, self._store), now_ns, self._store.currency)

    def _changed_carts(self, now_ns: int) -> list[Cart]:
        changed = []
        for session_id, party in sorted(self._parties.items()):
            cart, shown = self._cart(party, now_ns), self._shown.get(session_id)
            if shown is None or (cart.lines, cart.state, cart.track_ids) != (shown.lines, shown.state, shown.track_ids):
                self._shown[session_id] = cart
                changed.append(cart)
        for session_id, settled_ns in list(self._settled_ns.items()):
            if now_ns - settled_ns > self._p.linger_s * 1e9:
                self._drop(session_id)
        return changed

    def _drop(self, session_id: str) -> None:
        del self._parties[session_id], self._settled_ns[session_id]
        self._shown.pop(session_id, None)
        oldest_ns = min([p.entered_ns for p in self._parties.values()], default=self._now_ns)
        for key in [k for k, i in self._interactions.items() if i.event.end_ns < oldest_ns - 60_000_000_000]:
            del self._interactions[key]

    # ---- settling

    def _due(self, party: Party, now_ns: int) -> bool:
        waited_s = (now_ns - party.exited_ns) * 1e-9
        if waited_s < self._p.settle_s:
            return False
        return waited_s >= self._p.settle_limit_s or not self._attributor.unsettled(now_ns)

    def _settle(self, party: Party, now_ns: int) -> list[Review]:
        """Re-estimate the visit, write down the receipt and the payment to be made in one transaction."""
        visit = self._attributor.estimate_visit(
            party.track_ids, party.entered_ns - _ENTRY_MARGIN_NS, party.exited_ns + _ENTRY_MARGIN_NS
        )
        for interaction in visit.interactions:
            self._interactions[interaction.interaction_id] = interaction
        belief = Entry(LedgerKind.PLANOGRAM_BELIEF, now_ns, "", self._attributor.belief_document())
        if party.party_kind is PartyKind.STAFF:
            closed = Entry(LedgerKind.SESSION_CLOSED, now_ns, party.session_id, key=f"closed:{party.session_id}")
            self._ledger.append(closed, belief, *release(party, "", now_ns))
            self._finish(party, (), now_ns, in_review=False)
            return []
        settlement = settle(visit, self._store, self._p.settlement)
        sale = make_sale(party, settlement, now_ns, self._store.currency, self._met_carts(party, visit))
        self._ledger.append(*sale.entries, belief)
        self._finish(party, sale.receipt.lines, now_ns, in_review=bool(sale.reviews))
        return list(sale.reviews)

    def _met_carts(self, party: Party, visit: VisitEstimate) -> tuple[str, ...]:
        """Return the carts of those whose hands the party's have met: what is doubtful here may be there."""
        tracks = {track for met in visit.met for track in met.tracks} - set(party.track_ids)
        others = [other for other in self._parties.values() if tracks & set(other.track_ids)]
        unknown = tracks - {track for other in others for track in other.track_ids}
        return tuple(sorted(other.cart_id for other in others) + ["somebody who left or has no cart"] * bool(unknown))

    def _finish(self, party: Party, lines: tuple[CartLine, ...], now_ns: int, in_review: bool) -> None:
        self._attributor.commit(party.track_ids, [line.sku for line in lines])
        party.settled, party.in_review, party.final_lines = True, in_review, lines
        self._settled_ns[party.session_id] = now_ns
        self._undelivered_known = False
        self._outbox.notice()

    # ---- receipts

    def _new_receipts(self) -> list[Receipt]:
        """Return receipts nobody was told of; they count as told once the next call comes, so none is lost."""
        if self._undelivered_known:
            return []
        self._undelivered_known = True
        self._delivering = self._ledger.undelivered_receipts()
        return self._delivering

    def _confirm_delivery(self, now_ns: int) -> None:
        entries = [
            Entry(
                LedgerKind.RECEIPT_DELIVERED,
                now_ns,
                receipt.session_id,
                {"receipt_id": receipt.receipt_id, "payment_state": int(receipt.payment_state)},
            )
            for receipt in self._delivering
        ]
        if entries:
            self._ledger.append(*entries)
        self._delivering = []

    # ---- restart

    def _close_former_clock(self, now_ns: int) -> None:
        """Settle at once what was left open when the clock was set back: those visits will never see their exit."""
        for party in self._parties.values():
            if party.entered_ns > now_ns + _SET_BACK_NS:
                party.exited_ns = party.exited_ns or party.entered_ns + _LONGEST_VISIT_NS
                party.left = dict.fromkeys(party.track_ids, party.exited_ns)
                key = f"exited:{party.session_id}"
                self._ledger.append(Entry(LedgerKind.SESSION_EXITED, party.exited_ns, party.session_id, key=key))
                self._settle(party, now_ns)
