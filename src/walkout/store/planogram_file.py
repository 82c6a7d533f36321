"""Reads ``planogram.yaml``: which product stands in which lane.

``facings`` has one list per fixture with one list per shelf (the lowest first) with one entry per lane (left to right
for a shopper who faces the fixture): a SKU, ``{sku, columns, depth_count}``, or ``~`` for an empty lane. Left out,
``columns`` is as many as fit and ``depth_count`` as many as fit but at most ``depth_count_limit`` of the file.
"""

from __future__ import annotations

from walkout.store.documents import Section, Value, suggestion
from walkout.store.model import Facing, Fixture, FixtureType, Lane, Product, Shelf

_SLACK = 1e-6
_NO_LIMIT = 1000
_USUAL_LIMIT = 4
"""So many pieces behind each other where nobody says how many."""


def read_planogram(
    document: Section,
    fixtures: dict[str, Fixture],
    products: dict[str, Product],
    declared_fixtures: set[str],
    declared_skus: set[str],
) -> list[Facing]:
    """Read all of ``planogram.yaml`` against fixtures and products by id.

    ``declared_fixtures`` and ``declared_skus`` also name those whose own description is faulty; what refers to them is
    passed over without another report.
    """
    facings: list[Facing] = []
    limit = document.integer("depth_count_limit", 1, _NO_LIMIT, _NO_LIMIT)
    value = document.require("facings")
    document.done()
    if value is None:
        return facings
    section = value.section()
    for fixture_id in section.keys():  # noqa: SIM118 (a Section is no mapping: asking marks the key as known)
        entry = section.value(fixture_id)
        if fixture_id in fixtures and entry is not None:
            facings += _read_fixture(entry, fixtures[fixture_id], products, declared_skus, limit)
        elif fixture_id not in declared_fixtures and entry is not None:
            hint = suggestion(fixture_id, declared_fixtures)
            entry.problem(f"there is no fixture {fixture_id!r}{hint}", "use a fixture of store.yaml")
    return facings


def _read_fixture(
    value: Value, fixture: Fixture, products: dict[str, Product], declared: set[str], limit: int
) -> list[Facing]:
    rows = value.items()
    if len(rows) > len(fixture.shelves):
        value.problem(
            f"has {len(rows)} shelves, {fixture.fixture_id} has {len(fixture.shelves)}", "write one list per shelf"
        )
        return []
    facings = []
    for row, shelf in zip(rows, fixture.shelves, strict=False):
        if row.is_null:
            continue
        entries = row.items()
        if len(entries) > len(shelf.lanes):
            row.problem(
                f"has {len(entries)} lanes, shelf {shelf.index} of {fixture.fixture_id} has {len(shelf.lanes)}",
                "write one entry per lane",
            )
            continue
        for entry, lane in zip(entries, shelf.lanes, strict=False):
            facing = None if entry.is_null else _read_facing(entry, fixture, shelf, lane, products, declared, limit)
            if facing:
                facings.append(facing)
    return facings


def _read_facing(
    entry: Value,
    fixture: Fixture,
    shelf: Shelf,
    lane: Lane,
    products: dict[str, Product],
    declared: set[str],
    limit: int,
) -> Facing | None:
    section = entry.section() if entry.is_mapping else None
    sku = section.text("sku") if section else entry.text()
    if sku not in products:
        if section:
            section.value("columns"), section.value("depth_count")
            section.done()
        if sku and sku not in declared:
            hint = suggestion(sku, declared)
            entry.problem(f"there is no product {sku!r}{hint}", "use a sku of catalog.yaml")
        return None
    product = products[sku]
    if not _fits(entry, fixture, shelf, lane, product):
        return None
    full, most_deep = full_facing(lane, product, limit), full_facing(lane, product, _NO_LIMIT).depth_count
    if section is None:
        return full
    columns = section.integer("columns", 1, full.columns, full.columns)
    depth_count = section.integer("depth_count", 1, most_deep, full.depth_count)
    return Facing(lane.lane_id, sku, columns, depth_count) if section.done() else None


def _fits(entry: Value, fixture: Fixture, shelf: Shelf, lane: Lane, product: Product) -> bool:
    wrong = misfit(fixture, shelf, lane, product)
    if wrong:
        entry.problem(*wrong)
    return not wrong


def misfit(fixture: Fixture, shelf: Shelf, lane: Lane, product: Product) -> tuple[str, str] | None:
    """Return why a product cannot stand in a lane and what to do about it, None when it can."""
    depth, width, height = product.size
    for name, needed, there in (
        ("wide", width, lane.width),
        ("deep", depth, lane.depth),
        ("high", height, shelf.clearance),
    ):
        if needed > there + _SLACK:
            reason = f"{product.sku} is {needed:g} m {name}, lane {lane.lane_id} has {there:.3f} m"
            return reason, "choose another lane or change the fixture"
    if product.fridge and fixture.type is not FixtureType.FRIDGE:
        reason = f"{product.sku} must be kept cool, {fixture.fixture_id} is a {fixture.type.value}"
        return reason, "put it into a fridge"
    return None


def full_facing(lane: Lane, product: Product, limit: int = _USUAL_LIMIT) -> Facing:
    """Return the facing that fills a lane with a product that fits, at most ``limit`` pieces behind each other."""
    depth, width, _ = product.size
    most_columns, most_deep = int((lane.width + _SLACK) / width), int((lane.depth + _SLACK) / depth)
    return Facing(lane.lane_id, product.sku, most_columns, min(most_deep, limit))
