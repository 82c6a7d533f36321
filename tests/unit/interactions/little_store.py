"""A store just big enough: one gondola of two shelves with five lanes each, an entry gate and an exit gate."""

from walkout.store.model import (
    Facing,
    Fixture,
    FixtureType,
    GateDirection,
    Lane,
    Pose2,
    Product,
    ProductShape,
    Shelf,
    Store,
)

WEIGHTS_G = (120.0, 331.0, 333.0, 58.0, 540.0, 205.0, 88.0, 421.0, 150.0, 275.0)
LANE_WIDTH_M = 0.2


def little_store() -> Store:
    shelves = tuple(_shelf(index) for index in range(2))
    gondola = Fixture("g1", FixtureType.GONDOLA, Pose2(0.0, 0.0, 0.0), (0.5, 1.0, 1.5), shelves)
    entry = Fixture("in", FixtureType.GATE, Pose2(3.0, -2.0), (0.2, 0.8, 1.0), direction=GateDirection.ENTRY)
    leave = Fixture("out", FixtureType.GATE, Pose2(3.0, 2.0), (0.2, 0.8, 1.0), direction=GateDirection.EXIT)
    products = tuple(_product(index, weight) for index, weight in enumerate(WEIGHTS_G))
    facings = tuple(Facing(f"g1/{i // 5}/{i % 5}", f"sku{i}", 1, 6) for i in range(10))
    return Store("test", "Test", "EUR", (-1, -3, 4, 3), 3.0, (gondola, entry, leave), (), (), products, facings)


def _shelf(index: int) -> Shelf:
    lanes = tuple(Lane(f"g1/{index}/{lane}", lane, (lane - 2) * LANE_WIDTH_M, LANE_WIDTH_M, 0.4) for lane in range(5))
    return Shelf(index, 0.0, 0.6 + 0.5 * index, 1.0, 0.4, 0.4, lanes)


def _product(index: int, weight_g: float) -> Product:
    return Product(
        sku=f"sku{index}",
        gtin="",
        name=f"Product {index}",
        brand="",
        category="",
        price_minor=100 + 37 * index,
        tax_percent=7.0,
        weight_g=weight_g,
        weight_sd_g=0.8,
        size=(0.1, 0.1, 0.2),
        shape=ProductShape.BOX,
        image="",
    )
