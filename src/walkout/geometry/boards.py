"""ChArUco boards: their measures, how they are printed and where a picture shows their corners."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from walkout.errors import UserError

FloatArray = NDArray[np.float64]
Image = NDArray[np.uint8]

DICTIONARIES = tuple(sorted(name for name in dir(cv2.aruco) if name.startswith("DICT_")))
"""Names of OpenCV's predefined marker dictionaries."""
MIN_CORNERS = 8
"""A view of a board with fewer corners than this is not used."""


class CalibrationError(UserError):
    """A calibration cannot be made from what was given; the text says why and what to do."""


@dataclass(frozen=True)
class Board:
    """A ChArUco board of ``columns`` x ``rows`` chessboard squares; ``square`` and ``marker`` are sides in metres.

    The board's frame has its origin in the outer corner of the first square, x along a row of squares, y down the
    rows, z into the board.

    Raises:
        CalibrationError: measures that no board can have.
    """

    columns: int = 7
    rows: int = 5
    square: float = 0.034
    marker: float = 0.025
    dictionary: str = "DICT_5X5_100"

    def __post_init__(self) -> None:
        """Check the measures."""
        if self.columns < 3 or self.rows < 3:
            raise CalibrationError(f"a board of {self.columns}x{self.rows} squares is too small; use 3x3 or more")
        if not 0.001 <= self.square <= 2.0:
            raise CalibrationError(f"squares of {self.square:g} m cannot be printed; write their side in metres")
        if not 0.3 * self.square <= self.marker <= 0.9 * self.square:
            raise CalibrationError(
                f"markers of {self.marker:g} m do not fit squares of {self.square:g} m; use about 0.75 of the square"
            )
        needed, has = self.columns * self.rows // 2, len(dictionary_named(self.dictionary).bytesList)
        if needed > has:
            raise CalibrationError(
                f"{self.dictionary} has {has} markers, a board of {self.columns}x{self.rows} needs {needed}; "
                "use fewer squares or a dictionary with more markers"
            )

    @property
    def corners(self) -> FloatArray:
        """The inner corners (n, 3) in the board's frame, metres; the index is the corner's id."""
        return np.asarray(_made(self).getChessboardCorners(), dtype=float)

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in metres."""
        return self.columns * self.square, self.rows * self.square

    def picture(self, pixels_per_square: int) -> Image:
        """Return the board as a grey picture without a margin, a square being so many pixels."""
        size = (self.columns * pixels_per_square, self.rows * pixels_per_square)
        return np.asarray(_made(self).generateImage(size, marginSize=0, borderBits=1), dtype=np.uint8)


@dataclass(frozen=True)
class BoardView:
    """The corners of a board in one picture: ``ids`` (n,) of ``Board.corners`` and their ``pixels`` (n, 2)."""

    name: str
    ids: NDArray[np.intp]
    pixels: FloatArray


def dictionary_named(name: str) -> cv2.aruco.Dictionary:
    """Return a predefined marker dictionary.

    Raises:
        CalibrationError: there is none of this name.
    """
    if name not in DICTIONARIES:
        raise CalibrationError(f"{name!r} is no marker dictionary; use one of OpenCV's, for example DICT_5X5_100")
    return cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, name))


def find_board(image: Image, board: Board, name: str = "") -> BoardView | None:
    """Return where a picture (BGR or grey) shows the board's corners, None when it shows fewer than MIN_CORNERS."""
    corners, ids, _, _ = _detector(board).detectBoard(grey(image))
    if ids is None or len(ids) < MIN_CORNERS:
        return None
    return BoardView(name, np.asarray(ids, dtype=np.intp).ravel(), np.asarray(corners, dtype=float).reshape(-1, 2))


def grey(image: Image) -> Image:
    """Return a picture as grey."""
    return image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), dtype=np.uint8)


@lru_cache(maxsize=8)
def _made(board: Board) -> cv2.aruco.CharucoBoard:
    size = (board.columns, board.rows)
    return cv2.aruco.CharucoBoard(size, board.square, board.marker, dictionary_named(board.dictionary))


@lru_cache(maxsize=8)
def _detector(board: Board) -> cv2.aruco.CharucoDetector:
    markers = cv2.aruco.DetectorParameters()
    markers.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    return cv2.aruco.CharucoDetector(_made(board), cv2.aruco.CharucoParameters(), markers)
