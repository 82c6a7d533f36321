"""How well hands, bodies and grams agree with an event: log likelihood ratios against "this has nothing to do with it".

Positions are judged in the lane's frame (x out of the fixture's front, y along the shelf, z up from the plate).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from walkout.store.model import LaneSite, Product

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_LOG_2PI = float(np.log(2 * np.pi))


@dataclass(frozen=True)
class ReachParameters:
    """What is expected of a hand that works in a lane.

    Attributes:
        hand_sd_m: how far from the estimated hand point the fingers may be, per axis.
        front_m: a hand counts as inside from this far before the front edge (items stand at the edge).
        depth_sd_m: softness of that limit.
        background_width_m: along the shelf, a hand that has nothing to do with the event is anywhere in this width.
        background_height_m: and anywhere in this height.
        background_inside: how often such a hand is at a shelf at all.
        touch_s: the hand is deepest in the lane so long after the onset: a plate feels it come.
        timing_sd_s: how well that time is known between hands and plates.
        lead_s: the hand is looked for from this long before the onset
        lag_s: to this long after it.
        wrist_failure: how often the wrists of somebody who did it are nowhere near (occluded, mistaken).
        arm_m: a body farther from the lane's front than this cannot reach it.
        arm_sd_m: softness of that limit.
        beside_sd_m: how far along the shelf a body stands from the lane it works in.
        background_area_m: how far along the shelves a body that has nothing to do with it may be.
        forearm_share: the hand lies beyond the wrist by this share of the forearm.
    """

    hand_sd_m: float = 0.05
    front_m: float = 0.08
    depth_sd_m: float = 0.07
    background_width_m: float = 3.0
    background_height_m: float = 1.5
    background_inside: float = 0.2
    touch_s: float = 0.3
    timing_sd_s: float = 0.15
    lead_s: float = 0.5
    lag_s: float = 0.8
    wrist_failure: float = 0.2
    arm_m: float = 0.95
    arm_sd_m: float = 0.15
    beside_sd_m: float = 0.35
    background_area_m: float = 4.0
    forearm_share: float = 0.5

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        for name, value in vars(self).items():
            if value <= 0:
                raise ValueError(f"{name} is {value}: must be positive")
        for name in ("background_inside", "wrist_failure"):
            if getattr(self, name) >= 1:
                raise ValueError(f"{name} is {getattr(self, name)}: must be a probability below 1")

    RANGES: ClassVar[Mapping[str, tuple[float, float]]] = {
        "hand_sd_m": (0.005, 1),
        "front_m": (0.001, 0.5),
        "depth_sd_m": (0.001, 0.5),
        "background_width_m": (0.1, 50),
        "background_height_m": (0.1, 10),
        "background_inside": (0.001, 0.999),
        "touch_s": (0.001, 5),
        "timing_sd_s": (0.01, 5),
        "lead_s": (0.01, 10),
        "lag_s": (0.01, 10),
        "wrist_failure": (0.001, 0.999),
        "arm_m": (0.2, 3),
        "arm_sd_m": (0.01, 1),
        "beside_sd_m": (0.01, 3),
        "background_area_m": (0.1, 100),
        "forearm_share": (0.01, 2),
    }


@dataclass(frozen=True)
class WeightParameters:
    """What is expected of the grams of an event.

    Attributes:
        extra_sd_g: error of a settled step that its own standard deviation does not tell.
        scale_error: error of a load cell's scale, as a share of the step.
        outlier: how often a step is off for some other reason (a hand still leaning, an item half on a neighbour),
        outlier_sd_g: by this much.
        spurious_g: steps that no product made are mostly about as small as this,
        wide: or, in this share of the cases,
        wide_g: anywhere within this range.
        count_odds: how often 1, 2, 3, ... pieces move at once.
    """

    extra_sd_g: float = 0.8
    scale_error: float = 0.004
    outlier: float = 0.04
    outlier_sd_g: float = 8.0
    spurious_g: float = 6.0
    wide: float = 0.2
    wide_g: float = 1000.0
    count_odds: tuple[float, ...] = (0.80, 0.14, 0.04, 0.012, 0.005, 0.003)

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        if self.extra_sd_g < 0 or self.scale_error < 0:
            raise ValueError("weight errors must not be negative")
        for name in ("outlier_sd_g", "spurious_g", "wide_g"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name)}: must be positive")
        for name in ("outlier", "wide"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}: must be between 0 and 1")
        if not self.count_odds or min(self.count_odds) <= 0:
            raise ValueError("count_odds needs at least one positive number")

    RANGES: ClassVar[Mapping[str, tuple[float, float]]] = {
        "extra_sd_g": (0, 100),
        "scale_error": (0, 0.2),
        "outlier": (1e-6, 0.999),
        "outlier_sd_g": (0.1, 1000),
        "spurious_g": (0.1, 1000),
        "wide": (1e-6, 0.999),
        "wide_g": (1, 1e5),
        "count_odds": (1e-9, 1),
    }


@dataclass(frozen=True)
class HandTrack:
    """What is known of one shopper around an event, in (n,) samples.

    ``hands`` (n, 2, 3) are the left and right hand in store metres (NaN where unknown), ``hand_sds`` (n, 2) their
    standard deviations, ``bodies`` (n, 2) the floor positions with ``body_sds`` (n,), ``stamps_ns`` (n,).
    """

    stamps_ns: NDArray[np.int64]
    hands: FloatArray
    hand_sds: FloatArray
    bodies: FloatArray
    body_sds: FloatArray


@dataclass(frozen=True)
class Reach:
    """How a shopper is tied to an event: ``log_ratio`` against chance, ``hand`` 0 left, 1 right, -1 unknown."""

    log_ratio: float
    hand: int


def reach(track: HandTrack, site: LaneSite, onset_ns: int, parameters: ReachParameters) -> Reach:
    """Return how well this shopper's hands, or failing them his body, explain a touch in the lane at ``onset_ns``."""
    p = parameters
    timing = -0.5 * (((track.stamps_ns - onset_ns) * 1e-9 - p.touch_s) / p.timing_sd_s) ** 2
    body = float(np.max(_body_log_ratio(track, site, p) + np.minimum(timing, 0.0), initial=-30.0))
    hands = hand_log_ratio(track.hands, track.hand_sds, site, p) + timing[:, None]
    known = np.isfinite(hands)
    if not known.any():
        return Reach(body, -1)
    hands = np.where(known, hands, -np.inf)
    hand = int(np.argmax(hands.max(axis=0)))
    best = float(hands.max())
    # Whoever did it shows his hand in the lane, save in a few cases in which only his body speaks.
    fallback = np.log(p.wrist_failure) + body
    return Reach(float(np.logaddexp(np.log1p(-p.wrist_failure) + best, fallback)), hand if best > fallback else -1)


