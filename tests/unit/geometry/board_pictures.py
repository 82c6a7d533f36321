"""Pictures of printed boards and markers as a known camera takes them: warped, bent by the lens, blurred, noisy."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from walkout.geometry.camera import intrinsics_from_fov
from walkout.geometry.transforms import invert, look_at, transform
from walkout.store.model import Camera

BENT = np.array([-0.22, 0.05, 0.001, -0.0007, -0.004])
SUPERSAMPLED = 2


def make_camera(
    position=(0.0, 0.0, 2.8), target=(2.0, 1.5, 0.5), distortion=BENT, fov=80.0, size=(640, 480), camera_id="c1"
):
    """Return a camera that looks from position at target."""
    matrix = intrinsics_from_fov(*size, np.radians(fov))
    rotation = look_at(position, target)
    return Camera(camera_id, *size, matrix, np.array(distortion, float), np.array(position, float), rotation, "")


def photograph(camera, sheets, seed, noise=3.0, background=150):
    """Return the picture (h, w, 3) of flat sheets: each a grey picture, its (4, 4) pose and its metres per pixel.

    A sheet's frame has its origin in the outer corner of its first pixel, x to the right, y down its picture, z into
    it. Every pixel of the camera is traced back through the lens to the sheets' planes, several rays for each.
    """
    rng = np.random.default_rng(seed)
    s = SUPERSAMPLED
    h, w = camera.height, camera.width
    rays = _rays(w, h, tuple(camera.matrix.ravel()), tuple(camera.distortion))
    shown = np.full((h * s, w * s), background, dtype=np.uint8)
    camera_from_store = invert(transform(camera.rotation, camera.position))
    for picture, pose, scale in sheets:
        local = camera_from_store @ pose
        to_sheet = np.linalg.inv(np.column_stack([local[:3, 0], local[:3, 1], local[:3, 3]]))
        place = rays @ to_sheet.T.astype(np.float32)
        ahead = place[..., 2] > 1e-6
        u, v = (np.where(ahead, place[..., i] / np.where(ahead, place[..., 2], 1) / scale - 0.5, -9) for i in (0, 1))
        u, v = (m.clip(-9, 32000).astype(np.float32) for m in (u, v))
        cv2.remap(picture, u, v, cv2.INTER_LINEAR, shown, cv2.BORDER_TRANSPARENT)
    small = cv2.resize(shown, (w, h), interpolation=cv2.INTER_AREA).astype(float)
    small = cv2.GaussianBlur(small, (0, 0), 0.6) + rng.normal(0, noise, (h, w))
    return cv2.cvtColor(small.clip(0, 255).astype(np.uint8), cv2.COLOR_GRAY2BGR)


@lru_cache(maxsize=8)
def _rays(w, h, matrix, distortion):
    """Return the rays (h * s, w * s, 3) of a camera's subpixels, depth 1."""
    s = SUPERSAMPLED
    x = (np.arange(w * s) + 0.5) / s - 0.5
    y = (np.arange(h * s) + 0.5) / s - 0.5
    pixels = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 1, 2)
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 20, 1e-9)
    flat = cv2.undistortPointsIter(
        pixels, np.reshape(matrix, (3, 3)), np.array(distortion), np.eye(3), np.eye(3), criteria
    )
    rays = np.concatenate([flat[:, 0], np.ones((len(pixels), 1))], axis=1)
    return rays.reshape(h * s, w * s, 3).astype(np.float32)


def with_margin(picture, share=0.1):
    """Return a picture with a white margin, and its width in pixels."""
    margin = round(share * max(picture.shape))
    return cv2.copyMakeBorder(picture, *[margin] * 4, cv2.BORDER_CONSTANT, value=255), margin


def board_poses(camera, board, seed, count, tilt=40.0):
    """Return board poses (4, 4) all over the picture, tilted by up to ``tilt`` degrees."""
    rng = np.random.default_rng(seed)
    poses = []
    while len(poses) < count:
        depth = rng.uniform(0.28, 0.5)
        half = np.array([camera.width / camera.matrix[0, 0], camera.height / camera.matrix[1, 1]]) / 2 * depth
        centre = np.append(rng.uniform(-0.75, 0.75, 2) * half, depth)
        turn, _ = cv2.Rodrigues(np.radians(rng.uniform(-1, 1, 3) * (tilt, tilt, 30)))
        local = transform(turn, centre - turn @ np.append(np.array(board.size) / 2, 0))
        poses.append(transform(camera.rotation, camera.position) @ local)
    return poses


def photograph_board(camera, board, pose, seed, noise=3.0):
    """Return the picture of a board printed with a margin."""
    pixels = 60
    picture, margin = with_margin(board.picture(pixels))
    scale = board.square / pixels
    shift = transform(np.eye(3), [-margin * scale, -margin * scale, 0])
    return photograph(camera, [(picture, pose @ shift, scale)], seed, noise)
