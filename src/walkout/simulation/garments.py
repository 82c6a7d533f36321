"""Clothes, hair and shoes as meshes over a naked body, cut along the level lines of the body's fields.

A worn mesh is topology alone: every vertex is a mix of body vertices pushed outwards along their normals. It is made
once per outfit and fits every body.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, identity, vstack

from walkout.simulation.skeleton import Field

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class Material(IntEnum):
    """What a vertex of a person is made of; decides its colour."""

    SKIN = 0
    HAIR = 1
    TOP = 2
    BOTTOM = 3
    SHOES = 4
    EYES = 5
    BAG = 6


@dataclass(frozen=True)
class Outfit:
    """The cut of a set of clothes.

    ``sleeve`` and ``legs`` say how far sleeves and trouser legs reach along the fields ARM and LEG (0 none, 1 elbow or
    knee, 2 wrist or ankle), ``hem`` how far down the field TRUNK the top reaches, ``neck`` the radius of its opening in
    metres, ``ease`` how far the top stands off the skin in metres, ``skirt`` how far down the field LEG a skirt hangs
    (0: none) and ``skirt_is_top`` whether it belongs to the top, as that of a dress or coat.
    """

    name: str
    sleeve: float
    hem: float
    neck: float
    legs: float
    ease: float = 0.014
    leg_ease: float = 0.014
    skirt: float = 0.0
    skirt_is_top: bool = False


OUTFITS = (
    Outfit("t-shirt and trousers", 0.62, -0.12, 0.100, 1.97, ease=0.016),
    Outfit("jumper and trousers", 1.93, -0.14, 0.092, 1.97, ease=0.019),
    Outfit("t-shirt and shorts", 0.7, -0.14, 0.100, 0.85, ease=0.018, leg_ease=0.024),
    Outfit("jacket and trousers", 1.96, -0.22, 0.080, 1.97, ease=0.028, leg_ease=0.016),
    Outfit("vest and leggings", 0.05, -0.05, 0.125, 1.85, ease=0.008, leg_ease=0.005),
    Outfit("blouse and skirt", 1.6, 0.1, 0.105, 0.0, ease=0.013, skirt=1.05),
    Outfit("dress", 0.5, 0.1, 0.125, 0.0, ease=0.011, skirt=1.15, skirt_is_top=True),
    Outfit("coat and trousers", 1.96, 0.0, 0.080, 1.97, ease=0.03, leg_ease=0.014, skirt=0.85, skirt_is_top=True),
)


class Hair(IntEnum):
    """Hair styles."""

    SHORT = 0
    LONG = 1
    CROPPED = 2
    BALD = 3
    BUN = 4


@dataclass(frozen=True)
class Patch:
    """A mesh over the body: ``mix`` (v, body vertices) gives every vertex as a mix of body vertices."""

    mix: csr_matrix
    faces: IntArray

    def cut(self, values: FloatArray, level: float, above: bool) -> Patch:
        """Return the part where the field ``values`` (body vertices,) lies above or below a level, cut on the line."""
        signed = (self.mix @ values - level) * (1.0 if above else -1.0)
        inside = signed[self.faces] > 0
        count = inside.sum(axis=1)
        rows, faces = [], [self.faces[count == 3]]
        size = self.mix.shape[0]
        for wanted in (1, 2):
            some = self.faces[count == wanted]
            if not len(some):
                continue
            # Turn each triangle so that its first corner is the one that is alone on its side of the line.
            odd = np.argmax(inside[count == wanted] == (wanted == 1), axis=1)
            order = (odd[:, None] + np.arange(3)) % 3
            a, b, c = np.take_along_axis(some, order, axis=1).T
            ab, ac = size + np.arange(len(a)), size + len(a) + np.arange(len(a))
            size += 2 * len(a)
            rows += [self._between(signed, a, b), self._between(signed, a, c)]
            if wanted == 1:
                faces.append(np.stack([a, ab, ac], axis=1))
            else:
                faces += [np.stack([ab, b, c], axis=1), np.stack([ab, c, ac], axis=1)]
        return Patch(vstack([self.mix, *rows]).tocsr(), np.concatenate(faces)).compact()

    def _between(self, signed: FloatArray, a: IntArray, b: IntArray) -> csr_matrix:
        fraction = signed[a] / (signed[a] - signed[b])
        pick = csr_matrix((1 - fraction, (np.arange(len(a)), a)), shape=(len(a), self.mix.shape[0]))
        pick += csr_matrix((fraction, (np.arange(len(a)), b)), shape=(len(a), self.mix.shape[0]))
        return pick @ self.mix

    def compact(self) -> Patch:
        """Return the same patch without vertices that no triangle uses, and with equal vertices joined."""
        used, faces = np.unique(self.faces, return_inverse=True)
        mix = self.mix[used]
        mark = np.round(mix @ np.random.default_rng(0).random(mix.shape[1]), 9)
        _, first, inverse = np.unique(mark, return_index=True, return_inverse=True)
        joined = inverse[faces.reshape(-1, 3)]
        proper = (joined[:, 0] != joined[:, 1]) & (joined[:, 1] != joined[:, 2]) & (joined[:, 2] != joined[:, 0])
        return Patch(mix[first], joined[proper])


@dataclass(frozen=True)
class Layer:
    """A patch of one material that stands ``ease`` (v,) metres off the skin; ``smooth`` times fills its hollows."""

    patch: Patch
    material: Material
    ease: FloatArray
    smooth: int = 0


def dress(
    fields: FloatArray, faces: IntArray, eyes: NDArray[np.bool_], outfit: Outfit, hair: Hair, bag: bool
) -> list[Layer]:
    """Return the layers of a dressed body: the skin that shows, then clothes, shoes, hair and the bag's straps."""
    arm, leg, trunk, scalp, neck, side = (fields[:, f] for f in Field)
    # Eyes lie inside the head and are no part of what clothes and hair are cut from.
    body = Patch(identity(len(fields), format="csr"), faces[~eyes[faces].any(axis=1)])
    top = (
        body.cut(arm, outfit.sleeve, above=False).cut(trunk, outfit.hem, above=True).cut(neck, outfit.neck, above=True)
    )
    drape = 0.010 * np.clip(1 - (top.mix @ trunk - outfit.hem) / 0.4, 0, 1) * (top.mix @ arm < -0.5)
    layers = [_skin(fields, faces, eyes, outfit, hair), _eyes(fields, faces, eyes)]
    layers.append(Layer(top, Material.TOP, outfit.ease + drape, smooth=5))
    if outfit.legs > 0:
        bottom = body.cut(arm, -0.75, above=False).cut(trunk, outfit.hem + 0.1, above=False)
        bottom = bottom.cut(leg, outfit.legs, above=False)
        along, up = bottom.mix @ leg, bottom.mix @ trunk
        ease = outfit.leg_ease + 0.010 * np.clip(along - 1.0, 0, 1)
        # Under the top's hem the waist lies close, or it would show through.
        layers.append(Layer(bottom, Material.BOTTOM, np.where(up > outfit.hem - 0.02, 0.004, ease), smooth=3))
    shoes = body.cut(leg, 1.99, above=True)
    layers.append(Layer(shoes, Material.SHOES, np.full(shoes.mix.shape[0], 0.013), smooth=6))
    layers += _hair(body, scalp, hair)
    if bag:
        straps = body.cut(side, 0.085, above=True).cut(side, 0.13, above=False).cut(trunk, 0.55, above=True)
        straps = straps.cut(arm, -0.3, above=False).cut(neck, 0.07, above=True)
        layers.append(Layer(straps, Material.BAG, np.full(straps.mix.shape[0], outfit.ease + 0.012), smooth=5))
    return layers


