"""Clothes, hair, shoes and bags as meshes over a naked body, cut along the level lines of the body's fields.

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
    SOLES = 7
    TRIM = 8


@dataclass(frozen=True)
class Outfit:
    """The cut of a set of clothes.

    ``sleeve`` and ``legs`` say how far sleeves and trouser legs reach along the fields ARM and LEG (0 none, 1 elbow or
    knee, 2 wrist or ankle), ``hem`` and ``collar`` the top's range along TRUNK, ``ease`` how far the top stands off the
    skin in metres, ``skirt`` how far down the field LEG a skirt hangs (0: none), ``coat``: the top's skirt part.
    """

    name: str
    sleeve: float
    hem: float
    collar: float
    legs: float
    ease: float = 0.014
    leg_ease: float = 0.014
    skirt: float = 0.0
    skirt_is_top: bool = False


OUTFITS = (
    Outfit("t-shirt and trousers", 0.62, -0.12, 0.985, 1.93),
    Outfit("long sleeves and trousers", 1.9, -0.14, 1.0, 1.93, ease=0.016),
    Outfit("t-shirt and shorts", 0.7, -0.14, 0.985, 0.85, ease=0.018, leg_ease=0.024),
    Outfit("jacket and trousers", 1.95, -0.22, 1.06, 1.93, ease=0.028, leg_ease=0.016),
    Outfit("vest and leggings", 0.08, -0.05, 0.95, 1.85, ease=0.008, leg_ease=0.005),
    Outfit("blouse and skirt", 1.6, 0.1, 0.985, 0.0, ease=0.012, skirt=1.05),
    Outfit("dress", 0.5, 0.1, 0.96, 0.0, ease=0.01, skirt=1.15, skirt_is_top=True),
    Outfit("coat and trousers", 1.95, -0.1, 1.05, 1.93, ease=0.03, leg_ease=0.014, skirt=0.9, skirt_is_top=True),
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
        whole = self.faces[count == 3]
        rows, faces = [], [whole]
        size = self.mix.shape[0]
        for wanted in (1, 2):
            some = self.faces[count == wanted]
            if not len(some):
                continue
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


def dress(fields: FloatArray, faces: IntArray, outfit: Outfit, hair: Hair, eyes: NDArray[np.bool_]) -> list[Layer]:
    """Return the layers of a dressed body: the skin that shows, then clothes, shoes and hair."""
    arm, leg, trunk, scalp = (fields[:, f] for f in Field)
    body = Patch(identity(len(fields), format="csr"), faces)
    top = body.cut(arm, outfit.sleeve, above=False).cut(trunk, outfit.hem, above=True)
    top = top.cut(trunk, outfit.collar, above=False)
    layers = [Layer(top, Material.TOP, np.full(top.mix.shape[0], outfit.ease), smooth=4)]
    if outfit.legs > 0:
        waist = min(outfit.hem + 0.35, 0.3)
        bottom = body.cut(arm, -0.75, above=False).cut(trunk, waist, above=False).cut(leg, outfit.legs, above=False)
        along = bottom.mix @ leg
        ease = outfit.leg_ease + 0.008 * np.clip(along - 1.0, 0, 1)
        layers.append(Layer(bottom, Material.BOTTOM, ease, smooth=3))
    shoes = body.cut(leg, 2.02 if outfit.legs else 2.1, above=True)
    layers.append(Layer(shoes, Material.SHOES, np.full(shoes.mix.shape[0], 0.012), smooth=3))
    layers += _hair(body, scalp, hair)
    layers.insert(0, _skin(body, fields, outfit, hair, eyes))
    return layers


def _hair(body: Patch, scalp: FloatArray, hair: Hair) -> list[Layer]:
    if hair is Hair.BALD:
        return []
    line = {Hair.SHORT: 0.0, Hair.LONG: -0.06, Hair.CROPPED: 0.03, Hair.BUN: 0.0}[hair]
    patch = body.cut(scalp, line, above=True)
    depth = {Hair.SHORT: 0.02, Hair.LONG: 0.032, Hair.CROPPED: 0.006, Hair.BUN: 0.012}[hair]
    height = np.clip((patch.mix @ scalp - line) / 0.25, 0, 1)
    return [Layer(patch, Material.HAIR, 0.005 + depth * np.sqrt(height), smooth=2)]


def _skin(body: Patch, fields: FloatArray, outfit: Outfit, hair: Hair, eyes: NDArray[np.bool_]) -> Layer:
    """Return the naked body without what lies well under clothes, so that it cannot show through them."""
    arm, leg, trunk, scalp = (fields[:, f] for f in Field)
    covered = (arm < outfit.sleeve - 0.12) & (trunk > outfit.hem + 0.05) & (trunk < outfit.collar - 0.02)
    if outfit.legs > 0:
        covered |= (arm < -0.75) & (trunk < 0.15) & (leg < outfit.legs - 0.06)
    covered |= leg > 2.15
    if hair is not Hair.BALD:
        covered |= scalp > 0.12
    faces = body.faces[~covered[body.faces].all(axis=1)]
    patch = Patch(body.mix, faces).compact()
    return Layer(patch, Material.SKIN, np.zeros(patch.mix.shape[0]))


def hollows_filled(points: FloatArray, normals: FloatArray, faces: IntArray, rounds: int) -> FloatArray:
    """Return a cloth's vertices after it spans the hollows of the body: smoothing that never moves inwards."""
    count = len(points)
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    graph = csr_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(count, count))
    graph = ((graph + graph.T) > 0).astype(float)
    degree = np.asarray(graph.sum(axis=1)).ravel()
    result = points
    for _ in range(rounds):
        step = graph @ result / np.maximum(degree, 1)[:, None] - result
        inward = np.minimum((step * normals).sum(axis=1), 0.0)
        result = result + 0.6 * (step - inward[:, None] * normals)
    return result
