"""The floor plan of a store as a picture: fixtures, lanes, cameras, gates, zones and what the cameras cover."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.patches import Patch, Polygon, Rectangle

from walkout.geometry.camera import unproject_ray
from walkout.store.floor import footprint
from walkout.store.model import Camera, Fixture, FixtureType, FloatArray, GateDirection, Store, Zone, ZoneKind
from walkout.store.visibility import coverage

Style = dict[str, Any]

INK = "#26323d"
PAPER = "#fbfaf7"
WALL = "#3d4852"
CAMERA = "#1769aa"
ZONES = {ZoneKind.ENTRY: "#2e9e5b", ZoneKind.EXIT: "#d1495b"}
BODIES = {
    FixtureType.GONDOLA: "#e7e2d8",
    FixtureType.FRIDGE: "#d5e8f3",
    FixtureType.COFFEE_MACHINE: "#dccdc0",
    FixtureType.GATE: "#c9ced4",
    FixtureType.WALL: WALL,
}
CATEGORY_COLOURS = (
    *("#5b8ff9", "#f6a04d", "#61b37e", "#e36588", "#9a7fd1", "#c9a227"),
    *("#4fb3bf", "#a0705a", "#7c8b99", "#d77fc4", "#86a83a", "#35608f"),
)
COVERAGE_COLOURS = ("#f7b5a7", "#fbd7a9", "#fbf0b9", "#d8efc9", "#b1e0c0", "#86cdb7", "#5fb6ad")
POST = 0.1
"""Metres that a gate's posts are drawn wide."""
VIEW_SHARE = 0.19
"""How long the view cones are drawn, as a share of the floor's longer side."""
LEGEND_LINE = 18.0
"""Points that a line of a legend is high."""


def draw_plan(store: Store, output: Path, show_coverage: bool = False) -> None:
    """Draw the floor plan into a .png, .svg or .pdf file.

    Raises:
        OSError: the file cannot be written.
    """
    x_min, y_min, x_max, y_max = store.floor
    scale = 9.0 / max(x_max - x_min, y_max - y_min)
    figure = Figure(figsize=(scale * (x_max - x_min) + 1, scale * (y_max - y_min) + 1), facecolor=PAPER)
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    _prepare(axes, store)
    colours = category_colours(store)
    legends = [("categories", [Patch(color=colour, label=name.replace("_", " ")) for name, colour in colours.items()])]
    if show_coverage:
        legends.append(("cameras that see a shopper", _draw_coverage(axes, store)))
    for zone in store.zones:
        _draw_zone(axes, zone)
    for fixture in store.fixtures:
        _draw_fixture(axes, store, fixture, colours)
    for camera in store.cameras:
        _draw_camera(axes, camera, store.floor)
    drawn = _draw_legends(axes, legends)
    figure.savefig(output, dpi=130, bbox_inches="tight", bbox_extra_artists=drawn, pad_inches=0.25, facecolor=PAPER)


def category_colours(store: Store) -> dict[str, str]:
    """Return a colour for each category of the catalogue, in the order of the catalogue."""
    names = list(dict.fromkeys(product.category for product in store.products))
    return {name: CATEGORY_COLOURS[i % len(CATEGORY_COLOURS)] for i, name in enumerate(names)}


def _prepare(axes: Axes, store: Store) -> None:
    """Draw floor, walls, scale and title, and set the axes to metres."""
    x_min, y_min, x_max, y_max = store.floor
    axes.set_aspect("equal")
    axes.set_xlim(x_min - 0.12, x_max + 0.12)
    axes.set_ylim(y_min - 0.075 * max(x_max - x_min, y_max - y_min), y_max + 0.12)
    axes.set_axis_off()
    outline = [(x_min, y_min), (x_max, y_min), (x_max, y_max), (x_min, y_max)]
    axes.add_patch(Polygon(outline, facecolor="white", edgecolor="none", zorder=0))
    axes.add_patch(Polygon(outline, fill=False, edgecolor=WALL, linewidth=5, joinstyle="miter", zorder=3))
    for x in np.arange(np.ceil(x_min) + 1, x_max):
        axes.plot([x, x], [y_min, y_max], color=INK, alpha=0.06, linewidth=0.8, zorder=1)
    for y in np.arange(np.ceil(y_min) + 1, y_max):
        axes.plot([x_min, x_max], [y, y], color=INK, alpha=0.06, linewidth=0.8, zorder=1)
    axes.set_title(store.name, color=INK, fontsize=17, weight="bold", loc="left", pad=8)
    side = max(x_max - x_min, y_max - y_min)
    bar = y_min - 0.045 * side
    for start, colour in ((0.0, INK), (0.5, "#9aa5ae")):
        axes.plot([x_min + start, x_min + start + 0.5], [bar, bar], color=colour, linewidth=4, solid_capstyle="butt")
    text: Style = {"color": INK, "fontsize": 10, "va": "center"}
    axes.annotate("1 m", (x_min + 1.0, bar), (6, 0), textcoords="offset points", **text)
    origin = x_min + 1.0 + 0.1 * side
    for name, dx, dy in (("x", 0.06 * side, 0.0), ("y", 0.0, 0.036 * side)):
        tail, head = (origin, bar - 0.012 * side), (origin + dx, bar - 0.012 * side + dy)
        axes.annotate("", head, tail, arrowprops={"arrowstyle": "-|>", "color": INK, "shrinkA": 0, "shrinkB": 0})
        axes.annotate(name, head, (5, 0), textcoords="offset points", **text)
    size = f"{x_max - x_min:g} x {y_max - y_min:g} m, ceiling {store.ceiling:g} m"
    axes.annotate(size, (x_max, bar), ha="right", **text)


