"""Does the tracker know who came together? Its probability for every two shoppers against who paid for whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from walkout.evaluation.statistics import Claim
from walkout.tracking.groups import GroupFinder


class GroupWatch:
    """Keeps the last word of the store's group finder on every pair."""

    def __init__(self, finder: GroupFinder) -> None:
        self._finder = finder
        self._last: dict[tuple[int, int], float] = {}

    def note(self) -> None:
        """Ask for all pairs that the finder knows now."""
        self._last |= {pair: self._finder.probability(*pair) for pair in self._finder.pairs()}

    def claims(self, identities: Mapping[int, int], parties: Mapping[int, int]) -> tuple[Claim, ...]:
        """Return a claim for every pair of people who were followed at the same time.

        ``identities`` are the right track ids by person, ``parties`` the parties by person.
        """
        person = {track: one for one, track in identities.items()}
        return tuple(
            Claim(round(probability, 4), parties[person[first]] == parties[person[second]])
            for (first, second), probability in sorted(self._last.items())
            if first in person and second in person and {person[first], person[second]} <= parties.keys()
        )


def group_figures(claims: Sequence[Claim]) -> dict[str, Any]:
    """Return pairs, how many came together, the area under the ROC curve, precision and recall at a half; None of none.

    The area is the probability that a pair who came together has the larger probability of two (Mann and Whitney 1947).
    """
    together = np.array([c.probability for c in claims if c.right])
    apart = np.array([c.probability for c in claims if not c.right])
    area = None
    if len(together) and len(apart):
        above = (together[:, None] > apart[None]).mean() + 0.5 * (together[:, None] == apart[None]).mean()
        area = round(float(above), 4)
    said = int((together > 0.5).sum()), int((apart > 0.5).sum())
    return {
        "pairs": len(claims),
        "together": len(together),
        "auc": area,
        "precision": round(said[0] / sum(said), 4) if sum(said) else None,
        "recall": round(said[0] / len(together), 4) if len(together) else None,
    }
