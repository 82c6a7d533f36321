"""How simulated shoppers look: random but believable bodies, clothes and colours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from walkout.simulation.bodies import BodyLibrary
from walkout.simulation.garments import OUTFITS, Hair, Material
from walkout.simulation.scene import Appearance, Colour

# Colours below are sRGB 0..255, as one picks them from photographs.
_SKINS = (
    (243, 214, 192),
    (229, 190, 160),
    (212, 168, 133),
    (188, 138, 103),
    (150, 102, 72),
    (110, 72, 50),
    (78, 52, 38),
)
_HAIRS = (
    (28, 22, 20),
    (52, 36, 26),
    (86, 58, 38),
    (128, 92, 58),
    (190, 154, 100),
    (120, 58, 34),
    (150, 148, 144),
    (208, 205, 200),
)
_OLD_HAIRS = ((150, 148, 144), (208, 205, 200), (120, 116, 112))
_CLOTHES = (
    (32, 34, 40), (245, 244, 240), (120, 124, 130), (40, 58, 96), (150, 30, 36), (60, 92, 66), (196, 168, 120), (92, 62, 44),
    (214, 196, 60), (70, 130, 170), (224, 130, 60), (130, 70, 130), (230, 190, 196), (20, 92, 100), (176, 190, 204), (88, 96, 60),
)  # fmt: skip
_TROUSERS = (
    (34, 40, 58), (28, 28, 32), (60, 78, 112), (96, 110, 134), (128, 116, 92), (74, 66, 58), (186, 174, 150), (58, 62, 66), (44, 54, 44)
)  # fmt: skip
_SHOES = ((24, 24, 26), (236, 234, 230), (92, 60, 40), (120, 120, 126), (150, 40, 44), (30, 44, 80))
_WOMEN = ("woman", "heavy woman", "young woman", "old woman")


def sample_appearance(rng: np.random.Generator, body: int | None = None) -> Appearance:
    """Return a random appearance; ``body`` fixes the body (an index of the library)."""
    library = BodyLibrary.load()
    if body is None:
        weights = np.array([0.4 if name == "child" else 1.0 for name in library.names])
        body = int(rng.choice(len(library), p=weights / weights.sum()))
    name = library.names[body]
    female = name in _WOMEN or (name in ("child", "teenager") and rng.random() < 0.5)
    cuts = np.array(
        [0.24, 0.22, 0.12, 0.14, 0.06, 0.09, 0.06, 0.07] if female else [0.3, 0.3, 0.15, 0.2, 0.0, 0.0, 0.0, 0.05]
    )
    outfit = int(rng.choice(len(OUTFITS), p=cuts / cuts.sum()))
    styles = [0.15, 0.5, 0.05, 0.0, 0.3] if female else [0.62, 0.05, 0.2, 0.12, 0.01]
    hair_style = Hair(int(rng.choice(len(Hair), p=styles)))
    if name in ("child", "teenager") and hair_style is Hair.BALD:
        hair_style = Hair.SHORT
    bottoms = _TROUSERS if rng.random() < 0.85 else _CLOTHES
    return Appearance(
        body=body,
        scale=float(np.clip(rng.normal(1.0, 0.025), 0.94, 1.06)),
        skin=_pick(rng, _SKINS, 0.05),
        hair=_pick(rng, _OLD_HAIRS if name.startswith("old") and rng.random() < 0.8 else _HAIRS, 0.15),
        top=_pick(rng, _CLOTHES, 0.2),
        bottom=_pick(rng, bottoms, 0.2),
        shoes=_pick(rng, _SHOES, 0.15),
        bag=bool(rng.random() < 0.25),
        outfit=outfit,
        hair_style=int(hair_style),
        pattern=int(rng.choice(4, p=[0.6, 0.16, 0.1, 0.14])),
        bag_colour=_pick(rng, _CLOTHES, 0.2),
    )


def _pick(rng: np.random.Generator, palette: tuple[tuple[int, int, int], ...], spread: float) -> Colour:
    """Return one of a palette's colours, varied, as linear RGB."""
    shown = np.array(palette[int(rng.integers(len(palette)))]) / 255.0
    varied = shown * np.exp(rng.normal(0.0, spread)) + rng.normal(0.0, 0.02, 3)
    red, green, blue = (np.clip(varied, 0.01, 0.95) ** 2.2).tolist()
    return (red, green, blue)


def palette(appearance: Appearance) -> NDArray[np.float64]:
    """Return the linear colour of every material, (materials, 3)."""
    colours = np.zeros((len(Material), 3))
    colours[Material.SKIN] = appearance.skin
    colours[Material.HAIR] = appearance.hair
    colours[Material.TOP] = appearance.top
    colours[Material.BOTTOM] = appearance.bottom
    colours[Material.SHOES] = appearance.shoes
    colours[Material.EYES] = (0.10, 0.08, 0.07)
    colours[Material.BAG] = appearance.bag_colour
    return colours
