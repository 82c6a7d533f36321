"""Draws tracked shoppers into a camera's picture: to see whether tracks and people are in the same place."""

from __future__ import annotations

import colorsys

import cv2
import numpy as np
from numpy.typing import NDArray

from walkout.geometry.camera import project
from walkout.store.model import Camera
from walkout.tracking.names import short_name
from walkout.tracking.types import Shoppers, ShopperState, TrackState

Image = NDArray[np.uint8]
FloatArray = NDArray[np.float64]
Colour = tuple[int, int, int]

BONES = ((1, 2), (1, 3), (2, 4), (4, 6), (3, 5), (5, 7), (1, 8), (1, 9), (8, 10), (9, 11), (0, 1))
BODY_RADIUS = 0.22
_RING = 24
_GOLDEN = 0.61803
_LIMIT = 1e5


def draw_tracks(image: Image, camera: Camera, shoppers: Shoppers) -> Image:
    """Return the picture with every confirmed or lost shopper: his upright body, joints, id and doubts.

    Bodies of cameras that are bound to the shopper are drawn bold, those that only follow from other cameras thin,
    lost ones grey. The circle on the floor is the 95 % ellipse of the place.
    """
    drawn = image.copy()
    for state in shoppers.shoppers:
        if state.state in (TrackState.CONFIRMED, TrackState.LOST):
            _draw(drawn, camera, state)
    return drawn


def track_colour(track_id: int) -> Colour:
    """Return the colour (BGR) of a track: neighbouring ids differ."""
    red, green, blue = colorsys.hsv_to_rgb(track_id * _GOLDEN % 1.0, 0.75, 1.0)
    return round(255 * blue), round(255 * green), round(255 * red)


def _draw(image: Image, camera: Camera, state: ShopperState) -> None:
    lost = state.state is TrackState.LOST
    colour = (170, 170, 170) if lost else track_colour(state.track_id)
    width = 2 if camera.camera_id in state.views else 1
    x, y, height = float(state.mean[0]), float(state.mean[1]), float(np.clip(state.mean[4], 0.3, 2.3))
    angle = np.linspace(0, 2 * np.pi, _RING + 1)
    circle = np.column_stack([np.cos(angle), np.sin(angle), 0 * angle])
    for share, radius in ((0.0, BODY_RADIUS), (0.8, BODY_RADIUS), (1.0, 0.45 * BODY_RADIUS)):
        _polyline(image, camera, circle * radius + (x, y, share * height), colour, 1)
    _polyline(image, camera, np.array([[x, y, z] for z in np.linspace(0, height, 8)]), colour, width)
    if np.isfinite(state.covariance[:2, :2]).all():
        values, axes = np.linalg.eigh(state.covariance[:2, :2])
        flat = circle[:, :2] * np.sqrt(5.991 * values.clip(1e-6, 4.0)) @ axes.T
        _polyline(image, camera, np.column_stack([flat + np.array([x, y]), np.zeros(len(flat))]), (255, 255, 255), 1)
    for first, second in BONES:
        bone = state.keypoints[[first, second]]
        if np.isfinite(bone).all():
            _polyline(image, camera, bone, colour, width)
    top, _ = project(camera, np.array([[x, y, height]]))
    if np.isfinite(top).all() and (np.abs(top) < _LIMIT).all():
        _label(image, (int(top[0, 0]), int(top[0, 1]) - 6), label_of(state), colour)


def label_of(state: ShopperState) -> str:
    """Return the id, a mark of those who may not be billed, and other identities that are probable."""
    pairs = zip(state.candidate_ids, state.candidate_probabilities, strict=True)
    others = [f"{short_name(i)}:{100 * p:.0f}%" for i, p in pairs if i != state.track_id and p >= 0.05]
    name = short_name(state.track_id)
    text = f"{name}{'' if state.from_entry else '?'}{' lost' if state.state is TrackState.LOST else ''}"
    return " or ".join([text, *others])


def _polyline(image: Image, camera: Camera, points: FloatArray, colour: Colour, width: int) -> None:
    pixels, _ = project(camera, points)
    good: NDArray[np.bool_] = np.all(np.abs(np.nan_to_num(pixels, nan=2 * _LIMIT)) < _LIMIT, axis=1)
    for first, second in zip(range(len(pixels) - 1), range(1, len(pixels)), strict=True):
        if good[first] and good[second]:
            ends = np.round(pixels[[first, second]] * 16).astype(np.int32)
            cv2.polylines(image, [ends], False, colour, width, cv2.LINE_AA, 4)


def _label(image: Image, place: tuple[int, int], text: str, colour: Colour) -> None:
    cv2.putText(image, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 3, cv2.LINE_AA)
    cv2.putText(image, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, colour, 1, cv2.LINE_AA)
