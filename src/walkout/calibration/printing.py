"""Boards and markers as files to print, with their true size in the file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from walkout.errors import UserError
from walkout.geometry.boards import Board
from walkout.geometry.markers import MarkerSet, marker_picture

Picture = NDArray[np.uint8]

MM_PER_INCH = 25.4
MARGIN_MM = 10.0
RULER_MM = 100


def write_board(board: Board, path: Path) -> tuple[float, float]:
    """Write a board to a .pdf or .png and return the page's size in millimetres."""
    text = (
        f"Walkout ChArUco {board.columns}x{board.rows}, square {1000 * board.square:g} mm, "
        f"marker {1000 * board.marker:g} mm, {board.dictionary}"
    )
    pixels = max(60, round(board.square * 1000 * 12))
    page = _page(board.picture(pixels), pixels / (board.square * 1000), text)
    _save([page[0]], page[1], path)
    return page[0].width / page[1], page[0].height / page[1]


def write_markers(markers: MarkerSet, path: Path) -> int:
    """Write every marker on a page of its own and return their number; a .png takes just one marker."""
    pages, scale = [], 6.0
    for marker in markers.by_id.values():
        mm = 1000 * marker.size
        picture = marker_picture(markers.dictionary, marker.marker_id, round(mm * scale))
        # The side in pixels is whole, the scale of the page follows it.
        text = f"Walkout marker {marker.marker_id}, {mm:g} mm, {markers.dictionary}: this way up"
        pages.append(_page(picture, picture.shape[0] / mm, text)[0])
    if path.suffix.lower() == ".png" and len(pages) > 1:
        raise UserError(f"{path}: a .png holds one marker and there are {len(pages)}; name a .pdf")
    _save(pages, scale, path)
    return len(pages)


def _page(picture: Picture, per_mm: float, text: str) -> tuple[Image.Image, float]:
    """Return a page with a picture, a line of text and a ruler, and its pixels per millimetre."""
    margin, foot = round(MARGIN_MM * per_mm), round(14 * per_mm)
    height, width = picture.shape
    page = Image.new("L", (max(width, round((RULER_MM + 4) * per_mm)) + 2 * margin, height + 2 * margin + foot), 255)
    page.paste(Image.fromarray(picture), (margin, margin))
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(3.0 * per_mm)
    y = margin + height + margin // 2
    draw.text((margin, y), text, fill=0, font=font)
    y += round(6 * per_mm)
    for mm in range(0, RULER_MM + 1, 10):
        x = margin + round(mm * per_mm)
        draw.line([(x, y), (x, y + round(2 * per_mm))], fill=0, width=max(1, round(0.2 * per_mm)))
    draw.line([(margin, y), (margin + round(RULER_MM * per_mm), y)], fill=0, width=max(1, round(0.2 * per_mm)))
    ruler = f"{RULER_MM} mm: measure this line; print at 100 %, not 'fit to page'"
    draw.text((margin, y + round(2.5 * per_mm)), ruler, fill=0, font=font)
    return page, per_mm


def _save(pages: Sequence[Image.Image], per_mm: float, path: Path) -> None:
    suffix = path.suffix.lower()
    dpi = per_mm * MM_PER_INCH
    if suffix == ".png":
        pages[0].save(path, dpi=(dpi, dpi))
    elif suffix == ".pdf":
        pages[0].save(path, resolution=dpi, save_all=True, append_images=list(pages[1:]), quality=95)
    else:
        raise UserError(f"{path}: cannot write this kind of file; use a name ending in .pdf or .png")