def hand_log_ratio(hands: FloatArray, sds: FloatArray, site: LaneSite, p: ReachParameters) -> FloatArray:
    """Return (n, 2) log ratios of hands (n, 2, 3) with deviations (n, 2) being in the lane; NaN where unknown."""
    local = (hands - site.position) @ site.transform[:3, :3]
    variance = sds**2 + p.hand_sd_m**2
    lane, height = site.lane, site.shelf.clearance
    along = _normal_log(local[..., 1], variance + lane.width**2 / 12) + np.log(p.background_width_m)
    # Hands grasp in the lower two thirds of the opening and come from above the plate.
    above = _normal_log(local[..., 2] - 0.4 * height, variance + height**2 / 12) + np.log(p.background_height_m)
    # Outside is before the front, and also behind the back: there stands whoever shops at the next gondola.
    outside = np.maximum(np.abs(local[..., 0] - p.front_m / 2) - (lane.depth + p.front_m) / 2, 0.0)
    depth = -0.5 * outside**2 / (variance + p.depth_sd_m**2) - np.log(p.background_inside)
    return np.asarray(along + above + depth)


def _body_log_ratio(track: HandTrack, site: LaneSite, p: ReachParameters) -> FloatArray:
    """Return (n,) log ratios of a body standing where the lane can be reached."""
    offset = track.bodies - site.position[:2]
    local = offset @ site.transform[:2, :2]
    variance = track.body_sds**2
    too_far = np.maximum(local[:, 0] - site.lane.depth / 2 - p.arm_m, 0.0)
    behind = np.maximum(-local[:, 0], 0.0)
    away = -0.5 * (too_far**2 + behind**2) / (variance + p.arm_sd_m**2)
    beside = _normal_log(local[:, 1], variance + p.beside_sd_m**2) + np.log(p.background_area_m)
    return np.asarray(away + beside)


def _normal_log(offset: FloatArray, variance: FloatArray) -> FloatArray:
    return np.asarray(-0.5 * (offset**2 / variance + np.log(variance) + _LOG_2PI))


class WeightModel:
    """Log likelihood density (per gram) of a step for every product and count."""

    def __init__(self, products: tuple[Product, ...], parameters: WeightParameters) -> None:
        """Prepare the table of ``products``."""
        self._p = parameters
        self.skus = tuple(product.sku for product in products)
        counts = np.arange(1, len(parameters.count_odds) + 1)
        weight = np.array([product.weight_g for product in products])
        spread = np.array([product.weight_sd_g for product in products])
        self._expected = weight[:, None] * counts
        self._variance = spread[:, None] ** 2 * counts
        odds = np.array(parameters.count_odds)
        self._log_counts = np.log(odds / odds.sum())

    def log_likelihood(self, delta_g: float, sd_g: float) -> FloatArray:
        """Return (products, counts): how likely pieces of that number make a step of the size of ``delta_g``.

        Includes how often so many pieces move at once; the sign of the step is not judged.
        """
        p = self._p
        size = abs(delta_g)
        variance = self._variance + sd_g**2 + p.extra_sd_g**2 + (p.scale_error * size) ** 2
        fit = np.log1p(-p.outlier) + _normal_log(size - self._expected, variance)
        off = np.log(p.outlier) + _normal_log(size - self._expected, variance + p.outlier_sd_g**2)
        return np.asarray(np.logaddexp(fit, off) + self._log_counts)

    def log_count(self, count: int) -> float:
        """Return the log odds that one grasp moves ``count`` pieces."""
        return float(self._log_counts[count - 1])

    def unexplained(self, delta_g: float) -> float:
        """Return the log density of a step that no product made."""
        p = self._p
        small = (1 - p.wide) / p.spurious_g * np.exp(-abs(delta_g) / p.spurious_g)
        return float(np.log(small + p.wide / p.wide_g))
