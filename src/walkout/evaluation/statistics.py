"""Statistics of the reports: intervals of shares, reliability of probabilities, percentiles of latencies."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

Z_95 = 1.959963984540054


def wilson_interval(right: int, total: int, z: float = Z_95) -> tuple[float, float]:
    """Return the confidence interval of a share (E. B. Wilson 1927), 95 % by default; (0, 1) when nothing was counted.

    Unlike the normal approximation it stays within 0..1 and is honest for few trials and for shares near 0 and 1.

    Raises:
        ValueError: the counts are not 0 <= right <= total.
    """
    if not 0 <= right <= total:
        raise ValueError(f"{right} right of {total}: a share needs 0 <= right <= total")
    if total == 0:
        return 0.0, 1.0
    share, square = right / total, z * z
    centre = (share + square / (2 * total)) / (1 + square / total)
    half = z / (1 + square / total) * math.sqrt(share * (1 - share) / total + square / (4 * total * total))
    # At the ends the interval reaches them exactly; rounding must not cut them off.
    low = 0.0 if right == 0 else max(0.0, centre - half)
    high = 1.0 if right == total else min(1.0, centre + half)
    return low, high


@dataclass(frozen=True)
class Claim:
    """A probability that was stated and whether what it was stated of came true."""

    probability: float
    right: bool


@dataclass(frozen=True)
class ReliabilityBin:
    """The claims with a probability in [low, high): how many, what they promised on average, what came true."""

    low: float
    high: float
    count: int
    mean_probability: float
    share_right: float


def reliability(claims: Iterable[Claim], bins: int = 10) -> tuple[ReliabilityBin, ...]:
    """Sort claims into bins of equal width; empty bins are left out. Probability 1 belongs to the last bin.

    Raises:
        ValueError: a probability outside 0..1.
    """
    sorted_claims: list[list[Claim]] = [[] for _ in range(bins)]
    for claim in claims:
        if not 0.0 <= claim.probability <= 1.0:
            raise ValueError(f"probability {claim.probability} is not within 0..1")
        sorted_claims[min(int(claim.probability * bins), bins - 1)].append(claim)
    return tuple(
        ReliabilityBin(
            low=index / bins,
            high=(index + 1) / bins,
            count=len(chosen),
            mean_probability=sum(claim.probability for claim in chosen) / len(chosen),
            share_right=sum(claim.right for claim in chosen) / len(chosen),
        )
        for index, chosen in enumerate(sorted_claims)
        if chosen
    )


def expected_calibration_error(bins: Sequence[ReliabilityBin]) -> float | None:
    """Return the gap between promise and truth, averaged over bins by count (Naeini et al. 2015); None without any."""
    total = sum(chosen.count for chosen in bins)
    if total == 0:
        return None
    return sum(chosen.count * abs(chosen.mean_probability - chosen.share_right) for chosen in bins) / total


def percentiles(values: Sequence[float]) -> dict[str, float | int | None]:
    """Return count, p50, p95 and p99 (linear interpolation) of values; None for the percentiles when there are none."""
    if not len(values):
        return {"count": 0, "p50": None, "p95": None, "p99": None}
    p50, p95, p99 = np.percentile(np.asarray(values, dtype=float), [50, 95, 99]).tolist()
    return {"count": len(values), "p50": round(p50, 4), "p95": round(p95, 4), "p99": round(p99, 4)}
