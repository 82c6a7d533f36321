"""What truly stands on the shelves where the planogram is wrong: a store with other facings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from walkout.simulation.scenario_model import Stocked
from walkout.store.model import Store
from walkout.store.planogram_file import full_facing


def stocked_store(store: Store, stocked: Iterable[Stocked]) -> Store:
    """Return a store whose facings are what truly stands in its lanes; lanes that are not named stay as planned."""
    changed = {entry.lane_id: entry for entry in stocked}
    if not changed:
        return store
    facings = [facing for facing in store.facings if facing.lane_id not in changed]
    for lane_id, entry in changed.items():
        if entry.sku:
            facings.append(full_facing(store.lane_sites[lane_id].lane, store.product_by_sku[entry.sku]))
    order = {lane_id: number for number, lane_id in enumerate(store.lane_sites)}
    return replace(store, facings=tuple(sorted(facings, key=lambda facing: order[facing.lane_id])))
