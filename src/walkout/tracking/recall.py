"""How often cameras find a shopper, learnt from the shoppers whom other cameras find at the same time.

A detector in an empty room misses next to nobody, one in a crowd a third; whether a shopper behind another is found
depends on the detector too. Both decide what a miss says and whose an ambiguous detection is, so they are counted.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from walkout.tracking.parameters import TrackerParameters
from walkout.tracking.visibility import Visibility

FloatArray = NDArray[np.float64]

_FOUND_THOUGH_COVERED = 0.2
_PRIOR_COUNT = 40.0
_MEMORY = 2000.0
"""Only so many of the last observations count, so that the rates follow the store's day."""
_LIMITS = (0.05, 0.98)
ENOUGH_FINDERS = 2
"""So many other cameras must find a shopper before this one's find or miss is counted."""


class Recall:
    """The rate of finds by how much of a shopper nearer ones cover, for all cameras together."""

    def __init__(self, parameters: TrackerParameters) -> None:
        share = np.linspace(0.0, 1.0, Visibility.POINTS + 1)
        prior = parameters.detection_probability * (1 - share) + _FOUND_THOUGH_COVERED * share
        self._most = parameters.detection_probability
        self._least_existence = parameters.least_existence
        self._chances = np.full(len(share), _PRIOR_COUNT)
        self._finds = self._chances * prior

    @property
    def rates(self) -> FloatArray:
        """The probability of a find (POINTS + 1,) by the share that is covered: none, a third, two, all."""
        return np.clip(self._finds / self._chances, *_LIMITS)

    @property
    def open(self) -> float:
        """The probability that a shopper is found whom nobody covers, at most the parameter.

        What is counted are misses beside other cameras' finds; those of one shopper come in rows, so ever fewer
        misses would soon say more than they know.
        """
        return min(float(self.rates[0]), self._most)

    def note(self, visibility: Visibility, found: NDArray[np.bool_], others: NDArray[np.intp]) -> None:
        """Count one camera's finds (t,) of shoppers; ``others`` (t,) says how many other cameras find them."""
        sure = visibility.whole & (others >= ENOUGH_FINDERS)
        step = _bins(visibility.covered[sure])
        chances = np.bincount(step, minlength=len(self._chances)).astype(float)
        keep = np.maximum(1 - chances / _MEMORY, 0.0)
        self._chances = self._chances * keep + chances
        self._finds = self._finds * keep + np.bincount(step, found[sure], len(self._chances))

    def handicap(self, covered: FloatArray, existence: FloatArray | float = 1.0) -> FloatArray:
        """Return by how much dearer (t,) a match is for shoppers (t,) than for one in the open who is surely there.

        Who is ``covered``, or perhaps gone (``existence`` below 1), is less probably found; nobody is taken for less
        probably there than ``least_existence``. Two times the log of the odds of a find, as the costs of association
        are.
        """
        there = np.maximum(existence, self._least_existence)
        rates = np.append(self.rates[_bins(covered)] * there, self.rates[0])
        surprise = np.log1p(-rates) - np.log(rates)
        return np.asarray(2 * (surprise[:-1] - surprise[-1]).clip(0.0))


def _bins(covered: FloatArray) -> NDArray[np.intp]:
    return np.rint(covered * Visibility.POINTS).astype(np.intp)
