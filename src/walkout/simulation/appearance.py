"""How simulated shoppers look: varied, plausible clothes and bodies drawn from a stream of their own."""

from __future__ import annotations

import colorsys

import numpy as np

from walkout.simulation.garments import OUTFITS, Hair
from walkout.simulation.scene import Appearance, Colour

SKINS: tuple[Colour, ...] = (
    (0.72, 0.47, 0.36),
    (0.61, 0.38, 0.27),
    (0.45, 0.26, 0.17),
    (0.28, 0.15, 0.09),
    (0.13, 0.07, 0.045),
)
HAIRS: tuple[Colour, ...] = (
    (0.015, 0.012, 0.01),
    (0.06, 0.03, 0.015),
    (0.16, 0.08, 0.035),
    (0.4, 0.25, 0.1),
    (0.35, 0.34, 0.33),
)
PATTERNS = 4
SHOES: tuple[Colour, ...] = ((0.02, 0.02, 0.02), (0.6, 0.6, 0.58), (0.12, 0.06, 0.03), (0.05, 0.07, 0.15))


def draw_appearance(generator: np.random.Generator, bodies: tuple[int, ...], body: int | None = None) -> Appearance:
    """Draw a person's looks: one of ``bodies`` (or ``body``), dressed in any way the garments allow."""
    drawn = int(generator.choice(bodies))
    chosen = drawn if body is None else body
    return Appearance(
        body=chosen,
        scale=float(generator.uniform(0.96, 1.04)),
        skin=SKINS[int(generator.integers(len(SKINS)))],
        hair=HAIRS[int(generator.integers(len(HAIRS)))],
        top=_cloth(generator, 0.75),
        bottom=_cloth(generator, 0.35, darker=True),
        shoes=SHOES[int(generator.integers(len(SHOES)))],
        bag=bool(generator.random() < 0.75),
        outfit=int(generator.integers(len(OUTFITS))),
        hair_style=int(generator.integers(len(Hair))),
        pattern=int(generator.integers(PATTERNS)),
        accent=_cloth(generator, 0.6),
        bag_colour=_cloth(generator, 0.3, darker=True),
    )


def _cloth(generator: np.random.Generator, saturation: float, darker: bool = False) -> Colour:
    value = generator.uniform(0.08, 0.45) if darker else generator.uniform(0.2, 0.9)
    colour = colorsys.hsv_to_rgb(generator.random(), saturation * generator.random(), value)
    red, green, blue = (float(channel) ** 2.2 for channel in colour)
    return red, green, blue
