"""``walkout calibrate intrinsics``: from pictures of a board to a camera's lens."""

from __future__ import annotations

import argparse
import dataclasses

import numpy as np
from numpy.typing import NDArray

from walkout.calibration.overlays import board_picture, intrinsics_picture
from walkout.calibration.pictures import pictures
from walkout.calibration.results import finish, output_folder
from walkout.calibration.store_file import INTRINSICS
from walkout.errors import UserError
from walkout.geometry.boards import Board, BoardView, find_board
from walkout.geometry.intrinsics import Intrinsics, calibrate_intrinsics
from walkout.store.model import Camera, Store

Image = NDArray[np.uint8]

MAX_VIEWS = 60
MIN_MOVE = 0.04
"""A view is new when its corners moved by this share of the picture's width since any other."""
GOOD_COVERAGE = 0.6


def calibrate_lens(store: Store, camera: Camera, board: Board, options: argparse.Namespace) -> int:
    """Run the command and return its exit code."""
    sources = options.sources or [camera.source]
    taken, views, last = _collect(sources, camera, board, options)
    if not views:
        raise UserError(
            f"no board of {board.columns}x{board.rows} squares ({board.dictionary}) is seen in {taken} "
            f"picture{'' if taken == 1 else 's'}; check --columns, --rows and --dictionary, the light and the focus"
        )
    result = calibrate_intrinsics(board, views, (camera.width, camera.height))
    _print(result, camera, taken)
    calibrated = dataclasses.replace(camera, matrix=result.matrix, distortion=result.distortion)
    folder = output_folder(store, options.output)
    drawn = {
        f"{camera.camera_id}_corners.png": intrinsics_picture(last[1], result),
        f"{camera.camera_id}_board.png": board_picture(last[1], result.views[-1], result.residuals[-1]),
    }
    if result.views[-1].name != last[0]:
        drawn.popitem()
    return finish(store, [calibrated], INTRINSICS, folder, drawn, options)


def _collect(
    sources: list[str], camera: Camera, board: Board, options: argparse.Namespace
) -> tuple[int, list[BoardView], tuple[str, Image]]:
    """Return how many pictures there were, the views that differ from each other, and the last used picture."""
    count, views = 0, list[BoardView]()
    last: tuple[str, Image] = ("", np.zeros((camera.height, camera.width, 3), np.uint8))
    for name, image in pictures(sources, camera, options.seconds, options.every):
        count += 1
        view = find_board(image, board, name)
        if view is not None and _differs(view, views, MIN_MOVE * camera.width):
            views.append(view)
            last = (name, image)
        if len(views) == MAX_VIEWS:
            break
    return count, views, last


def _differs(view: BoardView, others: list[BoardView], least_px: float) -> bool:
    """Return whether a view is not the picture of a board that was held still."""
    for other in others:
        shared, mine, theirs = np.intersect1d(view.ids, other.ids, return_indices=True)
        if len(shared) >= len(view.ids) / 2:
            moves = np.linalg.norm(view.pixels[mine] - other.pixels[theirs], axis=1)
            if moves.max() < least_px:
                return False
    return True


def _print(result: Intrinsics, camera: Camera, taken: int) -> None:
    k, sd = result.matrix, result.matrix_sd
    print(f"camera {camera.camera_id}: {len(result.views)} views of {taken} pictures, {result.points} corners")
    print(f"  residual {result.rms_px:.2f} px rms, {result.p95_px:.2f} px for 95 %")
    print(f"  fx {k[0, 0]:.1f} +- {sd[0]:.1f}  fy {k[1, 1]:.1f} +- {sd[1]:.1f}  ", end="")
    print(f"cx {k[0, 2]:.1f} +- {sd[2]:.1f}  cy {k[1, 2]:.1f} +- {sd[3]:.1f} px")
    if result.left_out:
        print(f"  left out, they disagree: {', '.join(result.left_out)}")
    if result.coverage < GOOD_COVERAGE:
        print(
            f"  warning: corners were seen in {100 * result.coverage:.0f} % of the picture; "
            "hold the board into its corners too"
        )
