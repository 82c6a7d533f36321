"""How simulated shoppers look: random but believable bodies, clothes and colours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from walkout.simulation.bodies import BodyLibrary
from walkout.simulation.garments import OUTFITS, Hair, Material
from walkout.simulation.scene import Appearance, Colour
from walkout.simulation.textures import Cloth

# Colours are sRGB, as one picks them from photographs.
_SKINS = "f3d6c0 e5bea0 d4a885 bc8a67 966648 6e4832 4e3426"
_HAIRS = "1c1614 34241a 563a26 805c3a be9a64 783a22 969490 d0cdc8"
_OLD_HAIRS = "969490 d0cdc8 787470"
_CLOTHES = (
    "202228 f5f4f0 787c82 283a60 961e24 3c5c42 c4a878 5c3e2c d6c43c 4682aa e0823c 824682 e6bec4 145c64 b0beCC 58603c"
)
_TROUSERS = "22283a 1c1c20 3c4e70 606e86 80745c 4a423a baae96 3a3e42 2c362c"
_SHOES = "18181a eceae6 5c3c28 78787e 96282c 1e2c50"
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
        pattern=int(rng.choice(len(Cloth), p=[0.6, 0.16, 0.1, 0.14])),
        bag_colour=_pick(rng, _CLOTHES, 0.2),
    )


def _pick(rng: np.random.Generator, colours: str, spread: float) -> Colour:
    """Return one of some colours in hexadecimal, varied, as linear RGB."""
    chosen = colours.split()[int(rng.integers(len(colours.split())))]
    shown = np.array([int(chosen[digit : digit + 2], 16) for digit in (0, 2, 4)]) / 255.0
    varied = shown * np.exp(rng.normal(0.0, spread)) + rng.normal(0.0, 0.1 * spread, 3)
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
