"""Scenario files: who comes when, what they do, how they pay, and how good the sensors are.

A scenario is YAML; ``docs/simulation.md`` lists its fields. Everything is checked against the store, so that a product
that is on no shelf is an error with file, line and remedy before anything starts.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Any

from walkout.simulation.scene import Lighting
from walkout.simulation.yaml_tree import ScenarioError, Tree, did_you_mean, read_tree, take
from walkout.store.model import FixtureType, Store

__all__ = [
    "Action",
    "ActionKind",
    "Arrival",
    "Behaviour",
    "Flow",
    "LoadCellOptions",
    "Payment",
    "Scenario",
    "ScenarioError",
    "Suite",
    "load_scenario",
    "scenario_path",
]

FIELDS = (
    "name",
    "description",
    "store",
    "seed",
    "duration_s",
    "lighting",
    "fill",
    "behaviours",
    "arrivals",
    "load_cells",
    "suite",
)

SUITE_FIRST_SEED = 5000
"""Seeds of the evaluation suite start here, away from those of training and of choosing parameters."""


class ActionKind(Enum):
    """What a scripted shopper can do."""

    TAKE = "take"
    PUT_BACK = "put_back"
    PUT_BACK_ELSEWHERE = "put_back_elsewhere"
    TOUCH = "touch"
    WAIT = "wait_s"
    LOOK = "look"
    WALK = "walk"
    LEAVE = "leave"


class Payment(Enum):
    """What a shopper's token is worth to the payment provider."""

    OK = "ok"
    DECLINED = "declined"
    STAFF = "staff"


@dataclass(frozen=True)
class Action:
    """One step of a script. Which fields count depends on the kind."""

    kind: ActionKind
    sku: str = ""
    lane_id: str = ""
    quantity: int = 1
    seconds: float = 0.0
    fixture_id: str = ""
    point: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Behaviour:
    """A mix that shoppers without a script draw their visit from. Intervals are inclusive."""

    items: tuple[int, int] = (2, 5)
    multi_take_probability: float = 0.15
    put_back_probability: float = 0.0
    put_back_elsewhere_probability: float = 0.0
    touch_probability: float = 0.1
    browse_probability: float = 0.3
    dwell_s: tuple[float, float] = (0.4, 2.5)
    speed_m_s: tuple[float, float] = (0.75, 1.2)
    categories: tuple[str, ...] = ()


@dataclass(frozen=True)
class Arrival:
    """One shopper: when they come to the gate, how they pay, and a script or else a behaviour mix."""

    at_s: float
    behaviour: Behaviour = Behaviour()
    script: tuple[Action, ...] | None = None
    payment: Payment = Payment.OK
    token: str = ""
    body: int | None = None


@dataclass(frozen=True)
class Flow:
    """Shoppers who keep coming: a Poisson stream of ``rate_per_minute``, ended by ``count`` when it is given."""

    rate_per_minute: float
    count: int | None = None
    first_at_s: float = 1.0
    behaviour: Behaviour = Behaviour()
    payment: Payment = Payment.OK


@dataclass(frozen=True)
class LoadCellOptions:
    """How good the load cells are, in grams. A share of the plates is noisy, as in real stores."""

    noise_g: tuple[float, float] = (0.5, 1.4)
    noisy_share: float = 0.0
    noisy_g: float = 7.0
    drift_g_per_hour: float = 15.0
    cross_talk: tuple[float, float] = (0.01, 0.03)
    push_g: float = 130.0
    quantisation_g: float = 0.0


@dataclass(frozen=True)
class Suite:
    """What makes a scenario a part of the evaluation suite: the class it stands for and the seeds to run it with."""

    name: str
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class Scenario:
    """A validated scenario. ``duration_s`` None runs until everybody who comes has left."""

    name: str
    store: str
    seed: int = 1
    duration_s: float | None = None
    description: str = ""
    lighting: Lighting = field(default_factory=Lighting)
    fill: tuple[float, float] = (0.6, 1.0)
    arrivals: tuple[Arrival, ...] = ()
    flow: Flow | None = None
    load_cells: LoadCellOptions = field(default_factory=LoadCellOptions)
    suite: Suite | None = None


