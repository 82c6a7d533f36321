"""The corner shop is what trials and models are made with: these are the properties they rely on."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from walkout.store.loader import load_store
from walkout.store.model import FixtureType


@pytest.fixture(scope="module")
def store():
    return load_store("corner")


def test_it_has_all_kinds_of_fixtures(store):
    kinds = Counter(fixture.type for fixture in store.fixtures)
    assert kinds[FixtureType.GONDOLA] >= 6
    assert kinds[FixtureType.FRIDGE] == kinds[FixtureType.COFFEE_MACHINE] == 1
    assert kinds[FixtureType.GATE] == 2
    assert store.fixture_by_id["fridge"].has_door
    assert len(store.cameras) == 6
    assert {(camera.width, camera.height) for camera in store.cameras} == {(640, 480)}


def test_cameras_look_down_at_a_usual_angle(store):
    tilts = np.degrees([-np.arcsin(camera.rotation[2, 2]) for camera in store.cameras])
    assert tilts.min() > 33
    assert tilts.max() < 60


def test_every_lane_has_a_product_and_every_product_a_lane(store):
    assert set(store.facing_by_lane) == set(store.lane_sites)
    assert {facing.sku for facing in store.facings} == set(store.product_by_sku)
    assert 110 <= len(store.products) <= 135


def test_most_products_share_their_weight_as_real_ones_do(store):
    weights = np.array([product.weight_g for product in store.products])
    near = (np.abs(weights[:, None] - weights) <= 5).sum(axis=1) > 1
    assert 0.70 <= near.mean() <= 0.83
    spread = np.array([product.weight_sd_g for product in store.products]) / weights
    assert ((spread >= 0.0028) & (spread <= 0.0155)).mean() > 0.97


def test_neighbours_can_mostly_be_told_apart_by_weight(store):
    product = {lane: store.product_by_sku[facing.sku] for lane, facing in store.facing_by_lane.items()}
    pairs = [
        (product[one.lane_id], product[other.lane_id])
        for fixture in store.fixtures
        for shelf in fixture.shelves
        for one, other in pairwise(shelf.lanes)
    ]
    different = [(a, b) for a, b in pairs if a is not b]
    alike = [(a, b) for a, b in different if abs(a.weight_g - b.weight_g) <= 8]
    assert 0.03 < len(alike) / len(different) < 0.25
    assert all(a.family == b.family != "" for a, b in alike), "only variants of one family stand so side by side"


def test_family_members_differ_in_name_only_by_their_flavour(store):
    for family in {product.family for product in store.products} - {""}:
        members = [product for product in store.products if product.family == family]
        assert len(members) >= 2
        assert len({(p.brand, p.category, p.price_minor, p.size, p.shape) for p in members}) == 1
