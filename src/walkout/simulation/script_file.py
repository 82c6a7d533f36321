"""The part of a scenario file about people: behaviour mixes, arrivals with their companions, and scripts."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from walkout.simulation.navigation import BODY_RADIUS_M, FloorMap
from walkout.simulation.scenario_model import Action, ActionKind, Arrival, Behaviour, Carried, Flow, Payment
from walkout.simulation.standing import spot_at, usable_spots
from walkout.simulation.yaml_tree import Tree, take
from walkout.store.documents import suggestion
from walkout.store.model import FixtureType, Store

PERSON = ("behaviour", "script", "name", "speed_m_s", "body", "carries")
CHILD_REACH_M = 1.2
"""A child gets nothing from shelves higher than this."""
GRASP_WIDTH_M = 0.24
"""So wide a row of items can be held in one grasp."""

_AT_LANE = ("sku", "lane", "stand_m", "meet")
_FIELDS = {
    ActionKind.TAKE: (*_AT_LANE, "quantity", "together", "hold_s", "door_open_s"),
    ActionKind.PUT_BACK: (*_AT_LANE, "quantity"),
    ActionKind.PUT_BACK_ELSEWHERE: (*_AT_LANE, "quantity"),
    ActionKind.TOUCH: (*_AT_LANE, "hold_s"),
    ActionKind.RESTOCK: ("lane", "quantity"),
    ActionKind.BREW: ("sku",),
    ActionKind.HAND_OVER: ("sku", "to"),
    ActionKind.RECEIVE: ("sku", "from"),
    ActionKind.DROP: ("sku",),
    ActionKind.PICK_UP: ("sku",),
    ActionKind.LOOK: ("fixture", "seconds"),
    ActionKind.HOLD_DOOR: ("fixture", "seconds"),
}
_REQUIRED = {
    ActionKind.PUT_BACK: ("sku",),
    ActionKind.PUT_BACK_ELSEWHERE: ("sku", "lane"),
    ActionKind.RESTOCK: ("lane",),
    ActionKind.BREW: ("sku",),
    ActionKind.HAND_OVER: ("sku", "to"),
    ActionKind.RECEIVE: ("sku", "from"),
    ActionKind.DROP: ("sku",),
    ActionKind.PICK_UP: ("sku",),
    ActionKind.LOOK: ("fixture",),
    ActionKind.HOLD_DOOR: ("fixture",),
}
_GIVES = (ActionKind.PUT_BACK, ActionKind.PUT_BACK_ELSEWHERE, ActionKind.HAND_OVER, ActionKind.DROP)
_GETS = (ActionKind.TAKE, ActionKind.RECEIVE, ActionKind.PICK_UP, ActionKind.BREW)


class ArrivalReader:
    """Reads who comes. With ``store`` (as it is truly stocked) products, lanes and places are checked as well."""

    def __init__(self, store: Store | None) -> None:
        """Begin without any behaviour but the default."""
        self._store = store
        self._mixes = {"default": Behaviour()}
        self._names: dict[str, Tree] = {}
        self._exchanges: list[tuple[str, Action, Tree]] = []

    def read(self, tree: Tree, behaviours: Tree | None) -> tuple[tuple[Arrival, ...], Flow | None]:
        """Return the list of arrivals, or the flow."""
        if behaviours is not None:
            for name, child in behaviours.fields(tuple(behaviours.keys())).items():
                self._mixes[name] = self._behaviour(child)
        if tree.is_mapping:
            return (), self._flow(tree)
        arrivals = [self._arrival(child) for child in tree.items()]
        self._check_exchanges()
        return tuple(sorted(arrivals, key=lambda arrival: arrival.at_s)), None

    # ---- people

    def _behaviour(self, tree: Tree) -> Behaviour:
        default = Behaviour()
        fields = tree.fields(tuple(Behaviour.__dataclass_fields__))
        values: dict[str, Any] = {}
        if "items" in fields:
            low, high = fields["items"].interval(0, 50)
            values["items"] = (int(low), int(high))
        for name in fields:
            if name.endswith("_probability"):
                values[name] = fields[name].number(0.0, 1.0)
        values["dwell_s"] = take(fields, "dwell_s", lambda child: child.interval(0.0, 60.0), default.dwell_s)
        values["speed_m_s"] = take(fields, "speed_m_s", lambda child: child.interval(0.3, 1.8), default.speed_m_s)
        values["categories"] = take(fields, "categories", self._categories, ())
        return Behaviour(**values)

    def _categories(self, tree: Tree) -> tuple[str, ...]:
        choices = sorted({product.category for product in self._store.products}) if self._store else ()
        return tuple(child.text(choices) for child in tree.items())

    def _flow(self, tree: Tree) -> Flow:
        allowed = ("rate_per_minute", "count", "first_at_s", "behaviour", "payment")
        fields = tree.fields(allowed, required=("rate_per_minute",))
        return Flow(
            rate_per_minute=fields["rate_per_minute"].number(0.01, 60.0),
            count=take(fields, "count", lambda child: child.integer(1, 100000), None),
            first_at_s=take(fields, "first_at_s", lambda child: child.number(0.0, 1e6), 1.0),
            behaviour=take(fields, "behaviour", self._pick_behaviour, self._mixes["default"]),
            payment=take(fields, "payment", _read_payment, Payment.OK),
        )

    def _arrival(self, tree: Tree) -> Arrival:
        allowed = ("at_s", "payment", "token", *PERSON, "companions", "tailgaters")
        fields = tree.fields(allowed, required=("at_s",))
        payment = take(fields, "payment", _read_payment, Payment.OK)
        arrival = replace(
            self._person(fields, payment),
            at_s=fields["at_s"].number(0.0, 1e6),
            payment=payment,
            token=take(fields, "token", Tree.text, ""),
        )
        companions = fields["companions"].items() if "companions" in fields else []
        tailgaters = fields["tailgaters"].items() if "tailgaters" in fields else []
        if tailgaters and payment is Payment.DECLINED:
            fields["tailgaters"].fail("have nobody to follow: the payment is declined", "use payment: ok")
        return replace(
            arrival,
            companions=tuple(self._companion(child, arrival) for child in companions),
            tailgaters=tuple(self._person(child.fields(PERSON), Payment.OK) for child in tailgaters),
        )

    def _companion(self, tree: Tree, leader: Arrival) -> Arrival:
        fields = tree.fields((*PERSON, "child"))
        child = take(fields, "child", Tree.boolean, False)
        person = self._person(fields, leader.payment, child)
        follows = "script" not in fields and "behaviour" not in fields
        return replace(person, at_s=leader.at_s, payment=leader.payment, child=child, follows=follows)

    def _person(self, fields: dict[str, Tree], payment: Payment, child: bool = False) -> Arrival:
        if "script" in fields and "behaviour" in fields:
            fields["behaviour"].fail("is given beside a script", "keep one of them")
        mix = take(fields, "behaviour", self._pick_behaviour, self._mixes["default"])
        if "speed_m_s" in fields:
            mix = replace(mix, speed_m_s=fields["speed_m_s"].interval(0.3, 1.8))
        name = self._name(fields["name"]) if "name" in fields else ""
        return Arrival(
            at_s=0.0,
            behaviour=mix,
            script=self._script(fields["script"], name, payment, child) if "script" in fields else None,
            body=take(fields, "body", lambda inner: inner.integer(0, 1000), None),
            name=name,
            carries=take(
                fields, "carries", lambda inner: Carried(inner.text([c.value for c in Carried])), Carried.NOTHING
            ),
        )

    def _name(self, tree: Tree) -> str:
        name = tree.text()
        if name in self._names:
            tree.fail(f"'{name}' is also the name in line {self._names[name].line}", "give everybody their own name")
        self._names[name] = tree
        return name

    def _pick_behaviour(self, tree: Tree) -> Behaviour:
        if tree.is_mapping:
            return self._behaviour(tree)
        return self._mixes[tree.text(self._mixes)]

    # ---- scripts

    def _script(self, tree: Tree, name: str, payment: Payment, child: bool) -> tuple[Action, ...]:
        actions: list[Action] = []
        held: Counter[str] = Counter()
        for item in tree.items():
            action = self._action(item)
            if self._store is not None:
                self._check_held(item, action, held, self._store)
                self._check_possible(item, action, payment, child, self._store)
            if action.person or action.meet or action.kind in (ActionKind.DROP, ActionKind.PICK_UP):
                self._exchanges.append((name, action, item))
            actions.append(action)
        return tuple(actions)

    def _action(self, tree: Tree) -> Action:
        if not tree.is_mapping:
            return Action(ActionKind(tree.text(["leave"])))
        fields = tree.fields([kind.value for kind in ActionKind])
        if len(fields) != 1:
            tree.fail(f"names {len(fields)} actions", "write one action a line")
        name, child = next(iter(fields.items()))
        kind = ActionKind(name)
        if kind is ActionKind.WAIT:
            return Action(kind, seconds=child.number(0.0, 3600.0))
        if kind is ActionKind.LEAVE:
            return Action(kind)
        if kind is ActionKind.MEET:
            return Action(kind, meet=child.text())
        if kind is ActionKind.WALK:
            point = [grand.number(-1000.0, 1000.0) for grand in child.items()]
            if len(point) != 2:
                child.fail("is not a point on the floor", "write [x, y] in metres")
            return Action(kind, point=(point[0], point[1]))
        return self._action_with_fields(child, kind)

    def _action_with_fields(self, tree: Tree, kind: ActionKind) -> Action:
        fields = tree.fields(_FIELDS[kind], required=_REQUIRED.get(kind, ()))
        if "sku" not in fields and "lane" not in fields and "fixture" not in fields:
            tree.fail("names no product", "add 'sku:' or 'lane:'")
        sku = self._sku(fields["sku"]) if "sku" in fields else ""
        lane_id = self._lane(fields["lane"]) if "lane" in fields else ""
        if self._store is not None and kind in (ActionKind.TAKE, ActionKind.PUT_BACK, ActionKind.TOUCH):
            self._check_on_shelf(fields, sku, lane_id, kind, self._store)
        seconds = 8.0 if kind is ActionKind.HOLD_DOOR else 2.0
        return Action(
            kind,
            sku=sku,
            lane_id=lane_id,
            quantity=take(fields, "quantity", lambda child: child.integer(1, 20), 1),
            seconds=take(fields, "seconds", lambda child: child.number(0.0, 600.0), seconds),
            fixture_id=self._fixture(fields["fixture"]) if "fixture" in fields else "",
            together=take(fields, "together", Tree.boolean, False),
            hold_s=take(fields, "hold_s", lambda child: child.number(0.0, 120.0), 0.0),
            stand_m=take(fields, "stand_m", lambda child: child.number(-0.42, 0.42), None),
            meet=take(fields, "meet", Tree.text, ""),
            person=take(fields, "to", Tree.text, "") or take(fields, "from", Tree.text, ""),
            door_open_s=take(fields, "door_open_s", lambda child: child.number(0.0, 600.0), 0.0),
        )

    def _fixture(self, tree: Tree) -> str:
        shelves = [f.fixture_id for f in self._store.fixtures if f.type is not FixtureType.WALL] if self._store else ()
        return tree.text(shelves)

    def _sku(self, tree: Tree) -> str:
        sku, store = tree.text(), self._store
        if store is not None and sku not in store.product_by_sku:
            reason = f"product '{sku}' is not in the catalogue{suggestion(sku, store.product_by_sku)}"
            tree.fail(reason, f"use a sku of the catalogue of store '{store.store_id}'")
        return sku

    def _lane(self, tree: Tree) -> str:
        lane_id, store = tree.text(), self._store
        if store is not None and lane_id not in store.lane_sites:
            reason = f"lane '{lane_id}' is not in store '{store.store_id}'{suggestion(lane_id, store.lane_sites)}"
            tree.fail(reason, "lanes are named <fixture>/<shelf>/<lane>")
        return lane_id

    # ---- what is possible

    @staticmethod
    def _check_held(tree: Tree, action: Action, held: Counter[str], store: Store) -> None:
        """Follow what the shopper holds, so that nobody gives away what they never took."""
        sku = action.sku
        if not sku and action.lane_id in store.facing_by_lane:
            sku = store.facing_by_lane[action.lane_id].sku
        if action.kind in _GETS:
            held[sku] += action.quantity
        elif action.kind in _GIVES:
            if held[sku] < action.quantity:
                verb = action.kind.value.replace("_", " ") if action.kind not in _GIVES[:2] else "put back"
                reason = f"cannot {verb} {action.quantity} of '{sku}': the shopper holds {held[sku]}"
                tree.fail(reason, "take it first")
            held[sku] -= action.quantity

    @staticmethod
    def _check_on_shelf(fields: dict[str, Tree], sku: str, lane_id: str, kind: ActionKind, store: Store) -> None:
        lanes = [facing.lane_id for facing in store.facings if facing.sku == sku]
        if lane_id and lane_id not in store.facing_by_lane and kind is not ActionKind.TOUCH:
            fields["lane"].fail(f"lane '{lane_id}' is empty", "name a lane with a product")
        if sku and not lanes:
            fields["sku"].fail(f"product '{sku}' is not on any shelf", "add it to the planogram or take another one")
        if sku and lane_id and lane_id not in lanes:
            there = store.facing_by_lane.get(lane_id)
            remedy = f"'{sku}' is in {', '.join(lanes)}"
            remedy += "; use put_back_elsewhere for a wrong place" if kind is ActionKind.PUT_BACK else ""
            fields["lane"].fail(f"lane '{lane_id}' holds '{there.sku if there else 'nothing'}', not '{sku}'", remedy)

    def _check_possible(self, tree: Tree, action: Action, payment: Payment, child: bool, store: Store) -> None:
        if action.kind is ActionKind.RESTOCK:
            if payment is not Payment.STAFF:
                tree.fail("restocks but is not of the staff", "add 'payment: staff'")
            if action.lane_id not in store.facing_by_lane:
                tree.fail(f"lane '{action.lane_id}' has no product to restock", "name a lane with a product")
        if action.kind is ActionKind.TAKE:
            self._check_quantity(tree, action, store)
        if action.kind is ActionKind.BREW and not self._lanes_of(action, store, FixtureType.COFFEE_MACHINE):
            tree.fail(f"'{action.sku}' comes from no coffee machine", "name a product whose lane is in one")
        if action.kind is ActionKind.HOLD_DOOR and not store.fixture_by_id[action.fixture_id].has_door:
            tree.fail(f"'{action.fixture_id}' has no door", "name a fridge with has_door: true")
        if action.door_open_s and not any(site.fixture.has_door for site in self._sites(action, store)):
            tree.fail("has door_open_s but nothing there has a door", "take something out of a fridge with a door")
        if child:
            high = [site for site in self._sites(action, store) if site.shelf.z > CHILD_REACH_M]
            if high and len(high) == len(self._sites(action, store)):
                name, height = high[0].lane.lane_id, high[0].shelf.z
                tree.fail(f"lane '{name}' is {height:g} m high", f"a child reaches {CHILD_REACH_M:g} m")
        self._check_reachable(tree, action, store)

    def _check_quantity(self, tree: Tree, action: Action, store: Store) -> None:
        lanes = self._lanes_of(action, store)
        most = sum(store.facing_by_lane[lane_id].capacity for lane_id in lanes)
        if action.quantity > most:
            tree.fail(f"takes {action.quantity} but {', '.join(lanes)} hold {most} at most", f"take {most} or fewer")
        product = store.product_by_sku[action.sku or store.facing_by_lane[lanes[0]].sku]
        width = product.size[1] * action.quantity
        if action.together and width > GRASP_WIDTH_M:
            fit = int(GRASP_WIDTH_M / product.size[1])
            reason = f"{action.quantity} of '{product.sku}' in one grasp are {width:.2f} m wide"
            tree.fail(reason, f"one hand holds {max(fit, 1)} of them")

    def _check_reachable(self, tree: Tree, action: Action, store: Store) -> None:
        if action.kind is ActionKind.WALK:
            goal = np.array(action.point)
            free = float(self._floor.exact_clearance(goal[None])[0]) > BODY_RADIUS_M
            if not free or self._floor.plan(self._inside, goal) is None:
                tree.fail(
                    f"nobody can get to {list(action.point)}", "name a free point of the floor (walkout store plan)"
                )
        for site in self._sites(action, store) if action.lane_id else ():
            spots = usable_spots(self._floor, site)
            if action.stand_m is not None:
                spots = spot_at(self._floor, site, action.stand_m)
            if not len(spots) or self._floor.plan(self._inside, spots[0]) is None:
                where = f" {action.stand_m:g} m beside it" if action.stand_m is not None else ""
                tree.fail(f"nobody can stand before lane '{action.lane_id}'{where}", "name another place or lane")

    @cached_property
    def _floor(self) -> FloorMap:
        assert self._store is not None
        return FloorMap(self._store)

    @property
    def _inside(self) -> Any:
        return next(portal.end for portal in self._floor.portals.values() if portal.direction.value == "entry")

    @staticmethod
    def _lanes_of(action: Action, store: Store, kind: FixtureType | None = None) -> list[str]:
        lanes = [action.lane_id] if action.lane_id else [f.lane_id for f in store.facings if f.sku == action.sku]
        return [lane_id for lane_id in lanes if kind is None or store.lane_sites[lane_id].fixture.type is kind]

    def _sites(self, action: Action, store: Store) -> list[Any]:
        if action.kind in (ActionKind.HAND_OVER, ActionKind.RECEIVE, ActionKind.DROP, ActionKind.PICK_UP):
            return []
        if not action.lane_id and not action.sku:
            return []
        return [store.lane_sites[lane_id] for lane_id in self._lanes_of(action, store)]

    def _check_exchanges(self) -> None:
        """Check across all scripts that givers, takers and meetings find each other."""
        meetings = Counter(action.meet for _, action, _ in self._exchanges if action.meet)
        passed = Counter(_exchange(name, action) for name, action, _ in self._exchanges if action.person)
        dropped = Counter(a.sku for _, a, _ in self._exchanges if a.kind is ActionKind.DROP)
        lifted = Counter(a.sku for _, a, _ in self._exchanges if a.kind is ActionKind.PICK_UP)
        for name, action, tree in self._exchanges:
            if action.meet and meetings[action.meet] < 2:
                tree.fail(f"nobody else comes to the meeting '{action.meet}'", "name it in the script of another one")
            if action.person:
                if action.person not in self._names:
                    reason = f"nobody is called '{action.person}'{suggestion(action.person, self._names)}"
                    tree.fail(reason, f"give an arrival 'name: {action.person}'")
                if not name:
                    tree.fail("the other one does not know this shopper", "give this arrival a name")
                key = _exchange(name, action)
                wanted = ActionKind.RECEIVE if action.kind is ActionKind.HAND_OVER else ActionKind.HAND_OVER
                if passed[key] % 2 or not any(
                    _exchange(n, a) == key and a.kind is wanted for n, a, _ in self._exchanges if a.person
                ):
                    side = "receive" if wanted is ActionKind.RECEIVE else "hand over"
                    tree.fail(
                        f"'{action.person}' does not {side} '{action.sku}'",
                        f"add it to the script of '{action.person}'",
                    )
            if action.kind is ActionKind.PICK_UP and lifted[action.sku] > dropped[action.sku]:
                tree.fail(f"nobody drops '{action.sku}'", "add a drop to a script")


def _exchange(name: str, action: Action) -> tuple[str, str, str]:
    """Return giver, taker and product."""
    giving = action.kind is ActionKind.HAND_OVER
    return (name, action.person, action.sku) if giving else (action.person, name, action.sku)


def _read_payment(tree: Tree) -> Payment:
    return Payment(tree.text([payment.value for payment in Payment]))
