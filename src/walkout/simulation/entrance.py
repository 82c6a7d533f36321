"""How people come in: who waits outside, who follows whom, and whose turn it is in the way of a gate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from walkout.simulation.appearance import sample_appearance
from walkout.simulation.arrivals import ArrivalStream, Newcomer, Spare
from walkout.simulation.behaviour import Shopper
from walkout.simulation.body_points import BodyModel
from walkout.simulation.load_cells import stream
from walkout.simulation.navigation import Portal
from walkout.simulation.people import Walker
from walkout.simulation.scenario_model import Payment
from walkout.simulation.truth import TrueVisit, VisitKind

if TYPE_CHECKING:
    from walkout.simulation.world import World


class Entrance:
    """Lets people appear before the entry, one after the other; a gate's way belongs to one person at a time."""

    def __init__(self, world: World, bodies: BodyModel, spares: Sequence[tuple[int, Spare]]) -> None:
        """Begin before anybody has come. ``spares`` are rows of items with whom they belong to."""
        self._world = world
        self._bodies = bodies
        self._spares = spares
        self._arrivals = ArrivalStream(world.scenario, world.seed)
        self._waiting: list[Newcomer] = []
        self._tailgaters: list[Newcomer] = []
        self._owner: dict[str, int] = {}
        self._heirs: dict[str, list[int]] = {}

    @property
    def over(self) -> bool:
        """Whether nobody waits and nobody comes any more."""
        return self._arrivals.exhausted and not (self._waiting or self._tailgaters)

    def expected(self, leader: int) -> bool:
        """Whether somebody who came with this visitor is still outside."""
        return any(newcomer.leader == leader for newcomer in self._waiting)

    def claim(self, portal: Portal, visit_id: int) -> bool:
        """Claim a gate's way for one person; False while somebody else has it."""
        return self._owner.setdefault(portal.gate_id, visit_id) == visit_id

    def leave(self, portal: Portal, visit_id: int) -> None:
        """Give a gate's way free, or to who slips in behind."""
        heirs = self._heirs.get(portal.gate_id, [])
        if visit_id in heirs:
            heirs.remove(visit_id)
        if self._owner.get(portal.gate_id) == visit_id:
            del self._owner[portal.gate_id]
            if heirs:
                self._owner[portal.gate_id] = heirs.pop(0)

    def step(self) -> None:
        """Let those appear whose turn it is."""
        for newcomer in self._arrivals.due(self._world.now_ns):
            (self._tailgaters if newcomer.tailgates else self._waiting).append(newcomer)
        for newcomer in list(self._tailgaters):
            self._let_follow(newcomer)
        portal = self._world.entry_portal
        if not self._waiting or portal.gate_id in self._owner:
            return
        newcomer = self._waiting[0]
        if newcomer.leader and self._world.truth.visits[newcomer.leader].denied:
            self._waiting.pop(0)
        elif newcomer.leader or len(self._world.shoppers) < self._world.scenario.most_people:
            self._waiting.pop(0)
            self._appear(newcomer, portal)
            self._owner[portal.gate_id] = newcomer.number

    def _let_follow(self, newcomer: Newcomer) -> None:
        """Let who slips in behind somebody appear once that one stands before the gate."""
        visit = self._world.truth.visits.get(newcomer.leader)
        leader = self._world.shoppers.get(newcomer.leader)
        portal = self._world.entry_portal
        if visit is not None and (visit.denied or leader is None):
            self._tailgaters.remove(newcomer)
        elif leader is not None and leader.tapped and self._start_free(portal):
            self._tailgaters.remove(newcomer)
            self._appear(newcomer, portal)
            self._heirs.setdefault(portal.gate_id, []).append(newcomer.number)

    def _start_free(self, portal: Portal) -> bool:
        return all(np.hypot(*(walker.position - portal.start)) > 0.6 for walker in self._world.walkers())

    def _appear(self, newcomer: Newcomer, portal: Portal) -> None:
        world, number, arrival = self._world, newcomer.number, newcomer.arrival
        generator = stream(world.seed, "person", str(number))
        tailor = stream(world.seed, "looks", str(number))
        sizes = self._bodies.children() if arrival.child else self._bodies.adults()
        body = int(tailor.choice(sizes)) if arrival.body is None else arrival.body
        looks = sample_appearance(tailor, body)
        used = {shopper.walker.person_id for shopper in world.shoppers.values()}
        person_id = next(i for i in ((number - 1 + k) % 255 + 1 for k in range(255)) if i not in used)
        visit = world.truth.visits[number] = self._new_visit(newcomer, person_id)
        forward = portal.centre - portal.start
        walker = Walker(
            person_id,
            looks,
            portal.start.copy(),
            float(np.arctan2(forward[1], forward[0])),
            float(generator.uniform(*arrival.behaviour.speed_m_s)),
            bool(generator.random() < 0.88),
            self._bodies.stature(looks),
            self._bodies.cycle_length(looks),
        )
        shopper = Shopper(world, walker, generator, arrival, visit, world.shoppers.get(newcomer.leader))
        for row, spare in self._spares:
            if spare.number == number:
                (shopper.cups if spare.made else shopper.bag).append(row)
        world.shoppers[number] = shopper

    def _new_visit(self, newcomer: Newcomer, person_id: int) -> TrueVisit:
        world, number, arrival = self._world, newcomer.number, newcomer.arrival
        visit = TrueVisit(number, person_id, "", world.now_ns, child=arrival.child)
        visit.token = arrival.token or f"{arrival.payment.value}-{world.seed}-{number}"
        visit.kind = VisitKind.STAFF if arrival.payment is Payment.STAFF else VisitKind.SHOPPER
        if newcomer.tailgates:
            visit.kind, visit.token = VisitKind.TAILGATER, ""
        elif newcomer.leader:
            visit.party_id, visit.token = newcomer.leader, world.truth.visits[newcomer.leader].token
        visit.basket = Counter(spare.sku for _, spare in self._spares if spare.number == number and not spare.made)
        return visit