def _draw_coverage(axes: Axes, store: Store) -> list[Patch]:
    """Shade the free floor by the number of cameras; return the legend."""
    seen = coverage(store, cell=0.05)
    most = len(COVERAGE_COLOURS) - 1
    counts = np.where(seen.floor < 0, np.nan, np.minimum(seen.floor, most))
    x_min, y_min, x_max, y_max = store.floor
    axes.imshow(
        counts,
        origin="lower",
        extent=(x_min, x_max, y_min, y_max),
        cmap=ListedColormap(COVERAGE_COLOURS),
        norm=BoundaryNorm(np.arange(most + 2) - 0.5, most + 1),
        interpolation="nearest",
        zorder=0.5,
    )
    present = np.unique(counts[np.isfinite(counts)]).astype(int).tolist()
    return [Patch(color=COVERAGE_COLOURS[n], label=f"{n}{' or more' if n == most else ''}") for n in present]


def _draw_zone(axes: Axes, zone: Zone) -> None:
    colour = ZONES[zone.kind]
    axes.add_patch(Polygon(zone.polygon, facecolor=colour, alpha=0.13, zorder=2))
    axes.add_patch(Polygon(zone.polygon, fill=False, edgecolor=colour, linewidth=1.3, linestyle=(0, (4, 3)), zorder=2))
    corners = np.array(zone.polygon)
    spot = corners[:, 0].mean(), corners[:, 1].max()
    style: Style = {"color": colour, "fontsize": 10, "ha": "center", "va": "center", "zorder": 7}
    axes.annotate(zone.zone_id, spot, (0, -9), textcoords="offset points", **style)


def _draw_fixture(axes: Axes, store: Store, fixture: Fixture, colours: dict[str, str]) -> None:
    """Draw a fixture's body, its lanes (the lowest shelf at the front) and its front edge."""
    if fixture.type is FixtureType.GATE:
        _draw_gate(axes, store, fixture)
        return
    corners = footprint(fixture)
    axes.add_patch(
        Polygon(corners, facecolor=BODIES[fixture.type], edgecolor=INK, linewidth=0.9, joinstyle="miter", zorder=4)
    )
    depth, rows = fixture.size[0], len(fixture.shelves)
    strip = (depth - 0.08) / max(rows, 1)
    for row, shelf in enumerate(fixture.shelves):
        front = depth / 2 - 0.04 - row * strip
        for lane in shelf.lanes:
            facing = store.facing_by_lane.get(lane.lane_id)
            if facing is None:
                continue
            left, right = lane.y - lane.width / 2 + 0.006, lane.y + lane.width / 2 - 0.006
            cell = _place(fixture, [(front, left), (front, right), (front - strip, right), (front - strip, left)])
            colour = colours[store.product_by_sku[facing.sku].category]
            axes.add_patch(Polygon(cell, facecolor=colour, edgecolor=PAPER, linewidth=0.4, zorder=5))
    if rows:
        axes.plot(*corners[:2].T, color=INK, linewidth=3.2, solid_capstyle="butt", zorder=5)
    axes.annotate(
        fixture.fixture_id,
        (fixture.pose.x, fixture.pose.y),
        color=INK,
        fontsize=11,
        weight="bold",
        ha="center",
        va="center",
        zorder=8,
        bbox={"boxstyle": "round,pad=0.22", "facecolor": "white", "edgecolor": "none", "alpha": 0.9},
    )