def scenario_path(name: str | os.PathLike[str]) -> Path:
    """Return the file of a scenario named by a path or by a name in ``config/scenarios`` (``suite/one_shopper``)."""
    path = Path(name)
    if path.suffix in (".yaml", ".yml") or path.exists():
        return path
    folder = scenario_folder()
    found = folder / f"{name}.yaml"
    if found.exists():
        return found
    known = sorted(str(file.relative_to(folder).with_suffix("")) for file in folder.rglob("*.yaml"))
    remedy = f"{did_you_mean(str(name), known)}known scenarios: {', '.join(known) or 'none'}; or give a .yaml file"
    raise ScenarioError(f"scenario '{name}' is not there; {remedy}")


def scenario_folder() -> Path:
    """Return the folder of the scenarios that come with the package (source tree or installed share)."""
    here = Path(__file__).resolve()
    candidates = [parent / "config" / "scenarios" for parent in here.parents]
    candidates += [Path(prefix) / "share/walkout/config/scenarios" for prefix in _ament_prefixes()]
    return next((folder for folder in candidates if folder.is_dir()), candidates[0])


def _ament_prefixes() -> list[str]:
    return [prefix for prefix in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if prefix]


def load_scenario(name: str | os.PathLike[str], store: Store | None = None) -> Scenario:
    """Read and validate a scenario; with ``store`` also that its products, lanes and fixtures exist there.

    Raises ScenarioError.
    """
    path = scenario_path(name)
    root = read_tree(path, "scenario")
    fields = root.fields(FIELDS, required=("store", "arrivals"))
    mixes = _read_behaviours(fields, store)
    arrivals, flow = _read_arrivals(fields["arrivals"], mixes, store)
    scenario = Scenario(
        name=take(fields, "name", Tree.text, path.stem),
        description=take(fields, "description", Tree.text, ""),
        store=fields["store"].text(),
        seed=take(fields, "seed", lambda tree: tree.integer(0, 2**31 - 1), 1),
        duration_s=take(fields, "duration_s", lambda tree: tree.number(1.0, 1e6), None),
        lighting=take(fields, "lighting", _read_lighting, Lighting()),
        fill=take(fields, "fill", lambda tree: tree.interval(0.0, 1.0), (0.6, 1.0)),
        arrivals=arrivals,
        flow=flow,
        load_cells=take(fields, "load_cells", _read_load_cells, LoadCellOptions()),
        suite=take(fields, "suite", _read_suite, None),
    )
    if store is not None and scenario.store != store.store_id:
        reason = f"is '{scenario.store}' but the store is '{store.store_id}'"
        fields["store"].fail(reason, "use a scenario of this store")
    return scenario


def _read_suite(tree: Tree) -> Suite:
    fields = tree.fields(("class", "seeds"), required=("class", "seeds"))
    seeds = tuple(child.integer(SUITE_FIRST_SEED, 2**31 - 1) for child in fields["seeds"].items())
    if not seeds or len(set(seeds)) < len(seeds):
        fields["seeds"].fail("is empty or repeats a seed", "write one or more different seeds")
    return Suite(fields["class"].text(), seeds)


def _read_lighting(tree: Tree) -> Lighting:
    fields = tree.fields(("brightness", "warmth", "key_direction"))
    return Lighting(
        brightness=take(fields, "brightness", lambda child: child.number(0.1, 3.0), 1.0),
        warmth=take(fields, "warmth", lambda child: child.number(-1.0, 1.0), 0.0),
        key_direction=take(fields, "key_direction", _read_direction, Lighting().key_direction),
    )


def _read_direction(tree: Tree) -> tuple[float, float, float]:
    values = [child.number(-1.0, 1.0) for child in tree.items()]
    if len(values) != 3 or values[2] <= 0.0:
        tree.fail("is not a direction towards a light", "write [x, y, z] with z above 0")
    return values[0], values[1], values[2]


def _read_load_cells(tree: Tree) -> LoadCellOptions:
    default = LoadCellOptions()
    fields = tree.fields(tuple(LoadCellOptions.__dataclass_fields__))
    return LoadCellOptions(
        noise_g=take(fields, "noise_g", lambda child: child.interval(0.0, 50.0), default.noise_g),
        noisy_share=take(fields, "noisy_share", lambda child: child.number(0.0, 1.0), default.noisy_share),
        noisy_g=take(fields, "noisy_g", lambda child: child.number(0.0, 100.0), default.noisy_g),
        drift_g_per_hour=take(fields, "drift_g_per_hour", lambda c: c.number(0.0, 1000.0), default.drift_g_per_hour),
        cross_talk=take(fields, "cross_talk", lambda child: child.interval(0.0, 0.2), default.cross_talk),
        push_g=take(fields, "push_g", lambda child: child.number(0.0, 2000.0), default.push_g),
        quantisation_g=take(fields, "quantisation_g", lambda child: child.number(0.0, 50.0), default.quantisation_g),
    )


