"""The meshes of what people bring along: shopping bags and pulled trolleys."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from walkout.simulation.meshes import Mesh, box, concatenate, moved
from walkout.simulation.scene import Colour, Prop, PropKind

_HANDLES_M = 0.16
"""How far a bag's body hangs below the arm."""


def prop_mesh(prop: Prop) -> Mesh:
    """Return a prop's mesh in the store frame."""
    cos, sin = np.cos(prop.yaw), np.sin(prop.yaw)
    transform = np.eye(4)
    transform[:2, :2] = [[cos, -sin], [sin, cos]]
    transform[:3, 3] = prop.position
    return moved((_bag if prop.kind is PropKind.BAG else _trolley)(prop.colour), transform)


@lru_cache(maxsize=32)
def _bag(colour: Colour) -> Mesh:
    """Return a bag that hangs from the origin, its long side along x."""
    top, bottom = -_HANDLES_M, -_HANDLES_M - 0.36
    straps = [
        box((x - 0.012, y - 0.004, top), (x + 0.012, y + 0.004, 0.0), colour)
        for x in (-0.08, 0.08)
        for y in (-0.05, 0.05)
    ]
    return concatenate([box((-0.19, -0.075, bottom), (0.19, 0.075, top), colour), *straps])


@lru_cache(maxsize=32)
def _trolley(colour: Colour) -> Mesh:
    """Return a trolley that stands on the floor with its handle towards +x."""
    dark: Colour = (0.03, 0.03, 0.035)
    grey: Colour = (0.5, 0.5, 0.52)
    wheels = [
        box((x - 0.03, y - 0.02, 0.0), (x + 0.03, y + 0.02, 0.06), dark) for x in (-0.15, 0.15) for y in (-0.14, 0.14)
    ]
    rails = [
        box((x0, y - 0.01, z0), (x1, y + 0.01, z1), grey)
        for y in (-0.11, 0.11)
        for x0, x1, z0, z1 in (
            (0.17, 0.19, 0.4, 0.58),
            (0.19, 0.26, 0.56, 0.58),
            (0.25, 0.27, 0.56, 0.84),
            (0.26, 0.39, 0.82, 0.84),
        )
    ]
    grip = box((0.38, -0.12, 0.83), (0.405, 0.12, 0.86), dark)
    body = [
        box((-0.2, -0.16, 0.06), (0.2, 0.16, 0.10), colour),
        box((-0.2, -0.16, 0.10), (-0.18, 0.16, 0.45), colour),
        box((0.18, -0.16, 0.10), (0.2, 0.16, 0.45), colour),
        box((-0.18, -0.16, 0.10), (0.18, -0.14, 0.45), colour),
        box((-0.18, 0.14, 0.10), (0.18, 0.16, 0.45), colour),
    ]
    return concatenate([*body, *wheels, *rails, grip])
