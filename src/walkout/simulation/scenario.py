"""Scenario files: who comes when, what they do, how they pay, and how good the sensors are.

A scenario is YAML; ``docs/simulation.md`` lists its fields. Everything is checked against the store, so that a product
that is on no shelf is an error with file, line and remedy before anything starts.
"""

from __future__ import annotations

import os
from pathlib import Path

from walkout.simulation.merchandise import stocked_store
from walkout.simulation.navigation import FloorMap
from walkout.simulation.scenario_model import (
    Action,
    ActionKind,
    Arrival,
    Behaviour,
    CameraOptions,
    Carried,
    Fault,
    FaultKind,
    Flow,
    LoadCellOptions,
    Payment,
    Scenario,
    Stocked,
    Suite,
)
from walkout.simulation.scene import Lighting
from walkout.simulation.script_file import ArrivalReader
from walkout.simulation.yaml_tree import ScenarioError, Tree, read_tree, take
from walkout.store.documents import suggestion
from walkout.store.model import Store
from walkout.store.planogram_file import full_facing, misfit

__all__ = [
    "Action",
    "ActionKind",
    "Arrival",
    "Behaviour",
    "CameraOptions",
    "Carried",
    "Fault",
    "FaultKind",
    "Flow",
    "LoadCellOptions",
    "Payment",
    "Scenario",
    "ScenarioError",
    "Stocked",
    "Suite",
    "load_scenario",
    "scenario_folder",
    "scenario_path",
]

FIELDS = (
    "name",
    "description",
    "store",
    "seed",
    "duration_s",
    "lighting",
    "cameras",
    "fill",
    "stocked",
    "behaviours",
    "arrivals",
    "most_people",
    "load_cells",
    "faults",
    "suite",
)

SUITE_FIRST_SEED = 5000
"""Seeds of the evaluation suite start here, away from those of training and of choosing parameters."""

ROOM_PER_PERSON_M2 = 0.9
"""With less free floor than this for everybody nobody can get anywhere."""


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
    remedy = f"known scenarios: {', '.join(known) or 'none'}; or give a .yaml file"
    raise ScenarioError(f"scenario '{name}' is not there{suggestion(str(name), known)}; {remedy}")


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
    root = read_tree(path)
    fields = root.fields(FIELDS, required=("store", "arrivals"))
    if store is not None and fields["store"].text() != store.store_id:
        reason = f"is '{fields['store'].text()}' but the store is '{store.store_id}'"
        fields["store"].fail(reason, "use a scenario of this store")
    stocked = take(fields, "stocked", lambda tree: _read_stocked(tree, store), ())
    # What the scripts may ask for is what truly stands there.
    there = None if store is None else stocked_store(store, stocked)
    arrivals, flow = ArrivalReader(there).read(fields["arrivals"], fields.get("behaviours"))
    return Scenario(
        name=take(fields, "name", Tree.text, path.stem),
        description=take(fields, "description", Tree.text, ""),
        store=fields["store"].text(),
        seed=take(fields, "seed", lambda tree: tree.integer(0, 2**31 - 1), 1),
        duration_s=take(fields, "duration_s", lambda tree: tree.number(1.0, 1e6), None),
        lighting=take(fields, "lighting", _read_lighting, Lighting()),
        cameras=_read_cameras(fields),
        fill=take(fields, "fill", lambda tree: tree.interval(0.0, 1.0), (0.6, 1.0)),
        stocked=stocked,
        arrivals=arrivals,
        flow=flow,
        most_people=take(fields, "most_people", lambda tree: _read_most_people(tree, store), 12),
        load_cells=take(fields, "load_cells", _read_load_cells, LoadCellOptions()),
        faults=take(fields, "faults", lambda tree: tuple(_read_fault(child, store) for child in tree.items()), ()),
        suite=take(fields, "suite", _read_suite, None),
    )


def _read_suite(tree: Tree) -> Suite:
    fields = tree.fields(("class", "seeds"), required=("class", "seeds"))
    seeds = tuple(child.integer(SUITE_FIRST_SEED, 2**31 - 1) for child in fields["seeds"].items())
    if not seeds or len(set(seeds)) < len(seeds):
        fields["seeds"].fail("is empty or repeats a seed", "write one or more different seeds")
    return Suite(fields["class"].text(), seeds)


def _read_lighting(tree: Tree) -> Lighting:
    fields = tree.fields(("brightness", "warmth", "key_direction", "flicker"))
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


def _read_cameras(fields: dict[str, Tree]) -> CameraOptions:
    """Return what ``cameras`` and the light's ``flicker`` say."""
    noise = blur = vignette = 0.0
    if "cameras" in fields:
        inner = fields["cameras"].fields(("noise", "blur_px", "vignette"))
        noise = take(inner, "noise", lambda child: child.number(0.0, 40.0), 0.0)
        blur = take(inner, "blur_px", lambda child: child.number(0.0, 5.0), 0.0)
        vignette = take(inner, "vignette", lambda child: child.number(0.0, 0.9), 0.0)
    depth, frequency = 0.0, CameraOptions().flicker_hz
    light = (
        fields["lighting"].fields(("brightness", "warmth", "key_direction", "flicker")) if "lighting" in fields else {}
    )
    if "flicker" in light:
        inner = light["flicker"].fields(("depth", "hz"), required=("depth",))
        depth = inner["depth"].number(0.0, 0.95)
        frequency = take(inner, "hz", lambda child: child.number(0.1, 1000.0), frequency)
    return CameraOptions(noise, blur, vignette, depth, frequency)