def _hair(body: Patch, scalp: FloatArray, hair: Hair) -> list[Layer]:
    if hair is Hair.BALD:
        return []
    line = {Hair.SHORT: 0.0, Hair.LONG: -0.02, Hair.CROPPED: 0.03, Hair.BUN: 0.0}[hair]
    depth = {Hair.SHORT: 0.02, Hair.LONG: 0.026, Hair.CROPPED: 0.006, Hair.BUN: 0.010}[hair]
    patch = body.cut(scalp, line, above=True)
    height = np.clip((patch.mix @ scalp - line) / 0.25, 0, 1)
    return [Layer(patch, Material.HAIR, 0.005 + depth * np.sqrt(height), smooth=2)]


def _skin(fields: FloatArray, faces: IntArray, eyes: NDArray[np.bool_], outfit: Outfit, hair: Hair) -> Layer:
    """Return the naked body without what lies well under clothes, so that it cannot show through them."""
    arm, leg, trunk, scalp, neck, _ = (fields[:, f] for f in Field)
    covered = (arm < outfit.sleeve - 0.15) & (trunk > outfit.hem + 0.06) & (neck > outfit.neck + 0.012)
    if outfit.legs > 0:
        covered |= (arm < -0.75) & (trunk < outfit.hem + 0.06) & (leg < outfit.legs - 0.06)
    elif outfit.skirt:
        covered |= (arm < -0.75) & (trunk < outfit.hem + 0.06) & (leg < 0.75 * outfit.skirt)
    covered |= leg > 2.1
    if hair is not Hair.BALD:
        covered |= scalp > 0.12
    naked = faces[~covered[faces].all(axis=1) & ~eyes[faces].any(axis=1)]
    patch = Patch(identity(len(fields), format="csr"), naked).compact()
    return Layer(patch, Material.SKIN, np.zeros(patch.mix.shape[0]))


def _eyes(fields: FloatArray, faces: IntArray, eyes: NDArray[np.bool_]) -> Layer:
    patch = Patch(identity(len(fields), format="csr"), faces[eyes[faces].any(axis=1)]).compact()
    return Layer(patch, Material.EYES, np.zeros(patch.mix.shape[0]))


def hollows_filled(points: FloatArray, normals: FloatArray, faces: IntArray, rounds: int) -> FloatArray:
    """Return a cloth's vertices after it spans the hollows of the body: smoothing along the normals, only outwards.

    Vertices on the cloth's edge stay, so that hems keep their line.
    """
    count = len(points)
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    graph = csr_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(count, count))
    graph = (graph + graph.T).tocsr()
    single = graph.tocoo()
    border = np.zeros(count, dtype=bool)
    border[single.row[single.data == 1]] = True
    graph.data[:] = 1.0
    degree = np.maximum(np.asarray(graph.sum(axis=1)).ravel(), 1)
    result = points
    for _ in range(rounds):
        step = ((graph @ result / degree[:, None] - result) * normals).sum(axis=1)
        outward = np.where(border, 0.0, np.maximum(step, 0.0))
        result = result + 0.7 * outward[:, None] * normals
    return result