def _draw_gate(axes: Axes, store: Store, gate: Fixture) -> None:
    """Draw a gate's two posts, the door in the wall beside it and an arrow the way people pass it."""
    colour = ZONES[ZoneKind.ENTRY if gate.direction is GateDirection.ENTRY else ZoneKind.EXIT]
    depth, width, _ = gate.size
    for side in (-1, 1):
        inner, outer = side * (width / 2 - POST), side * width / 2
        post = _place(gate, [(depth / 2, inner), (depth / 2, outer), (-depth / 2, outer), (-depth / 2, inner)])
        axes.add_patch(Polygon(post, facecolor=BODIES[gate.type], edgecolor=INK, linewidth=0.9, zorder=4))
    _draw_door(axes, store, footprint(gate))
    tail, head = _place(gate, [(-0.42 * depth, 0), (0.42 * depth, 0)])
    arrow: Style = {
        "arrowstyle": "-|>",
        "color": colour,
        "linewidth": 2.4,
        "mutation_scale": 18,
        "shrinkA": 0,
        "shrinkB": 0,
    }
    axes.annotate("", head, tail, arrowprops=arrow, zorder=6)
    inwards = 1 if gate.direction is GateDirection.ENTRY else -1
    x, y = _place(gate, [(inwards * depth / 2, 0)])[0]
    dx, dy = 11 * inwards * gate.pose.matrix[:2, 0]
    style: Style = {"color": INK, "fontsize": 10, "weight": "bold", "ha": "center", "va": "center", "zorder": 8}
    axes.annotate(gate.fixture_id, (x, y), (dx, dy), textcoords="offset points", **style)


def _draw_door(axes: Axes, store: Store, corners: FloatArray) -> None:
    """Open the outer wall where a gate stands at it."""
    x_min, y_min, x_max, y_max = store.floor
    low, high = corners.min(axis=0), corners.max(axis=0)
    for at_wall, xs, ys in (
        (low[1] - y_min < 0.1, (low[0] + POST, high[0] - POST), (y_min, y_min)),
        (y_max - high[1] < 0.1, (low[0] + POST, high[0] - POST), (y_max, y_max)),
        (low[0] - x_min < 0.1, (x_min, x_min), (low[1] + POST, high[1] - POST)),
        (x_max - high[0] < 0.1, (x_max, x_max), (low[1] + POST, high[1] - POST)),
    ):
        if at_wall:
            axes.plot(xs, ys, color=PAPER, linewidth=6.5, solid_capstyle="butt", zorder=3.5)


def _draw_camera(axes: Axes, camera: Camera, floor: tuple[float, float, float, float]) -> None:
    """Draw a camera with the cone between the left and the right border of its picture, half way down."""
    middle = (camera.height - 1) / 2
    _, rays = unproject_ray(camera, np.array([[0.0, middle], [camera.width - 1.0, middle]]))
    position = camera.position[:2]
    left, right = (np.arctan2(ray[1], ray[0]) for ray in rays)
    sweep = (left - right) % (2 * np.pi)
    angles = right + np.linspace(0, sweep, 24)
    x_min, y_min, x_max, y_max = floor
    reach = VIEW_SHARE * max(x_max - x_min, y_max - y_min)
    inside = Rectangle((x_min, y_min), x_max - x_min, y_max - y_min, transform=axes.transData)
    for radius, alpha in ((reach, 0.10), (0.6 * reach, 0.14)):
        arc = position + radius * np.column_stack([np.cos(angles), np.sin(angles)])
        cone = Polygon(np.vstack([position, arc]), facecolor=CAMERA, alpha=alpha, linewidth=0, zorder=6)
        axes.add_patch(cone)
        cone.set_clip_path(inside)
    axes.plot(*position, marker="o", markersize=9, color=CAMERA, markeredgecolor="white", zorder=9)
    forward = camera.rotation[:2, 2]
    length = float(np.linalg.norm(forward))
    dx, dy = 16 * forward / length if length > 1e-6 else (14.0, 0.0)
    style: Style = {"color": CAMERA, "fontsize": 10, "weight": "bold", "ha": "center", "va": "center", "zorder": 9}
    axes.annotate(camera.camera_id, (position[0], position[1]), (dx, dy), textcoords="offset points", **style)


def _draw_legends(axes: Axes, legends: list[tuple[str, list[Patch]]]) -> list[Legend]:
    """Draw the legends below each other to the right of the plan."""
    drawn = []
    top = 1.0
    height = axes.get_window_extent().height
    for title, handles in legends:
        legend = Legend(
            axes,
            handles,
            [str(handle.get_label()) for handle in handles],
            title=title,
            loc="upper left",
            bbox_to_anchor=(1.01, top),
            bbox_transform=axes.transAxes,
            frameon=False,
            fontsize=10,
            labelcolor=INK,
            alignment="left",
            handlelength=1.1,
            handleheight=1.1,
        )
        legend.get_title().set(weight="bold", color=INK, size=10)
        axes.figure.add_artist(legend)
        drawn.append(legend)
        top -= LEGEND_LINE * (len(handles) + 2.5) * axes.figure.dpi / 72 / height
    return drawn


def _place(fixture: Fixture, points: list[tuple[float, float]]) -> FloatArray:
    """Return points of a fixture's frame (n, 2) on the floor of the store."""
    matrix = fixture.pose.matrix
    placed: FloatArray = np.array(points) @ matrix[:2, :2].T + matrix[:2, 3]
    return placed
