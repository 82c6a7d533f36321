import io
import math
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from walkout.store.label_art import SIZE, draw_label, encode_label, make_labels, split_name, write_labels
from walkout.store.loader import load_store
from walkout.store.model import Product, ProductShape


def product(name, sku=None, family="", brand="Testo"):
    return Product(
        sku=sku or name.lower().replace(" ", "-"), gtin="24000004", name=name, brand=brand, category="test",
        price_minor=100, tax_percent=7, weight_g=100, weight_sd_g=1, size=(0.1, 0.1, 0.1), shape=ProductShape.BOX,
        image=f"images/{name}.png", family=family,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "siblings", "parts"),
    [
        ("Cola Zero 330 ml", ["Cola Zero 330 ml", "Cola Cherry 330 ml"], ("Cola", "Zero", "330 ml")),
        ("Crisps Sour Cream 150 g", ["Crisps Salted 150 g"], ("Crisps", "Sour Cream", "150 g")),
        ("Flour 1 kg", ["Flour 1 kg"], ("Flour", "", "1 kg")),
        ("7 Herbs", [], ("7 Herbs", "", "")),
    ],
)
def test_names_are_split_into_line_flavour_and_amount(name, siblings, parts):
    assert split_name(name, siblings) == parts


def test_siblings_share_all_but_flavour_and_a_distinct_accent():
    flavours = ["Lemon", "Banana", "Vanilla", "Butter", "Strawberry", "Cherry"]
    labels = make_labels([product(f"Shake {flavour} 330 ml", family="shake") for flavour in flavours])
    assert [label.flavour for label in labels] == flavours
    assert {replace(label, flavour="", accent=(0, 0, 0)) for label in labels} == {
        replace(labels[0], flavour="", accent=(0, 0, 0))
    }
    for i, one in enumerate(labels):
        for other in labels[:i]:
            assert math.dist(one.accent, other.accent) > 60, (one.flavour, other.flavour)


def test_the_same_product_gives_the_same_picture_and_order_does_not_matter(tmp_path):
    products = [product("Bar Nut 50 g", family="bar"), product("Soap", brand="Lumea")]
    first = {label.line: encode_label(label) for label in make_labels(products)}
    again = {label.line: encode_label(label) for label in make_labels(reversed(products))}
    assert first == again


def test_a_label_is_a_small_png_with_much_in_it():
    for label in make_labels(
        [product("Muesli Nut 500 g"), product("Extraordinarily Long Product Denomination 20 x 5 g")]
    ):
        data = encode_label(label)
        assert len(data) <= 10_000
        image = Image.open(io.BytesIO(data))
        assert image.format == "PNG"
        assert image.size == (SIZE, SIZE)
        assert np.asarray(draw_label(label).convert("RGB")).std() > 25


def test_only_the_wanted_files_are_written(tmp_path):
    products = [product("One"), product("Two")]
    assert write_labels(products, tmp_path, ["images/Two.png"]) == [tmp_path / "images/Two.png"]
    assert not (tmp_path / "images/One.png").exists()


@pytest.mark.parametrize("name", ["corner", "kiosk"])
def test_the_committed_pictures_of_a_store_are_small_and_all_different(name):
    store = load_store(name)
    files = [(store.directory + "/" + p.image) for p in store.products]
    pictures = {open(file, "rb").read() for file in files}  # noqa: SIM115
    assert len(pictures) == len(files)
    assert max(map(len, pictures)) <= 10_000
    assert sum(map(len, pictures)) < 1_500_000
