"""What the joint hypotheses of a whole visit say of one party."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from walkout.interactions.joint import JointHypothesis
from walkout.interactions.meetings import HandsMet
from walkout.interactions.types import Interaction, VisitEstimate

HARDLY = 0.02
"""What is less probable than this is not mentioned."""

Judged = tuple[Interaction, tuple[str, ...]]
"""An interaction, and the cameras that saw it."""


def visit_estimate(
    party: frozenset[int],
    judged: Sequence[Judged],
    met: tuple[HandsMet, ...],
    joint: Sequence[JointHypothesis],
    certainty: float,
) -> VisitEstimate:
    """Return the odds of what a party left with, and the evidence of every product.

    ``judged`` are the interactions of everybody concerned. The evidence of what the party may have been handed is what
    those did with it whose hands it has met.
    """
    partners = frozenset(track for one in met for track in one.tracks) - party
    counts = _counts(party, joint, certainty)
    own = _by_sku(party, judged)
    given = _by_sku(partners, judged)
    evidence = {sku: own.get(sku) or given.get(sku, []) for sku in counts}
    return VisitEstimate(
        tuple(interaction for interaction, _ in judged if _share(interaction, party) > HARDLY),
        counts,
        {sku: tuple(interaction.interaction_id for interaction, _ in found) for sku, found in evidence.items()},
        {sku: tuple(sorted({name for _, cameras in found for name in cameras})) for sku, found in evidence.items()},
        met,
    )


def _counts(party: frozenset[int], joint: Sequence[JointHypothesis], certainty: float) -> dict[str, dict[int, float]]:
    counts: dict[str, dict[int, float]] = {}
    for sku in sorted({key[1] for hypothesis in joint for key in hypothesis.holdings if key[0] in party}):
        odds = counts.setdefault(sku, {})
        for hypothesis in joint:
            count = sum(hypothesis.holdings.get((track_id, sku), 0) for track_id in party)
            odds[count] = odds.get(count, 0.0) + certainty * float(np.exp(hypothesis.log_probability))
    return counts


def _by_sku(tracks: frozenset[int], judged: Sequence[Judged]) -> dict[str, list[Judged]]:
    found: dict[str, list[Judged]] = {}
    for interaction, cameras in judged:
        likely = (h for h in interaction.hypotheses if h.track_id in tracks and h.probability > HARDLY and h.sku)
        for sku in dict.fromkeys(h.sku for h in likely):
            found.setdefault(sku, []).append((interaction, cameras))
    return found


def _share(interaction: Interaction, party: frozenset[int]) -> float:
    return sum(h.probability for h in interaction.hypotheses if h.track_id in party)