def _read_behaviours(fields: dict[str, Tree], store: Store | None) -> dict[str, Behaviour]:
    mixes = {"default": Behaviour()}
    if "behaviours" in fields:
        tree = fields["behaviours"]
        for name, child in tree.fields(tuple(tree.keys())).items():
            mixes[name] = _read_behaviour(child, store)
    return mixes


def _read_behaviour(tree: Tree, store: Store | None) -> Behaviour:
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
    values["categories"] = take(fields, "categories", lambda child: _read_categories(child, store), ())
    return Behaviour(**values)


def _read_categories(tree: Tree, store: Store | None) -> tuple[str, ...]:
    choices = sorted({product.category for product in store.products}) if store else ()
    return tuple(child.text(choices) for child in tree.items())


def _read_arrivals(
    tree: Tree, mixes: dict[str, Behaviour], store: Store | None
) -> tuple[tuple[Arrival, ...], Flow | None]:
    if tree.is_mapping():
        return (), _read_flow(tree, mixes, store)
    arrivals = [_read_arrival(child, mixes, store) for child in tree.items()]
    return tuple(sorted(arrivals, key=lambda arrival: arrival.at_s)), None


def _read_flow(tree: Tree, mixes: dict[str, Behaviour], store: Store | None) -> Flow:
    allowed = ("rate_per_minute", "count", "first_at_s", "behaviour", "payment")
    fields = tree.fields(allowed, required=("rate_per_minute",))
    return Flow(
        rate_per_minute=fields["rate_per_minute"].number(0.01, 60.0),
        count=take(fields, "count", lambda child: child.integer(1, 100000), None),
        first_at_s=take(fields, "first_at_s", lambda child: child.number(0.0, 1e6), 1.0),
        behaviour=take(fields, "behaviour", lambda child: _pick_behaviour(child, mixes, store), mixes["default"]),
        payment=take(fields, "payment", _read_payment, Payment.OK),
    )


def _read_arrival(tree: Tree, mixes: dict[str, Behaviour], store: Store | None) -> Arrival:
    allowed = ("at_s", "behaviour", "script", "payment", "token", "speed_m_s", "body")
    fields = tree.fields(allowed, required=("at_s",))
    if "script" in fields and "behaviour" in fields:
        fields["behaviour"].fail("is given beside a script", "keep one of them")
    mix = take(fields, "behaviour", lambda child: _pick_behaviour(child, mixes, store), mixes["default"])
    if "speed_m_s" in fields:
        mix = replace(mix, speed_m_s=fields["speed_m_s"].interval(0.3, 1.8))
    return Arrival(
        at_s=fields["at_s"].number(0.0, 1e6),
        behaviour=mix,
        script=take(fields, "script", lambda child: _read_script(child, store), None),
        payment=take(fields, "payment", _read_payment, Payment.OK),
        token=take(fields, "token", Tree.text, ""),
        body=take(fields, "body", lambda child: child.integer(0, 1000), None),
    )


def _read_payment(tree: Tree) -> Payment:
    return Payment(tree.text([payment.value for payment in Payment]))


def _pick_behaviour(tree: Tree, mixes: dict[str, Behaviour], store: Store | None) -> Behaviour:
    if tree.is_mapping():
        return _read_behaviour(tree, store)
    return mixes[tree.text(mixes)]


def _read_script(tree: Tree, store: Store | None) -> tuple[Action, ...]:
    actions: list[Action] = []
    held: dict[str, int] = {}
    for child in tree.items():
        action = _read_action(child, store)
        _check_held(child, action, held, store)
        actions.append(action)
    return tuple(actions)


def _check_held(tree: Tree, action: Action, held: dict[str, int], store: Store | None) -> None:
    """Follow what the shopper holds, so that nobody returns what they never took."""
    sku = action.sku
    if not sku and store is not None and action.lane_id in store.facing_by_lane:
        sku = store.facing_by_lane[action.lane_id].sku
    if action.kind is ActionKind.TAKE:
        held[sku] = held.get(sku, 0) + action.quantity
    elif action.kind in (ActionKind.PUT_BACK, ActionKind.PUT_BACK_ELSEWHERE):
        if held.get(sku, 0) < action.quantity:
            have = held.get(sku, 0)
            tree.fail(f"puts back {action.quantity} of '{sku}' but the shopper holds {have}", "take it first")
        held[sku] -= action.quantity


