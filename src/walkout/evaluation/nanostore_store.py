"""A store of ours from the planogram and the products of a NanoStore recording."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from walkout.evaluation.nanostore_files import Article, NanoStoreError, NanoStoreRecording, Placement, PlateId
from walkout.store.model import Facing, Fixture, FixtureType, Lane, Pose2, Product, ProductShape, Shelf, Store

FloatArray = NDArray[np.float64]

# What is believed of a product whose weight nobody wrote down: almost anything that one hand lifts.
_UNKNOWN_WEIGHT_G, _UNKNOWN_SD_G = 350.0, 200.0
# As for a catalogue without spreads: one per cent of the weight.
_SPREAD, _LEAST_SPREAD_G = 0.01, 1.0
# A price that is not known must not make the product worthless when receipts are settled.
_UNKNOWN_PRICE = 1.0


@dataclass(frozen=True)
class NanoStore:
    """The store, the plates in the order of each fixture's lanes, and products that share a plate with others."""

    store: Store
    plates: dict[str, tuple[PlateId, ...]]
    shared: dict[str, tuple[str, ...]]


def build_store(recording: NanoStoreRecording) -> NanoStore:
    """Return the store of a recording. Raises NanoStoreError when no gondola has both a place and plates."""
    by_gondola: dict[str, list[Placement]] = defaultdict(list)
    for placement in recording.placements:
        for gondola in {plate.gondola for plate in placement.plates}:
            by_gondola[gondola].append(placement)
    sizes = {message.gondola: message.grams.shape[1:] for message in recording.messages}
    fixtures, plates = [], {}
    for gondola in sorted(by_gondola, key=lambda name: (len(name), name)):
        if gondola in sizes:
            fixture, order = _gondola(gondola, by_gondola[gondola], sizes[gondola])
            fixtures.append(fixture)
            plates[fixture.fixture_id] = order
    if not fixtures:
        raise NanoStoreError(
            f"planogram.json names the gondolas {', '.join(sorted(by_gondola)) or 'none'}, plate_data.json "
            f"{', '.join(sorted(sizes))}: none is in both; the files must be of one recording"
        )
    facings, shared = _facings(recording.placements, {lane_id(p) for order in plates.values() for p in order})
    store = Store(
        store_id="nanostore",
        name="NanoStore",
        currency="USD",
        floor=(-10.0, -10.0, 20.0, 20.0),
        ceiling=3.0,
        fixtures=tuple(fixtures),
        cameras=(),
        zones=(),
        products=tuple(_products(recording)),
        facings=facings,
    )
    return NanoStore(store, plates, shared)


def lane_id(plate: PlateId) -> str:
    """Return the name of a plate's lane."""
    return f"{plate.gondola}/{plate.shelf}/{plate.plate}"


def _gondola(name: str, placements: list[Placement], size: tuple[int, ...]) -> tuple[Fixture, tuple[PlateId, ...]]:
    """Return a fixture with a lane for every plate of the planogram's range, and its plates in lane order.

    Plates beyond that range do not exist: the channels of the electronics repeat others there.
    """
    yaw = placements[0].yaw
    origin = placements[0].corner
    spans = [(p, _local(p, origin, yaw)) for p in placements]
    reach = [plate.plate for p in placements for plate in p.plates if plate.gondola == name]
    last = min(max(reach), size[1] - 1)
    depth = float(np.median([p.size[1] for p in placements]))
    shelves, order = [], []
    for number in range(1, size[0]):
        here = [(p, x) for p, x in spans if any(q.gondola == name and q.shelf == number for q in p.plates)]
        if not here:
            continue
        centres, width = _centres(name, number, here or spans, last)
        lanes = tuple(
            Lane(lane_id(PlateId(name, number, plate)), plate - 1, float(centres[plate - 1]), width, depth)
            for plate in range(1, last + 1)
        )
        order += [PlateId(name, number, plate) for plate in range(1, last + 1)]
        z = float(np.median([p.corner[2] for p, _ in here]))
        clearance = float(max(p.size[2] for p, _ in here))
        shelves.append(Shelf(number, 0.0, z, width * last, depth, clearance, lanes))
    # Theirs: x along the shelf, y into it. Ours: x out of the front, y along the shelf.
    centre = origin[:2] + depth / 2 * np.array([-np.sin(yaw), np.cos(yaw)])
    pose = Pose2(float(centre[0]), float(centre[1]), yaw - np.pi / 2)
    box = (depth, max(shelf.width for shelf in shelves), 2.0)
    return Fixture(name, FixtureType.GONDOLA, pose, box, tuple(shelves)), tuple(order)


def _local(placement: Placement, origin: FloatArray, yaw: float) -> float:
    """Return where a placement begins along its gondola, metres from the origin."""
    along = np.array([np.cos(yaw), np.sin(yaw)])
    return float((placement.corner - origin)[:2] @ along)


def _centres(name: str, shelf: int, placed: list[tuple[Placement, float]], count: int) -> tuple[FloatArray, float]:
    """Return the centres of the plates 1..count along a shelf and their width, by a line through what is placed."""
    numbers, centres, widths = [], [], []
    for placement, start in placed:
        plates = sorted(q.plate for q in placement.plates if q.gondola == name and q.shelf == shelf)
        for index, plate in enumerate(plates):
            width = placement.size[0] / len(plates)
            numbers.append(plate)
            centres.append(start + (index + 0.5) * width)
            widths.append(width)
    width = float(np.median(widths))
    offset = float(np.median(np.array(centres) - width * np.array(numbers)))
    return np.asarray(offset + width * np.arange(1, count + 1), np.float64), width


def _facings(placements: Iterable[Placement], lanes: set[str]) -> tuple[tuple[Facing, ...], dict[str, tuple[str, ...]]]:
    facings: dict[str, Facing] = {}
    shared: dict[str, list[str]] = defaultdict(list)
    for placement in placements:
        for lane in map(lane_id, placement.plates):
            if not placement.sku or lane not in lanes:
                continue
            if lane not in facings:
                facings[lane] = Facing(lane, placement.sku, 1, 8)
            elif facings[lane].sku != placement.sku:
                shared[lane].append(placement.sku)
    return tuple(facings.values()), {lane: tuple(skus) for lane, skus in shared.items()}


def _products(recording: NanoStoreRecording) -> list[Product]:
    """Return all products once; of several entries of one id the first with a weight."""
    articles: dict[str, Article] = {}
    for article in recording.articles:
        if article.sku not in articles or (articles[article.sku].weight_g == 0 < article.weight_g):
            articles[article.sku] = article
    for placement in recording.placements:
        if placement.sku and placement.sku not in articles:
            articles[placement.sku] = Article(placement.sku, placement.sku, 0.0, 0.0, 0.0)
    return [_product(article) for article in articles.values()]


def _product(article: Article) -> Product:
    known = article.weight_g > 0
    weight = article.weight_g if known else _UNKNOWN_WEIGHT_G
    spread = max(_LEAST_SPREAD_G, article.weight_sd_g or _SPREAD * weight) if known else _UNKNOWN_SD_G
    return Product(
        sku=article.sku,
        gtin="",
        name=article.name,
        brand="",
        category="",
        price_minor=max(1, round(100 * (article.price or _UNKNOWN_PRICE))),
        tax_percent=0.0,
        weight_g=weight,
        weight_sd_g=spread,
        size=(0.1, 0.1, 0.1),
        shape=ProductShape.BOX,
        image="",
    )
