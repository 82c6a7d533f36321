"""Shelf traces that are hard to read, with their truth: what ``walkout evaluate shelf-trace --made`` measures on.

Nothing here comes from the simulated store's load cells: the two are written apart, so that a detector that suits the
one is still a surprise to the other. The ranges are those of published recordings of real shelves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class TrueChange:
    """A lasting change: which plates, when the item left or came (s), how many grams in all."""

    plates: tuple[int, ...]
    at_s: float
    delta_g: float


@dataclass(frozen=True)
class MadeTrace:
    """A trace with its truth: ``time_s`` (n,), ``grams`` (n, plates) with NaN where nothing was read."""

    kind: str
    seed: int
    time_s: FloatArray
    grams: FloatArray
    truth: tuple[TrueChange, ...]


@dataclass
class _Shelf:
    """Collects what happens on a shelf at a fine clock; ``sample`` reads it with the faults of real electronics."""

    rng: np.random.Generator
    rate_hz: float
    seconds: float
    plates: int = 6
    noise_g: float = 1.0
    quantum_g: float = 0.0
    truth: list[TrueChange] = field(default_factory=list)

    def __post_init__(self) -> None:
        count = int(self.seconds * self.rate_hz)
        self.time_s = np.arange(count) / self.rate_hz
        self.load = np.zeros((count, self.plates))
        self.extra = np.zeros((count, self.plates))
        self.drift_g_per_s = self.rng.normal(0, 0.03, self.plates)

    def move(self, plates: tuple[int, ...], at_s: float, delta_g: float, hand: bool = True) -> None:
        """An item leaves or comes; a hand is in from a little before to a little after, then the shelf rings on."""
        shares = np.array([1.0]) if len(plates) == 1 else self.rng.dirichlet([6.0] * len(plates))
        if hand:
            self.hand(plates[0], at_s - self.rng.uniform(0.2, 0.8), self.rng.uniform(0.6, 1.6))
        # The item is lifted within a tenth of a second or two.
        rise = np.clip((self.time_s - at_s) / self.rng.uniform(0.03, 0.2), 0, 1)
        for plate, share in zip(plates, shares, strict=True):
            self.load[:, plate] += rise * share * delta_g
            self._settle(plate, at_s, share * delta_g)
        self.truth.append(TrueChange(plates, at_s, delta_g))

    def hand(self, plate: int, at_s: float, seconds: float, push_g: float | None = None) -> None:
        """A hand works in a lane: it presses unsteadily by up to some hundred grams, the neighbours feel a part."""
        push = self.rng.uniform(60, 400) if push_g is None else push_g
        inside = (self.time_s >= at_s) & (self.time_s < at_s + seconds)
        phase = (self.time_s[inside] - at_s) / seconds
        wander = sum(
            self.rng.normal() * np.sin(2 * np.pi * (k * phase * seconds * 0.9 + self.rng.random())) for k in range(1, 5)
        )
        press = push * np.sin(np.pi * phase) ** 0.5 * (0.6 * self.rng.choice([-0.3, 1.0]) + 0.4 * wander)
        self.extra[inside, plate] += press
        for beside in (plate - 1, plate + 1):
            if 0 <= beside < self.plates:
                self.extra[inside, beside] += self.rng.uniform(0, 0.15) * press

    def lean(self, plate: int, at_s: float, seconds: float, push_g: float) -> None:
        """Somebody rests a hand on the plate, rather steadily, and takes it away."""
        rise = np.clip((self.time_s - at_s) / 0.15, 0, 1) - np.clip((self.time_s - at_s - seconds) / 0.15, 0, 1)
        sway = 1 + 0.12 * np.sin(2 * np.pi * self.rng.uniform(0.4, 1.2) * self.time_s + self.rng.uniform(0, 6))
        self.extra[:, plate] += push_g * rise * sway

    def _settle(self, plate: int, at_s: float, delta_g: float) -> None:
        after = np.maximum(self.time_s - at_s, 0)
        began = self.time_s >= at_s
        tau, pitch = self.rng.uniform(0.35, 0.9), self.rng.uniform(2.3, 5.5)
        ring = np.exp(-after / tau) * np.sin(2 * np.pi * pitch * after)
        for other in range(self.plates):
            size = self.rng.uniform(0.05, 0.2) if other == plate else self.rng.normal(0, 0.04)
            self.extra[:, other] += began * size * delta_g * ring
        # The cell and the board creep for some seconds.
        creep = self.rng.normal(0, 0.004)
        self.extra[:, plate] += began * creep * delta_g * np.exp(-after / self.rng.uniform(0.8, 2.0))

    def sample(self, kind: str, seed: int) -> MadeTrace:
        """Read the shelf: cross-talk, offsets, drift, noise, resolution."""
        coupling = np.eye(self.plates)
        for plate in range(self.plates - 1):
            coupling[plate, plate + 1], coupling[plate + 1, plate] = self.rng.uniform(0.005, 0.03, 2)
        grams = (self.load + self.extra) @ coupling + self.rng.normal(0, 2500, self.plates)
        grams += self.time_s[:, None] * self.drift_g_per_s
        grams += self.noise_g * self.rng.normal(0, 1, grams.shape)
        if self.quantum_g:
            grams = np.round(grams / self.quantum_g) * self.quantum_g
        return MadeTrace(kind, seed, self.time_s, grams, tuple(self.truth))


def _weight(rng: np.random.Generator, low: float = 40.0, high: float = 1200.0) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _times(from_s: float, to_s: float, every_s: float) -> list[float]:
    return [float(at_s) for at_s in np.arange(from_s, to_s, every_s)]


def _sign(rng: np.random.Generator) -> float:
    return -1.0 if rng.random() < 0.5 else 1.0


def _shelf(rng: np.random.Generator, seconds: float = 45.0, **options: float) -> _Shelf:
    chosen: dict[str, float] = {
        "rate_hz": float(rng.choice([10.0, 20.0, 60.0])),
        "noise_g": float(rng.uniform(0.5, 1.4)),
        **options,
    }
    return _Shelf(rng, chosen.pop("rate_hz"), seconds, **chosen)  # type: ignore[arg-type]


def _visits(shelf: _Shelf, low: float = 40.0, high: float = 1200.0, apart_s: float = 8.0) -> _Shelf:
    """Takes and put-backs well apart, some put back at another plate."""
    rng, at_s = shelf.rng, 5.0
    while at_s < shelf.seconds - 8:
        plate, weight = int(rng.integers(shelf.plates)), _weight(rng, low, high)
        shelf.move((plate,), at_s, -weight)
        at_s += rng.uniform(apart_s, 1.6 * apart_s)
        if rng.random() < 0.4 and at_s < shelf.seconds - 8:
            shelf.move((int(rng.integers(shelf.plates)),), at_s, weight)
            at_s += rng.uniform(apart_s, 1.6 * apart_s)
    return shelf


def _in_a_hurry(shelf: _Shelf) -> _Shelf:
    """Two takes seconds apart, on one plate or on two."""
    rng = shelf.rng
    for at_s in _times(6.0, shelf.seconds - 10, 12.0):
        plate = int(rng.integers(shelf.plates))
        same = rng.random() < 0.5
        other = plate if same else int((plate + rng.integers(1, shelf.plates)) % shelf.plates)
        shelf.move((plate,), at_s, -_weight(rng, 60))
        shelf.move((other,), at_s + rng.uniform(2.5, 4.0) if same else at_s + rng.uniform(0.5, 3.0), -_weight(rng, 60))
    return shelf


def _across(shelf: _Shelf) -> _Shelf:
    """Items that lie on two plates."""
    for at_s in _times(6.0, shelf.seconds - 8, 10.0):
        plate = int(shelf.rng.integers(shelf.plates - 1))
        shelf.move((plate, plate + 1), at_s, _sign(shelf.rng) * _weight(shelf.rng, 120))
    return shelf


def _touches(shelf: _Shelf) -> _Shelf:
    """Touches and leaning that leave nothing, and one take among them."""
    rng = shelf.rng
    for at_s in _times(5.0, shelf.seconds - 10, 9.0):
        if rng.random() < 0.5:
            shelf.hand(int(rng.integers(shelf.plates)), at_s, rng.uniform(0.5, 3.5))
        else:
            shelf.lean(int(rng.integers(shelf.plates)), at_s, rng.uniform(0.3, 4.0), rng.uniform(30, 400))
    shelf.move((int(rng.integers(shelf.plates)),), shelf.seconds - 7, -_weight(rng))
    return shelf


def _spiked(trace: MadeTrace, rng: np.random.Generator) -> MadeTrace:
    grams = trace.grams.copy()
    for _ in range(25):
        grams[rng.integers(len(grams)), rng.integers(grams.shape[1])] += rng.choice([-1, 1]) * rng.uniform(50, 5000)
    return MadeTrace(trace.kind, trace.seed, trace.time_s, grams, trace.truth)


def _failing(trace: MadeTrace, rng: np.random.Generator) -> MadeTrace:
    """A plate on which nothing happens any more dies: no value, zero, full scale, or the last value for ever."""
    grams = trace.grams.copy()
    used = {plate for change in trace.truth for plate in change.plates}
    idle = [plate for plate in range(grams.shape[1]) if plate not in used]
    plate = int(rng.choice(idle)) if idle else 0
    from_s = float(rng.uniform(3, trace.time_s[-1] - 6))
    to_s = from_s + float(rng.choice([rng.uniform(1.5, 10), 1e3]))
    dead = (trace.time_s >= from_s) & (trace.time_s < to_s)
    last = grams[np.flatnonzero(dead)[0] - 1, plate]
    grams[dead, plate] = (np.nan, 0.0, 8388.607, last)[int(rng.integers(4))]
    truth = tuple(c for c in trace.truth if plate not in c.plates)
    return MadeTrace(trace.kind, trace.seed, trace.time_s, grams, truth)


def _ragged(trace: MadeTrace, rng: np.random.Generator) -> MadeTrace:
    """Irregular stamps, lost rows, a gap of a second, single missing values."""
    keep = rng.random(len(trace.time_s)) > 0.08
    gap_s = rng.uniform(3, trace.time_s[-1] - 5)
    keep &= (trace.time_s < gap_s) | (trace.time_s > gap_s + 1.0)
    period = trace.time_s[1] - trace.time_s[0]
    time_s = (trace.time_s + rng.uniform(-0.4, 0.4, len(keep)) * period)[keep] + 1_600_000_000.0
    grams = trace.grams[keep].copy()
    grams[rng.random(grams.shape) < 0.02] = np.nan
    truth = tuple(TrueChange(c.plates, c.at_s + 1_600_000_000.0, c.delta_g) for c in trace.truth)
    return MadeTrace(trace.kind, trace.seed, time_s, grams, truth)


Maker = Callable[[np.random.Generator, str, int], MadeTrace]

KINDS: dict[str, Maker] = {
    "60 Hz": lambda rng, kind, seed: _visits(_shelf(rng, rate_hz=60.0)).sample(kind, seed),
    "20 Hz": lambda rng, kind, seed: _visits(_shelf(rng, rate_hz=20.0)).sample(kind, seed),
    "10 Hz": lambda rng, kind, seed: _visits(_shelf(rng, rate_hz=10.0)).sample(kind, seed),
    "noise 7 g": lambda rng, kind, seed: _visits(_shelf(rng, noise_g=7.0), 120).sample(kind, seed),
    "items 10-40 g": lambda rng, kind, seed: _visits(_shelf(rng), 10, 40).sample(kind, seed),
    "items 1-2 kg": lambda rng, kind, seed: _visits(_shelf(rng), 1000, 2000).sample(kind, seed),
    "seconds apart": lambda rng, kind, seed: _in_a_hurry(_shelf(rng, 60.0)).sample(kind, seed),
    "on two plates": lambda rng, kind, seed: _across(_shelf(rng)).sample(kind, seed),
    "touches": lambda rng, kind, seed: _touches(_shelf(rng)).sample(kind, seed),
    "1 g steps": lambda rng, kind, seed: _visits(_shelf(rng, quantum_g=1.0)).sample(kind, seed),
    "5 g steps": lambda rng, kind, seed: _visits(_shelf(rng, quantum_g=5.0)).sample(kind, seed),
    "spikes": lambda rng, kind, seed: _spiked(_visits(_shelf(rng)).sample(kind, seed), rng),
    "failing plate": lambda rng, kind, seed: _failing(_visits(_shelf(rng)).sample(kind, seed), rng),
    "ragged stamps": lambda rng, kind, seed: _ragged(_visits(_shelf(rng)).sample(kind, seed), rng),
}


def make_trace(kind: str, seed: int) -> MadeTrace:
    """Return the trace of one kind (a key of ``KINDS``) and seed; the same seed gives the same trace."""
    return KINDS[kind](np.random.default_rng([seed, *kind.encode()]), kind, seed)
