import cv2
import numpy as np
import pytest

from walkout.perception.local_features import LocalFeatures, agree, extract, extract_label, match, votes
from walkout.perception.recogniser import CatalogueImage, Recogniser, RecogniserParameters
from walkout.store.label_art import draw_label, make_labels
from walkout.store.loader import load_store

COUNT = 12


def photograph(label: np.ndarray, seed: int) -> np.ndarray:
    """The label as somebody might hold it: turned, in perspective, dim, blurred, noisy, before a busy background."""
    rng = np.random.default_rng(seed)
    background = cv2.resize(rng.uniform(30, 200, (9, 9, 3)).astype(np.float32), (420, 420))
    height, width = label.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    place = np.array([[110, 90], [310, 90], [310, 330], [110, 330]], np.float32) + rng.uniform(-25, 25, (4, 2))
    homography = cv2.getPerspectiveTransform(corners, place.astype(np.float32))
    laid = cv2.warpPerspective(label.astype(np.float32), homography, (420, 420), flags=cv2.INTER_AREA)
    mask = cv2.warpPerspective(np.ones((height, width), np.float32), homography, (420, 420))[..., None]
    picture = (laid * mask + background * (1 - mask)) * rng.uniform(0.6, 0.9)
    picture = cv2.GaussianBlur(picture, (0, 0), 0.8) + rng.normal(0, 4, picture.shape)
    return np.clip(picture, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def labels() -> dict[str, np.ndarray]:
    products = load_store("corner").products
    drawn = list(zip(products, make_labels(products), strict=True))[:: len(products) // COUNT][:COUNT]
    return {
        product.sku: np.ascontiguousarray(np.asarray(draw_label(label).convert("RGB"))[:, :, ::-1])
        for product, label in drawn
    }


@pytest.fixture(scope="module")
def recogniser(labels: dict[str, np.ndarray]) -> Recogniser:
    return Recogniser(RecogniserParameters(), [CatalogueImage(sku, picture) for sku, picture in labels.items()])


def test_photographed_labels_are_recognised_surely(recogniser: Recogniser, labels: dict[str, np.ndarray]) -> None:
    found = {sku: recogniser.recognise(photograph(label, n)) for n, (sku, label) in enumerate(labels.items())}
    right = [sku for sku, recognition in found.items() if recognition.candidates[0].sku == sku]
    assert len(right) >= COUNT - 1
    assert sum(found[sku].sure for sku in right) >= COUNT - 3


def test_probabilities_fall_and_leave_room_for_none_of_these(recogniser: Recogniser) -> None:
    noise = np.random.default_rng(3).integers(0, 255, (200, 200, 3)).astype(np.uint8)
    recognition = recogniser.recognise(noise)
    values = [candidate.probability for candidate in recognition.candidates]
    assert values == sorted(values, reverse=True)
    assert sum(values) < 0.9
    assert not recognition.sure


def test_a_prior_decides_between_equals(labels: dict[str, np.ndarray]) -> None:
    label = next(iter(labels.values()))
    twins = Recogniser(RecogniserParameters(), [CatalogueImage("a", label), CatalogueImage("b", label)])
    picture = photograph(label, 5)
    assert twins.recognise(picture).margin < 0.05
    assert twins.candidates(picture, {"a": 0.05})[0].sku == "b"


def test_the_same_picture_gets_the_same_answer(recogniser: Recogniser, labels: dict[str, np.ndarray]) -> None:
    picture = photograph(next(iter(labels.values())), 9)
    assert recogniser.recognise(picture) == recogniser.recognise(picture)


def test_several_pictures_of_a_product_are_one_candidate(labels: dict[str, np.ndarray]) -> None:
    (first, second) = list(labels.values())[:2]
    entries = [CatalogueImage("a", first), CatalogueImage("a", second), CatalogueImage("b", second[::-1].copy())]
    found = Recogniser(RecogniserParameters(), entries).candidates(photograph(second, 2))
    assert sorted(candidate.sku for candidate in found) == ["a", "b"]
    assert found[0].sku == "a"


def test_features_of_a_shifted_picture_agree_on_the_shift(labels: dict[str, np.ndarray]) -> None:
    label = next(iter(labels.values()))
    canvas = np.full((400, 400, 3), 128, np.uint8)
    canvas[100 : 100 + label.shape[0], 60 : 60 + label.shape[1]] = label
    features = extract(label, max(label.shape[:2]), 500)
    matches = match(features, extract(canvas, 400, 1000), 0.85)
    found = agree(features, matches, 4.0)
    assert found.inliers > 20
    assert found.homography is not None
    assert found.homography[:2, 2] == pytest.approx([60, 100], abs=2)


def test_a_label_seen_steeply_is_found_by_its_views(labels: dict[str, np.ndarray]) -> None:
    label = list(labels.values())[1]
    steep = cv2.resize(label, None, fx=1.0, fy=0.4, interpolation=cv2.INTER_AREA)
    query = extract(cv2.copyMakeBorder(steep, 90, 90, 60, 60, cv2.BORDER_CONSTANT, value=(90, 90, 90)), 480, 1000)
    frontal, viewed = extract(label, 320, 800), extract_label(label, 320, 400, 200)
    inliers = [agree(one, match(one, query, 0.85), 6.0).inliers for one in (frontal, viewed)]
    assert inliers[1] > 2 * inliers[0]


def test_a_busy_background_does_not_crowd_out_the_middle() -> None:
    rng = np.random.default_rng(8)
    picture = cv2.resize(rng.integers(0, 255, (60, 60), np.uint8), (480, 480), interpolation=cv2.INTER_NEAREST)
    faint = cv2.resize(rng.integers(40, 210, (24, 24), np.uint8), (192, 192), interpolation=cv2.INTER_NEAREST)
    picture[144:336, 144:336] = faint
    colour = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)

    def in_the_middle(middle_first: bool) -> int:
        points = extract(colour, 480, 200, middle_first).points
        assert len(points) == pytest.approx(200, abs=5)
        return int((np.abs(points - 240) < 90).all(axis=1).sum())

    assert in_the_middle(True) > in_the_middle(False) + 30


def features_at(points: list[tuple[float, float]], kinds: list[int]) -> LocalFeatures:
    """Features of a picture of 100 x 100 pixels; those of different kinds have nothing in common."""
    return LocalFeatures(
        np.array(points, np.float32), np.eye(128, dtype=np.float32)[kinds], np.zeros((100, 100, 3), np.uint8)
    )


def test_only_what_tells_labels_apart_votes_and_only_in_the_middle() -> None:
    labels = [features_at([(5, 5), (9, 9)], kinds) for kinds in ([1, 2], [1, 3], [1, 4])]
    query = features_at([(50, 50), (40, 60), (60, 40), (2, 50)], [1, 2, 7, 3])
    matched = [match(label, query, 0.85) for label in labels]
    # Kind 1 is on all labels, 7 on none, and the feature of kind 3 lies at the picture's edge.
    assert votes(matched, query) == pytest.approx([2, 0, 0], abs=1e-6)


def test_a_picture_without_features_votes_for_nothing() -> None:
    label, blank = features_at([(5, 5)], [1]), extract(np.full((50, 50, 3), 90, np.uint8), 100, 50)
    matches = match(label, blank, 0.85)
    assert votes([matches, matches], blank).tolist() == [0, 0]
    assert agree(label, matches, 4.0).inliers == 0


def test_a_paler_variant_is_told_by_its_colour_alone() -> None:
    """Two labels with the same drawing on deep and on pale blue: neither features nor patterns of colour differ."""
    drawing = np.random.default_rng(4).random((30, 24)) < 0.5
    ink = cv2.resize(drawing.astype(np.uint8), (240, 300), interpolation=cv2.INTER_NEAREST)[:, :, None]
    grounds = {"deep": (200, 90, 60), "pale": (230, 190, 180)}
    labels = {sku: np.where(ink, np.uint8(30), np.array(ground, np.uint8)) for sku, ground in grounds.items()}
    found = Recogniser(RecogniserParameters(), [CatalogueImage(sku, label) for sku, label in labels.items()])
    for sku, label in labels.items():
        assert found.candidates(photograph(label, 7))[0].sku == sku


def test_what_is_no_picture_is_refused(recogniser: Recogniser) -> None:
    with pytest.raises(ValueError, match="uint8"):
        recogniser.recognise(np.zeros((20, 20), np.uint8))
    with pytest.raises(ValueError, match="empty"):
        Recogniser(RecogniserParameters(), [])
    with pytest.raises(ValueError, match="ratio"):
        RecogniserParameters(ratio=1.2)
