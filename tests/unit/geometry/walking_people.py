"""People who walk through a room, seen by its cameras with noise and outliers; cameras that are not where they seem."""

from __future__ import annotations

import dataclasses

import numpy as np
from board_pictures import make_camera
from scipy.spatial.transform import Rotation

from walkout.geometry.bundle import Sightings
from walkout.geometry.camera import in_image, project

CORNERS = [(0.2, 0.2), (7.8, 0.3), (7.7, 5.8), (0.3, 5.7), (4.0, 0.1), (4.0, 5.9)]
LEVELS = np.array([0.93, 0.84, 0.52, 0.05])


def room(count=6):
    """Return cameras along the walls of a room of 8 x 6 m."""
    return [
        make_camera((x, y, 2.8), (4.0 + 0.3 * n, 3.0 - 0.2 * n, 0.9), camera_id=f"c{n}", fov=88)
        for n, (x, y) in enumerate(CORNERS[:count])
    ]


def perturbed(camera, rng, metres=0.05, degrees=2.0):
    """Return the camera moved and turned by just so much into a random direction."""
    shift, axis = rng.normal(size=3), rng.normal(size=3)
    turn = Rotation.from_rotvec(np.radians(degrees) * axis / np.linalg.norm(axis)).as_matrix()
    position = camera.position + metres * shift / np.linalg.norm(shift)
    return dataclasses.replace(camera, position=position, rotation=camera.rotation @ turn)


def walk(cameras, seed, seconds=60.0, walkers=2, noise=2.5, outliers=0.05, rate_hz=10.0):
    """Return what the cameras, each at stamps of its own, see of people who stroll, sway and bob."""
    rng = np.random.default_rng(seed)
    rows = []
    for walker in range(walkers):
        phase = rng.uniform(0, 2 * np.pi, 8)
        height = rng.uniform(1.55, 1.9)
        for index, camera in enumerate(cameras):
            t = np.arange(0, seconds, 1 / rate_hz) + rng.uniform(0, 1 / rate_hz)
            x = 4.0 + 2.4 * np.sin(0.23 * t + phase[0]) + 0.9 * np.sin(0.71 * t + phase[1])
            y = 3.0 + 1.6 * np.sin(0.31 * t + phase[2]) + 0.7 * np.sin(0.83 * t + phase[3])
            for level, share in enumerate(LEVELS):
                sway = 0.04 * np.sin(2.1 * t + phase[4 + level])
                bob = 0.02 * np.sin(11 * t + phase[7]) if level < 3 else 0.03 * np.abs(np.sin(5.5 * t))
                points = np.column_stack([x + sway, y - sway, height * share + bob])
                pixels, _ = project(camera, points)
                seen = in_image(camera, pixels) & (rng.random(len(t)) < 0.8)
                pixels = pixels + rng.normal(0, noise, pixels.shape)
                wild = rng.random(len(t)) < outliers
                pixels[wild] += rng.uniform(-80, 80, (wild.sum(), 2))
                path = np.full(seen.sum(), len(LEVELS) * walker + level)
                rows.append(np.column_stack([np.full(seen.sum(), index), path, t[seen], pixels[seen]]))
    table = np.concatenate(rows)
    floor = frozenset(range(len(LEVELS) - 1, len(LEVELS) * walkers, len(LEVELS)))
    camera, path = (table[:, i].astype(np.intp) for i in (0, 1))
    return Sightings(camera, path, table[:, 2], table[:, 3:5], np.full(len(table), noise), floor)
