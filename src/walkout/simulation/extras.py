"""Worn things that do not lie on the skin: skirts, long hair, buns and backpacks, shaped for each body."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from walkout.simulation.skeleton import BONE_COUNT, Bone, Field

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Piece:
    """A surface of its own: ``points`` (v, 3) in the body frame at rest, ``weights`` (v, bones), ``faces`` (f, 3)."""

    points: FloatArray
    weights: FloatArray
    faces: IntArray


@dataclass(frozen=True)
class Figure:
    """A naked body at rest: vertices (v, 3), fields (v, fields), weights (v, bones), joints (bones, 3)."""

    points: FloatArray
    fields: FloatArray
    weights: FloatArray
    joints: FloatArray

    def height_of(self, trunk: float) -> float:
        """Return the height in metres of a level of the field TRUNK."""
        hip, neck = self.joints[[Bone.LEFT_THIGH, Bone.NECK], 2]
        return float(hip + trunk * (neck - hip))

    def leg_height(self, leg: float) -> float:
        """Return the height in metres of a level 0..2 of the field LEG."""
        return float(np.interp(leg, [0, 1, 2], self.joints[[Bone.LEFT_THIGH, Bone.LEFT_SHANK, Bone.LEFT_FOOT], 2]))


def skirt(figure: Figure, waist: float, length: float, ease: float, rings: int = 7, around: int = 24) -> Piece:
    """Return a skirt from a level of TRUNK down to a level of LEG: convex rings that only widen downwards."""
    top, bottom = figure.height_of(waist), figure.leg_height(length)
    hip = figure.joints[Bone.LEFT_THIGH, 2]
    angle = np.linspace(0, 2 * np.pi, around, endpoint=False)
    away = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    body = figure.points[figure.fields[:, Field.ARM] < -0.75]
    radius = np.zeros(around)
    points, weights = [], []
    for height in np.linspace(top, bottom, rings):
        slab = body[np.abs(body[:, 2] - height) < 0.05]
        reach = (slab[:, :2] @ away.T).max(axis=0) + ease
        below = float(np.clip((hip - height) / max(hip - bottom, 1e-6), 0, 1))
        radius = np.maximum(reach, radius * 1.015) if height < hip + 0.05 else reach
        ring = np.column_stack([away * radius[:, None], np.full(around, height)])
        points.append(ring)
        own = np.zeros((around, BONE_COUNT))
        left = np.clip(0.5 + ring[:, 1] / 0.16, 0, 1)
        thighs = 0.8 * np.sqrt(below)
        above = float(np.clip((height - hip) / max(top - hip, 1e-6), 0, 1))
        own[:, Bone.LEFT_THIGH], own[:, Bone.RIGHT_THIGH] = thighs * left, thighs * (1 - left)
        own[:, Bone.SPINE] = 0.6 * above
        own[:, Bone.HIPS] = 1 - thighs - 0.6 * above
        weights.append(own)
    return Piece(np.concatenate(points), np.concatenate(weights), _tube(rings, around, closed=True))


def curtain(figure: Figure, length: float) -> Piece:
    """Return long hair that hangs from above the ears ``length`` head heights below the nape."""
    head = figure.points[figure.weights[:, Bone.HEAD] > 0.6]
    low, high = head.min(axis=0), head.max(axis=0)
    size = high[2] - figure.joints[Bone.HEAD, 2]
    angle = np.linspace(np.radians(72), np.radians(288), 15)
    away = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    middle = np.array([(low[0] + high[0]) / 2, 0.0])
    skull = head[np.abs(head[:, 2] - (high[2] - 0.45 * size)) < 0.35 * size]
    reach = ((skull[:, :2] - middle) @ away.T).max(axis=0)
    points, weights = [], []
    heights = np.linspace(high[2] - 0.42 * size, figure.joints[Bone.HEAD, 2] - length * size, 6)
    for row, height in enumerate(heights):
        share = row / (len(heights) - 1)
        # The hair falls straight from the skull; over the shoulders it spreads a little.
        radius = reach * (1.0 + 0.10 * share) + 0.018
        centre = middle - (0.02 * share, 0.0)
        points.append(np.column_stack([centre + away * radius[:, None], np.full(len(angle), height)]))
        own = np.zeros((len(angle), BONE_COUNT))
        own[:, Bone.HEAD] = 1 - 0.55 * share
        own[:, Bone.UPPER_CHEST] = 0.55 * share
        weights.append(own)
    outer = _tube(len(heights), len(angle), closed=False)
    count = len(heights) * len(angle)
    # The inner side has vertices of its own: normals point one way only.
    faces = np.concatenate([outer, outer[:, ::-1] + count])
    return Piece(np.concatenate(points * 2), np.concatenate(weights * 2), faces)


def bun(figure: Figure) -> Piece:
    """Return a knot of hair at the back of the head."""
    head = figure.points[figure.weights[:, Bone.HEAD] > 0.6]
    size = head[:, 2].max() - figure.joints[Bone.HEAD, 2]
    centre = np.array([head[:, 0].min() - 0.01, 0.0, head[:, 2].max() - 0.32 * size])
    points, faces = _blob(np.full(3, 0.22 * size), 2.0)
    weights = np.zeros((len(points), BONE_COUNT))
    weights[:, Bone.HEAD] = 1
    return Piece(points + centre, weights, faces)


def backpack(figure: Figure) -> Piece:
    """Return a backpack behind the chest."""
    chest, neck, hip = (figure.height_of(level) for level in (0.62, 0.92, 0.18))
    trunk = figure.points[(figure.fields[:, Field.ARM] < -0.75) & (np.abs(figure.points[:, 2] - chest) < 0.1)]
    height = neck - hip
    half = np.array([0.075, 0.15, height / 2]) * (figure.points[:, 2].max() / 1.75, 1, 1)
    centre = np.array([trunk[:, 0].min() - half[0] - 0.012, 0.0, (neck + hip) / 2])
    points, faces = _blob(half, 3.6)
    weights = np.zeros((len(points), BONE_COUNT))
    weights[:, Bone.UPPER_CHEST], weights[:, Bone.CHEST] = 0.55, 0.45
    return Piece(points + centre, weights, faces)


def _blob(half: FloatArray, power: float) -> tuple[FloatArray, IntArray]:
    """Return a superellipsoid: a ball at power 2, a rounded box above."""
    rows, around = 9, 14
    polar = np.linspace(-np.pi / 2, np.pi / 2, rows)[:, None]
    angle = np.linspace(0, 2 * np.pi, around, endpoint=False)[None]

    def bent(values: FloatArray) -> FloatArray:
        return np.sign(values) * np.abs(values) ** (2 / power)

    x = bent(np.cos(polar)) * bent(np.cos(angle))
    y = bent(np.cos(polar)) * bent(np.sin(angle))
    z = np.broadcast_to(bent(np.sin(polar)), x.shape)
    return np.stack([x, y, z], axis=-1).reshape(-1, 3) * half, _tube(rows, around, closed=True)[:, ::-1]


def _tube(rings: int, around: int, closed: bool) -> IntArray:
    """Return triangles between consecutive rings of points, seen from outside when rings run downwards."""
    columns = around if closed else around - 1
    row, column = (part.ravel() for part in np.meshgrid(np.arange(rings - 1), np.arange(columns), indexing="ij"))
    a, b = row * around + column, row * around + (column + 1) % around
    c, d = a + around, b + around
    return np.concatenate([np.stack([a, c, b], axis=1), np.stack([b, c, d], axis=1)])
