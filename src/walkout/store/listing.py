"""A store as tables for a terminal and as plain data for JSON."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import RenderableType
from rich.table import Table

from walkout.store.currencies import format_minor
from walkout.store.model import Camera, Fixture, Product, Store

JsonObject = dict[str, Any]


def summary_line(store: Store) -> str:
    """Return what the store has, in one line."""
    lanes = sum(len(fixture.lanes) for fixture in store.fixtures)
    counts = (
        (len(store.fixtures), "fixture"),
        (lanes, "lane"),
        (len(store.cameras), "camera"),
        (len(store.zones), "zone"),
        (len(store.products), "product"),
        (len(store.facings), "facing"),
    )
    return ", ".join(f"{n} {word}{'' if n == 1 else 's'}" for n, word in counts)


def store_tables(store: Store) -> list[RenderableType]:
    """Return tables of fixtures, lanes, cameras, zones and products."""
    return [_fixtures(store), _lanes(store), _cameras(store), _zones(store), _products(store)]


def store_data(store: Store) -> JsonObject:
    """Return the store as JSON data: metres, degrees, grams and minor units, keys as in the YAML files."""
    return {
        "id": store.store_id,
        "name": store.name,
        "currency": store.currency,
        "floor": list(store.floor),
        "ceiling": store.ceiling,
        "fixtures": [_fixture_data(fixture) for fixture in store.fixtures],
        "cameras": [_camera_data(camera) for camera in store.cameras],
        "zones": [
            {"id": z.zone_id, "kind": z.kind.value, "gate": z.gate_id, "polygon": [list(p) for p in z.polygon]}
            for z in store.zones
        ],
        "products": [_product_data(product) for product in store.products],
        "facings": [
            {"lane": f.lane_id, "sku": f.sku, "columns": f.columns, "depth_count": f.depth_count} for f in store.facings
        ],
    }


def _fixture_data(fixture: Fixture) -> JsonObject:
    pose = fixture.pose
    return {
        "id": fixture.fixture_id,
        "type": fixture.type.value,
        "pose": {"x": pose.x, "y": pose.y, "yaw_deg": round(math.degrees(pose.yaw), 6)},
        "size": list(fixture.size),
        "direction": fixture.direction.value if fixture.direction else None,
        "has_door": fixture.has_door,
        "shelves": [
            {
                "x": round(shelf.x, 6),
                "z": shelf.z,
                "depth": shelf.depth,
                "clearance": round(shelf.clearance, 6),
                "lanes": [{"id": ln.lane_id, "y": ln.y, "width": ln.width, "depth": ln.depth} for ln in shelf.lanes],
            }
            for shelf in fixture.shelves
        ],
    }


def _camera_data(camera: Camera) -> JsonObject:
    return {
        "id": camera.camera_id,
        "resolution": [camera.width, camera.height],
        "matrix": camera.matrix.tolist(),
        "distortion": camera.distortion.tolist(),
        "position": camera.position.tolist(),
        "rotation": camera.rotation.tolist(),
        "source": camera.source,
        "rate_hz": camera.rate_hz,
    }


def _product_data(product: Product) -> JsonObject:
    data = {key: value for key, value in vars(product).items() if key not in ("shape", "size")}
    return {**data, "size": list(product.size), "shape": product.shape.value}


def _table(title: str, *columns: str, right: tuple[str, ...] = ()) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return table


def _fixtures(store: Store) -> Table:
    numbers = ("x m", "y m", "yaw deg", "shelves", "lanes")
    table = _table("Fixtures", "id", "type", "x m", "y m", "yaw deg", "d x w x h m", "shelves", "lanes", right=numbers)
    for fixture in store.fixtures:
        kind = fixture.type.value + (f" ({fixture.direction.value})" if fixture.direction else "")
        table.add_row(
            fixture.fixture_id,
            kind,
            f"{fixture.pose.x:.2f}",
            f"{fixture.pose.y:.2f}",
            f"{math.degrees(fixture.pose.yaw):.0f}",
            " x ".join(f"{value:g}" for value in fixture.size),
            str(len(fixture.shelves)),
            str(len(fixture.lanes)),
        )
    return table


def _lanes(store: Store) -> Table:
    table = _table("Lanes", "lane", "wide cm", "product", "pieces", "g each", right=("wide cm", "pieces", "g each"))
    for fixture in store.fixtures:
        for lane in fixture.lanes:
            facing = store.facing_by_lane.get(lane.lane_id)
            width = f"{100 * lane.width:.0f}"
            if facing is None:
                table.add_row(lane.lane_id, width, "[dim]empty[/dim]", "", "")
                continue
            product = store.product_by_sku[facing.sku]
            pieces = f"{facing.columns} x {facing.depth_count}"
            table.add_row(lane.lane_id, width, _full_name(product), pieces, f"{product.weight_g:g}")
        if fixture.lanes:
            table.add_section()
    return table


def _cameras(store: Store) -> Table:
    table = _table("Cameras", "id", "position m", "looks", "view", "pixels", "Hz", "source", right=("Hz",))
    for camera in store.cameras:
        forward = camera.rotation[:, 2]
        heading = math.degrees(math.atan2(forward[1], forward[0]))
        tilt = math.degrees(-math.asin(forward[2]))
        fov = 2 * math.degrees(math.atan(camera.width / 2 / camera.matrix[0, 0]))
        table.add_row(
            camera.camera_id,
            ", ".join(f"{value:.2f}" for value in camera.position),
            f"{heading:.0f} deg, {tilt:.0f} deg down",
            f"{fov:.0f} deg",
            f"{camera.width} x {camera.height}",
            f"{camera.rate_hz:g}",
            camera.source,
        )
    return table


def _zones(store: Store) -> Table:
    table = _table("Zones", "id", "kind", "gate", "corners m")
    for zone in store.zones:
        corners = " ".join(f"({x:g}, {y:g})" for x, y in zone.polygon)
        table.add_row(zone.zone_id, zone.kind.value, zone.gate_id or "-", corners)
    return table


def _products(store: Store) -> Table:
    right = ("price", "g", "sd g", "lanes")
    table = _table("Products", "sku", "gtin", "name", "category", "price", "g", "sd g", "lanes", right=right)
    lanes = Counter(facing.sku for facing in store.facings)
    for product in store.products:
        table.add_row(
            product.sku,
            product.gtin,
            _full_name(product) + (" [red](age)[/red]" if product.age_restricted else ""),
            product.category,
            format_minor(product.price_minor, store.currency),
            f"{product.weight_g:g}",
            f"{product.weight_sd_g:g}",
            str(lanes[product.sku]) if lanes[product.sku] else "[red]0[/red]",
        )
    return table


def _full_name(product: Product) -> str:
    return f"{product.brand} {product.name}".strip()
