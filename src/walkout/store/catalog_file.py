"""Reads ``catalog.yaml``: the products, and ``gtin_check_digit``."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from walkout.store.documents import Section
from walkout.store.model import Product, ProductShape

GTIN_LENGTHS = (8, 12, 13, 14)


@dataclass
class Catalog:
    """The products with the sections they were read from; ``declared`` has also the SKUs of faulty products."""

    products: list[Product] = field(default_factory=list)
    places: dict[str, Section] = field(default_factory=dict)
    declared: set[str] = field(default_factory=set)


def gtin_check_digit(digits: str) -> int:
    """Return the check digit (GS1 modulo 10) that follows the other digits of a GTIN-8, -12, -13 or -14."""
    weighted = sum(int(digit) * (3 if i % 2 == 0 else 1) for i, digit in enumerate(reversed(digits)))
    return -weighted % 10


def read_catalog(document: Section, directory: Path, need_images: bool = True) -> Catalog:
    """Read all of ``catalog.yaml``. Image paths are relative to ``directory``, where they must exist if needed."""
    catalog = Catalog()
    gtins: dict[str, str] = {}
    parts = document.sections("products")
    document.done()
    if document.ok and not parts:
        document.problem("products", "is empty", "add products")
    for section in parts:
        product = _read_product(section, catalog, gtins, directory if need_images else None)
        if product:
            catalog.products.append(product)
    return catalog


def _read_product(section: Section, catalog: Catalog, gtins: dict[str, str], directory: Path | None) -> Product | None:
    sku = section.text("sku")
    if sku and sku in catalog.declared:
        section.problem("sku", f"{sku!r} names two products", "give every product its own sku")
    catalog.declared.add(sku)
    catalog.places[sku] = section
    weight = section.number("weight_g", low=1.0, high=50_000.0, unit="g")
    size = section.numbers("size", 3, low=0.005, high=2.0)
    product = Product(
        sku=sku,
        gtin=_read_gtin(section, sku, gtins),
        name=section.text("name"),
        brand=section.text("brand", ""),
        category=section.text("category"),
        price_minor=section.integer("price_minor", 0, 10_000_000),
        tax_percent=section.number("tax_percent", low=0.0, high=100.0, unit="%"),
        weight_g=weight,
        weight_sd_g=section.number("weight_sd_g", round(0.01 * weight, 2), low=0.01, high=5_000.0, unit="g"),
        size=(size[0], size[1], size[2]),
        shape=section.choice("shape", ProductShape, ProductShape.BOX),
        image=_read_image(section, sku, directory),
        family=section.text("family", ""),
        age_restricted=section.flag("age_restricted", False),
        sold_by_weight=section.flag("sold_by_weight", False),
        fridge=section.flag("fridge", False),
    )
    if not section.done():
        return None
    if product.weight_sd_g > 0.5 * product.weight_g:
        section.problem(
            "weight_sd_g",
            f"{product.weight_sd_g:g} g is more than half of the weight",
            "write the spread from piece to piece in grams",
        )
        return None
    return product


def _read_gtin(section: Section, sku: str, gtins: dict[str, str]) -> str:
    gtin = section.text("gtin")
    if not gtin:
        return ""
    if not (gtin.isascii() and gtin.isdigit()) or len(gtin) not in GTIN_LENGTHS:
        section.problem("gtin", f"{gtin!r} is not a GTIN", "write its 8, 12, 13 or 14 digits")
    elif gtin_check_digit(gtin[:-1]) != int(gtin[-1]):
        section.problem(
            "gtin",
            f"{gtin} has a wrong check digit",
            f"look at the package again; with check digit {gtin_check_digit(gtin[:-1])} it would be valid",
        )
    elif gtin in gtins:
        section.problem("gtin", f"{gtin} is also that of {gtins[gtin]!r}", "give every product its own GTIN")
    gtins.setdefault(gtin, sku)
    return gtin


def _read_image(section: Section, sku: str, directory: Path | None) -> str:
    image = section.text("image", f"images/{sku}.png")
    if sku and directory and not (directory / image).is_file():
        section.problem("image", f"{image} does not exist", "put a picture there or run: walkout store art STORE")
    return image
