"""Which product a picture shows, known from catalogue pictures alone: no training for new products.

An embedding and rare colours shortlist the catalogue; local features vote within it; where they agree on a way
to lay a label over the picture its colours are compared, because the variants of a family differ in little else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from walkout.perception.colours import histogram, lab, likeness
from walkout.perception.embedding import Embedder
from walkout.perception.local_features import Image, LocalFeatures, Matches, agree, extract, extract_label, match, votes
from walkout.perception.types import ProductCandidate

FloatArray = NDArray[np.float64]

_WHITE = 240
_COMPARED_SIDE = 64
_LEAST_SEEN = 0.2
_FARTHEST_COLOUR = 40.0


@dataclass(frozen=True)
class RecogniserParameters:
    """How products are recognised.

    Attributes:
        shortlist: products whose labels are looked for in a query.
        label_side: longer side of a catalogue picture for local features, pixels.
        query_side: and of a query.
        label_features: features of a catalogue picture.
        view_features: and of each foreshortened view of it.
        query_features: and of a query.
        ratio: a match must be nearer than this share of the second nearest.
        tolerance_px: matches that agree on one homography lie within this of it.
        least_inliers: fewer agreeing matches say nothing.
        embedding_weight: nats per unit of cosine,
        palette_weight: per unit of ``likeness`` of the colours of label and picture, wherever they are,
        vote_weight: per unit of ``votes``,
        inlier_weight: per natural logarithm of the agreeing matches,
        pattern_weight: per unit of correlation of the colours under the label,
        colour_weight: and per unit of chromaticity by which they differ less than ``colour_distance``.
        colour_distance: mean difference of chromaticities, units of CIE L*a*b*, that says nothing.
        unknown_nats: odds that the picture shows none of the products, in nats on the same scale.
        sure_margin: the best product's probability must exceed the second's by this to be sure.
    """

    shortlist: int = 24
    label_side: int = 320
    query_side: int = 480
    label_features: int = 400
    view_features: int = 200
    query_features: int = 1000
    ratio: float = 0.85
    tolerance_px: float = 6.0
    least_inliers: int = 5
    embedding_weight: float = 30.0
    palette_weight: float = 3.0
    vote_weight: float = 0.1
    inlier_weight: float = 4.0
    pattern_weight: float = 3.0
    colour_weight: float = 0.3
    colour_distance: float = 20.0
    unknown_nats: float = 35.0
    sure_margin: float = 0.4

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        sizes = ("shortlist", "label_side", "query_side", "label_features", "view_features", "query_features")
        for name in (*sizes, "tolerance_px"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} is {getattr(self, name)}: must be positive")
        if not 0 < self.ratio < 1:
            raise ValueError(f"ratio is {self.ratio}: must be between 0 and 1")
        if self.least_inliers < 4:
            raise ValueError(f"least_inliers is {self.least_inliers}: a homography needs 4")


@dataclass(frozen=True)
class CatalogueImage:
    """A product with one picture of it, uint8 BGR (height, width, 3); a product may have several."""

    sku: str
    picture: Image


@dataclass(frozen=True)
class Recognition:
    """What a picture shows: candidates by falling probability; the rest of it is "none of these".

    ``margin`` is by how much the best is ahead of the second; ``sure`` whether that is enough to name it.
    """

    candidates: tuple[ProductCandidate, ...]
    margin: float
    sure: bool


class Recogniser:
    """Knows a catalogue. Asking does not change it, so one serves everybody, a thread at a time."""

    def __init__(
        self,
        parameters: RecogniserParameters,
        catalogue: Sequence[CatalogueImage],
        model_path: Path | None = None,
        threads: int = 1,
    ) -> None:
        """Learn the catalogue. Raises ModelError for the embedding, ValueError for an empty catalogue or picture."""
        if not catalogue:
            raise ValueError("the catalogue is empty: the recogniser needs at least one picture")
        self._p = parameters
        self._embedder = Embedder(model_path, threads)
        labels = [_checked(entry.picture, f"catalogue picture of {entry.sku}") for entry in catalogue]
        labels = [_without_border(label) for label in labels]
        self._skus = tuple(entry.sku for entry in catalogue)
        self._vectors = np.concatenate([self._embedder.embed([label]) for label in labels])
        self._palettes = np.stack([histogram(label, middle=False) for label in labels])
        self._features = [
            extract_label(label, parameters.label_side, parameters.label_features, parameters.view_features)
            for label in labels
        ]

    def candidates(self, image: Image, prior: Mapping[str, float] | None = None) -> tuple[ProductCandidate, ...]:
        """Return the products that an image may show, by falling probability; see ``recognise``."""
        return self.recognise(image, prior).candidates

    def recognise(self, image: Image, prior: Mapping[str, float] | None = None) -> Recognition:
        """Return what a uint8 BGR image (height, width, 3) shows.

        ``prior`` gives odds of products (what lies in the lane), 1 for those it does not name. Raises ValueError for
        something that is no such image.
        """
        scores = self._scores(_checked(image, "image"), dict(prior or {}))
        skus = list(scores)
        nats = np.array([scores[sku] for sku in skus])
        odds = np.exp(nats - nats.max())
        unknown = float(np.exp(self._p.unknown_nats - nats.max()))
        probabilities = odds / (odds.sum() + unknown)
        order = np.argsort(-probabilities, kind="stable")
        found = tuple(ProductCandidate(skus[index], float(probabilities[index])) for index in order)
        margin = found[0].probability - (found[1].probability if len(found) > 1 else 0.0)
        return Recognition(found, margin, margin >= self._p.sure_margin)

    def _scores(self, image: Image, prior: dict[str, float]) -> dict[str, float]:
        """Return the evidence for every product in nats; of several pictures of a product the best counts."""
        p = self._p
        nats = p.embedding_weight * self._similarity(image)
        nats += p.palette_weight * likeness(histogram(image, middle=True), self._palettes)
        nats += np.log([max(prior.get(sku, 1.0), 1e-9) for sku in self._skus])
        listed = np.argsort(-nats, kind="stable")[: p.shortlist]
        query = extract(image, p.query_side, p.query_features, middle_first=True)
        matched = [match(self._features[index], query, p.ratio) for index in listed]
        nats[listed] += p.vote_weight * votes(matched, query)
        for index, matches in zip(listed, matched, strict=True):
            nats[index] += self._verified(self._features[index], query, matches)
        scores: dict[str, float] = {}
        for sku, value in zip(self._skus, nats, strict=True):
            scores[sku] = max(scores.get(sku, -np.inf), float(value))
        return scores

    def _similarity(self, image: Image) -> FloatArray:
        """Return (entries,) cosines of the catalogue to the picture, averaged over the whole of it and its middle."""
        return np.asarray((self._embedder.embed(_views(image)) @ self._vectors.T).mean(axis=0), np.float64)

    def _verified(self, label: LocalFeatures, query: LocalFeatures, matches: Matches) -> float:
        """Return the nats that agreeing local features and the colours under the label add for a product."""
        p = self._p
        found = agree(label, matches, p.tolerance_px)
        if found.homography is None or found.inliers < p.least_inliers:
            return 0.0
        gain = p.inlier_weight * float(np.log(found.inliers / (p.least_inliers - 1)))
        colours = _colours(label, query, found.homography)
        if colours is None:
            return gain
        pattern, distance = colours
        return gain + p.pattern_weight * pattern + p.colour_weight * (p.colour_distance - distance)


def _views(image: Image) -> list[Image]:
    """Return the picture, its middle, and its upright middle: products are held into the middle of a picture."""
    height, width = image.shape[:2]
    middle = image[int(0.15 * height) : int(0.85 * height) + 1, int(0.15 * width) : int(0.85 * width) + 1]
    upright = image[int(0.05 * height) : int(0.95 * height) + 1, int(0.2 * width) : int(0.8 * width) + 1]
    return [image, middle, upright]


def _colours(label: LocalFeatures, query: LocalFeatures, homography: FloatArray) -> tuple[float, float] | None:
    """Return how the label's colours correlate with those it is laid over (-1..1) and their mean difference, or None.

    Chromaticities alone (a and b of CIE L*a*b*): lamps change brightness. Correlation is about their means, because
    lamps change tint too; the difference, cut at ``_FARTHEST_COLOUR``, tells plain variants whose patterns are alike.
    None where too little of the label lies within the picture.
    """
    height, width = label.picture.shape[:2]
    scale = _COMPARED_SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    laid = cv2.warpPerspective(query.picture, homography, (width, height), flags=cv2.WARP_INVERSE_MAP)
    inside = np.full(query.picture.shape[:2], 255, np.uint8)
    mask = cv2.warpPerspective(inside, homography, (width, height), flags=cv2.WARP_INVERSE_MAP)
    seen = cv2.resize(mask, size, interpolation=cv2.INTER_AREA) > 200
    if seen.mean() < _LEAST_SEEN:
        return None
    ours, theirs = (_chromaticities(picture, size)[seen] for picture in (label.picture, np.asarray(laid, np.uint8)))
    distance = float(np.minimum(np.linalg.norm(ours - theirs, axis=1), _FARTHEST_COLOUR).mean())
    ours, theirs = ours - ours.mean(axis=0), theirs - theirs.mean(axis=0)
    size_of = float(np.sqrt((ours**2).sum() * (theirs**2).sum()))
    return (float((ours * theirs).sum() / size_of) if size_of > 1e-6 else 0.0), distance


def _chromaticities(picture: Image, size: tuple[int, int]) -> FloatArray:
    """Return a and b of CIE L*a*b*, (height, width, 2)."""
    return np.asarray(
        lab(np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8))[:, :, 1:], np.float64
    )


def _without_border(picture: Image) -> Image:
    """Return a catalogue picture without the white around the product."""
    dark = picture.min(axis=2) < _WHITE
    rows, columns = np.flatnonzero(dark.any(axis=1)), np.flatnonzero(dark.any(axis=0))
    if len(rows) < 8 or len(columns) < 8:
        return picture
    return picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _checked(picture: Image, what: str) -> Image:
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8 or min(picture.shape[:2]) < 8:
        raise ValueError(f"{what} is {picture.dtype} {picture.shape}, the recogniser needs uint8 (h, w, 3) BGR")
    return picture
