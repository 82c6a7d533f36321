"""One party in the store: its session, its tracks, and its live cart."""

from __future__ import annotations

from dataclasses import dataclass, field

from walkout.carts.entries import Session
from walkout.carts.types import Cart, CartLine, CartState, PartyKind
from walkout.interactions.types import Interaction, InteractionKind
from walkout.store.model import Store


@dataclass
class Party:
    """The members of one session. Stamps are 0 while they have not come.

    ``deduced`` says that a member was lost inside and known again only because nobody else can have left.
    """

    session_id: str
    party_kind: PartyKind
    gate_id: str
    authorisation: str
    entered_ns: int
    track_ids: tuple[int, ...] = ()
    left: dict[int, int] = field(default_factory=dict)
    exited_ns: int = 0
    settled: bool = False
    in_review: bool = False
    given_up: bool = False
    deduced: bool = False
    final_lines: tuple[CartLine, ...] = ()

    @classmethod
    def of(cls, session: Session) -> Party:
        """Return the party of a session of the ledger."""
        return cls(
            session.session_id,
            session.party_kind,
            session.gate_id,
            session.authorisation,
            session.entered_ns,
            session.track_ids,
            exited_ns=session.exited_ns,
        )

    @property
    def cart_id(self) -> str:
        """The id of the party's cart."""
        return f"{self.session_id}-cart"

    @property
    def state(self) -> CartState:
        """How far the cart is."""
        if self.settled:
            return CartState.IN_REVIEW if self.in_review else CartState.SETTLED
        return CartState.SETTLING if self.exited_ns else CartState.OPEN


def live_lines(interactions: list[Interaction], track_ids: tuple[int, ...], store: Store) -> tuple[CartLine, ...]:
    """Return what a party most probably holds by now, sorted by name.

    ``interactions`` are the latest explanations in time order. A line's probability is that of all its parts.
    """
    counts: dict[str, int] = {}
    probabilities: dict[str, float] = {}
    ids: dict[str, list[str]] = {}
    for interaction in interactions:
        best = interaction.best
        if best.track_id not in track_ids or best.sku == "":
            continue
        change = {InteractionKind.TAKE: best.quantity, InteractionKind.RETURN: -best.quantity}.get(best.kind, 0)
        counts[best.sku] = max(0, counts.get(best.sku, 0) + change)
        probabilities[best.sku] = probabilities.get(best.sku, 1.0) * best.probability
        ids.setdefault(best.sku, []).append(interaction.interaction_id)
    lines = []
    for sku, count in counts.items():
        if count > 0:
            product = store.product_by_sku[sku]
            line = CartLine(sku, product.name, count, product.price_minor, probabilities[sku], tuple(ids[sku]))
            lines.append(line)
    return tuple(sorted(lines, key=lambda line: (line.name, line.sku)))


def cart_of(party: Party, lines: tuple[CartLine, ...], stamp_ns: int, currency: str) -> Cart:
    """Return the party's cart as it is published."""
    return Cart(
        party.cart_id,
        party.session_id,
        party.party_kind,
        party.state,
        stamp_ns,
        party.entered_ns,
        party.track_ids,
        lines,
        currency,
    )
