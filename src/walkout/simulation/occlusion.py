"""How much of the ceiling's light reaches each point of the store: a coarse volume, computed once per store.

Ambient occlusion by marching through a voxel grid of the fixtures' solid boxes in a few directions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from walkout.simulation.fixtures import occluders
from walkout.store.model import Store

VOXEL = 0.06
_REACH = 0.7
_STEP = 0.09


@dataclass(frozen=True)
class LightVolume:
    """``values`` (nz, ny, nx) uint8, 255 in the open; ``low`` (3,) is the volume's corner, ``size`` (3,) in metres."""

    values: NDArray[np.uint8]
    low: NDArray[np.float64]
    size: NDArray[np.float64]


def light_volume(store: Store) -> LightVolume:
    """Return the ambient light of a store without people."""
    x0, y0, x1, y1 = store.floor
    low = np.array([x0 - 0.12, y0 - 0.12, -0.12])
    cells = np.ceil((np.array([x1 + 0.12, y1 + 0.12, 2.4]) - low) / VOXEL).astype(int)
    axes = [low[k] + (np.arange(cells[k]) + 0.5) * VOXEL for k in range(3)]
    solid = np.zeros(tuple(cells), dtype=np.float32)
    for centre, sides in occluders(store):
        _fill(solid, axes, centre, sides)
    # Floor and walls block light too.
    solid[:, :, axes[2] < 0] = 1.0
    solid[(axes[0] < x0) | (axes[0] > x1)] = 1.0
    solid[:, (axes[1] < y0) | (axes[1] > y1)] = 1.0
    total = np.zeros_like(solid)
    weight = 0.0
    for direction in _directions():
        share = 0.35 + max(float(direction[2]), 0.0)
        total += share * _visible(solid, direction)
        weight += share
    open_share = total / weight
    # Points inside boards take the light of the brightest neighbour, or interpolation would draw dark seams.
    for axis in range(3):
        for step in (1, -1):
            neighbour = np.roll(open_share, step, axis=axis)
            open_share = np.where(solid > 0.5, np.maximum(open_share, 0.85 * neighbour), open_share)
    values = np.clip(255 * open_share.transpose(2, 1, 0), 0, 255).astype(np.uint8)
    return LightVolume(np.ascontiguousarray(values), low, cells * VOXEL)


def _fill(
    solid: NDArray[np.float32], axes: list[NDArray[np.float64]], centre: NDArray[np.float64], sides: NDArray[np.float64]
) -> None:
    """Mark the voxels whose centre lies in a box; thin boxes are widened to half a voxel."""
    half = np.maximum(np.linalg.norm(sides, axis=1), 0.51 * VOXEL)
    units = sides / np.linalg.norm(sides, axis=1)[:, None]
    extent = np.abs(units.T) @ half
    spans = [np.flatnonzero(np.abs(axes[k] - centre[k]) <= extent[k]) for k in range(3)]
    if any(len(span) == 0 for span in spans):
        return
    slices = tuple(slice(int(span[0]), int(span[-1]) + 1) for span in spans)
    grid = np.stack(np.meshgrid(*(axes[k][slices[k]] - centre[k] for k in range(3)), indexing="ij"), axis=-1)
    inside = (np.abs(grid @ units.T) <= half).all(axis=-1)
    solid[slices] = np.maximum(solid[slices], inside)


def _directions() -> NDArray[np.float64]:
    """Return unit directions over the upper half space and the horizon."""
    angles = np.arange(6) * np.pi / 3
    flat = np.stack([np.cos(angles), np.sin(angles), np.zeros(6)], axis=1)
    raised = np.stack([0.64 * np.cos(angles + 0.5), 0.64 * np.sin(angles + 0.5), np.full(6, 0.77)], axis=1)
    return np.concatenate([flat, raised, [[0.0, 0.0, 1.0]]])


def _visible(solid: NDArray[np.float32], direction: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the share of light that arrives from a direction, 1 where nothing stands within reach."""
    result = np.ones_like(solid)
    for distance in np.arange(_STEP, _REACH, _STEP):
        offset = np.round(direction * distance / VOXEL).astype(int)
        source = tuple(slice(max(o, 0), solid.shape[k] + min(o, 0)) for k, o in enumerate(offset))
        target = tuple(slice(max(-o, 0), solid.shape[k] - max(o, 0)) for k, o in enumerate(offset))
        # Far obstacles darken less: light comes around them.
        result[target] = np.minimum(result[target], 1.0 - solid[source] * np.float32(1.0 - 0.6 * distance / _REACH))
    return result