def _read_most_people(tree: Tree, store: Store | None) -> int:
    most = tree.integer(1, 200)
    if store is not None:
        room = int(FloorMap(store).free_area() / ROOM_PER_PERSON_M2)
        if most > room:
            tree.fail(f"is {most} but the free floor of store '{store.store_id}' holds {room}", "let fewer people in")
    return most


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
        door_slam_g=take(fields, "door_slam_g", lambda child: child.number(0.0, 500.0), default.door_slam_g),
    )


def _read_stocked(tree: Tree, store: Store | None) -> tuple[Stocked, ...]:
    """Read what stands in which lane instead of what the planogram says."""
    result = []
    for lane_id, child in tree.fields(tree.keys()).items():
        if store is not None and lane_id not in store.lane_sites:
            reason = f"lane '{lane_id}' is not in store '{store.store_id}'{suggestion(lane_id, store.lane_sites)}"
            child.fail(reason, "lanes are named <fixture>/<shelf>/<lane>")
        result.append(_read_stocked_lane(child, lane_id, store))
    return tuple(result)


def _read_stocked_lane(tree: Tree, lane_id: str, store: Store | None) -> Stocked:
    if tree.is_empty:
        return Stocked(lane_id, "")
    named, count = tree, None
    if tree.is_mapping:
        fields = tree.fields(("sku", "count"), required=("sku",))
        named = fields["sku"]
        count = take(fields, "count", lambda child: child.integer(0, 500), None)
    sku = named.text()
    if store is None:
        return Stocked(lane_id, sku, count)
    product = store.product_by_sku.get(sku)
    if product is None:
        reason = f"product '{sku}' is not in the catalogue{suggestion(sku, store.product_by_sku)}"
        named.fail(reason, f"use a sku of the catalogue of store '{store.store_id}'")
    site = store.lane_sites[lane_id]
    wrong = misfit(site.fixture, site.shelf, site.lane, product)
    if wrong:
        named.fail(*wrong)
    most = full_facing(site.lane, product).capacity
    if count is not None and count > most:
        tree.fail(f"puts {count} of '{sku}' into lane '{lane_id}', which holds {most}", f"write {most} or less")
    return Stocked(lane_id, sku, count)


def _read_fault(tree: Tree, store: Store | None) -> Fault:
    fields = tree.fields([kind.value for kind in FaultKind])
    if len(fields) != 1:
        tree.fail(f"names {len(fields)} faults", "write one fault a line")
    name, child = next(iter(fields.items()))
    kind = FaultKind(name)
    own: dict[FaultKind, tuple[tuple[str, ...], tuple[str, ...]]] = {
        FaultKind.CAMERA_LOST: (("camera",), ()),
        FaultKind.PLATE_DEAD: (("lane",), ("reading",)),
        FaultKind.DRIFT: (("lane", "fixture"), ("grams_per_minute",)),
        FaultKind.CLOCK_SKEW: (("camera", "fixture"), ("seconds",)),
    }
    devices, values = own[kind]
    inner = child.fields((*devices, *values, "from_s", "to_s"), required=() if kind is FaultKind.PLATE_DEAD else values)
    named = [device for device in devices if device in inner]
    if len(named) != 1:
        child.fail("does not name one device", f"write one of {', '.join(devices)}")
    start = take(inner, "from_s", lambda grand: grand.number(0.0, 1e6), 0.0)
    end = take(inner, "to_s", lambda grand: grand.number(0.0, 1e6), float("inf"))
    if end <= start:
        inner["to_s"].fail(f"is not after from_s ({start:g})", "write a later time")
    amount = 0.0
    if kind is FaultKind.DRIFT:
        amount = inner["grams_per_minute"].number(-10_000.0, 10_000.0)
    if kind is FaultKind.CLOCK_SKEW:
        amount = inner["seconds"].number(-5.0, 5.0)
    reading = take(inner, "reading", lambda grand: grand.text(("nothing", "stuck", "zero")), "nothing")
    return Fault(kind, _known_device(inner[named[0]], named[0], kind, store), start, end, amount, reading)


def _known_device(tree: Tree, what: str, kind: FaultKind, store: Store | None) -> str:
    if store is None:
        return tree.text()
    if what == "camera":
        return tree.text(store.camera_by_id)
    if what == "lane":
        return tree.text(store.lane_sites)
    gates = kind is FaultKind.CLOCK_SKEW
    return tree.text([f.fixture_id for f in store.fixtures if f.lanes or (gates and f.direction is not None)])