def _read_action(tree: Tree, store: Store | None) -> Action:
    names = [kind.value for kind in ActionKind]
    if not tree.is_mapping():
        return Action(ActionKind(tree.text(["leave"])))
    fields = tree.fields(names)
    if len(fields) != 1:
        tree.fail(f"names {len(fields)} actions", "write one action a line")
    name, child = next(iter(fields.items()))
    kind = ActionKind(name)
    if kind is ActionKind.WAIT:
        return Action(kind, seconds=child.number(0.0, 3600.0))
    if kind is ActionKind.LEAVE:
        return Action(kind)
    if kind is ActionKind.LOOK:
        inner = child.fields(("fixture", "seconds"), required=("fixture",))
        seconds = take(inner, "seconds", lambda grand: grand.number(0.0, 600.0), 2.0)
        return Action(kind, fixture_id=_known_fixture(inner["fixture"], store), seconds=seconds)
    if kind is ActionKind.WALK:
        point = [grand.number(-1000.0, 1000.0) for grand in child.items()]
        if len(point) != 2:
            child.fail("is not a point on the floor", "write [x, y] in metres")
        return Action(kind, point=(point[0], point[1]))
    return _read_lane_action(child, kind, store)


def _read_lane_action(tree: Tree, kind: ActionKind, store: Store | None) -> Action:
    allowed = ("sku", "lane", "quantity") if kind is not ActionKind.TOUCH else ("sku", "lane")
    required = {"put_back": ("sku",), "put_back_elsewhere": ("sku", "lane")}.get(kind.value, ())
    fields = tree.fields(allowed, required=required)
    if "sku" not in fields and "lane" not in fields:
        tree.fail("names no product", "add 'sku:' or 'lane:'")
    sku = _known_sku(fields["sku"], store) if "sku" in fields else ""
    lane_id = _known_lane(fields["lane"], store) if "lane" in fields else ""
    if store is not None and kind in (ActionKind.TAKE, ActionKind.PUT_BACK):
        _check_on_shelf(fields, sku, lane_id, kind, store)
    quantity = take(fields, "quantity", lambda child: child.integer(1, 20), 1)
    return Action(kind, sku=sku, lane_id=lane_id, quantity=quantity)


def _known_fixture(tree: Tree, store: Store | None) -> str:
    shelves = [f.fixture_id for f in store.fixtures if f.type is not FixtureType.WALL] if store else ()
    return tree.text(shelves)


def _known_sku(tree: Tree, store: Store | None) -> str:
    sku = tree.text()
    if store is not None and sku not in store.product_by_sku:
        remedy = f"{did_you_mean(sku, store.product_by_sku)}use a sku of the catalogue of store '{store.store_id}'"
        tree.fail(f"product '{sku}' is not in the catalogue", remedy)
    return sku


def _known_lane(tree: Tree, store: Store | None) -> str:
    lane_id = tree.text()
    if store is not None and lane_id not in store.lane_sites:
        remedy = f"{did_you_mean(lane_id, store.lane_sites)}lanes are named <fixture>/<shelf>/<lane>"
        tree.fail(f"lane '{lane_id}' is not in store '{store.store_id}'", remedy)
    return lane_id


def _check_on_shelf(fields: dict[str, Tree], sku: str, lane_id: str, kind: ActionKind, store: Store) -> None:
    lanes = [facing.lane_id for facing in store.facings if facing.sku == sku]
    if lane_id and lane_id not in store.facing_by_lane:
        fields["lane"].fail(f"lane '{lane_id}' is empty in the planogram", "name a lane with a product")
    if sku and not lanes:
        fields["sku"].fail(f"product '{sku}' is not on any shelf", "add it to the planogram or take another one")
    if sku and lane_id and lane_id not in lanes:
        remedy = f"'{sku}' is in {', '.join(lanes)}"
        remedy += "; use put_back_elsewhere for a wrong place" if kind is ActionKind.PUT_BACK else ""
        fields["lane"].fail(f"lane '{lane_id}' holds '{store.facing_by_lane[lane_id].sku}', not '{sku}'", remedy)
