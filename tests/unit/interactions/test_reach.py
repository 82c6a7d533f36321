"""Whose hand moved a plate: the one that is in the lane when it has arrived, not the one that passes by."""

from __future__ import annotations

import numpy as np

from walkout.interactions.likelihoods import HandTrack, ReachParameters, reach
from walkout.store.loader import load_store
from walkout.store.model import LaneSite

ONSET_NS = 5_000_000_000


def moving_hand(along_m: dict[float, float], site: LaneSite) -> HandTrack:
    """A hand in the depth of the shelf, so far along it from the lane's middle at times after the onset."""
    times = np.arange(-0.5, 0.85, 0.1)
    along = np.interp(times, list(along_m), list(along_m.values()))
    local = np.column_stack([np.zeros(len(times)), along, np.full(len(times), 0.08)])
    place = site.position + local @ site.transform[:3, :3].T
    hands = np.full((len(times), 2, 3), np.nan)
    hands[:, 1] = place
    stand = site.position[:2] + site.transform[:2, 0] * (site.lane.depth / 2 + 0.5)
    return HandTrack(
        ONSET_NS + np.round(times * 1e9).astype(np.int64),
        hands,
        np.full((len(times), 2), 0.03),
        np.tile(stand, (len(times), 1)),
        np.full(len(times), 0.05),
    )


def test_a_hand_that_arrives_beats_one_that_passes_at_the_onset() -> None:
    site = next(iter(load_store("arcade").lane_sites.values()))
    width, parameters = site.lane.width, ReachParameters()
    passing = moving_hand({-0.2: -width, 0.0: 0.0, 0.2: width}, site)
    arriving = moving_hand({-0.2: 2 * width, 0.0: width, 0.25: 0.0, 0.45: 0.0, 0.8: width}, site)
    ahead = reach(arriving, site, ONSET_NS, parameters).log_ratio - reach(passing, site, ONSET_NS, parameters).log_ratio
    assert ahead > 1.5
    assert reach(arriving, site, ONSET_NS, parameters).hand == 1
