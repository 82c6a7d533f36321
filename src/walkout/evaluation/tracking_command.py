"""``walkout evaluate tracking``: the store's tracker on recorded people."""

from __future__ import annotations

import argparse
from pathlib import Path

_EPILOG = """\
A sequence is a folder with sequence.yaml (fps; cameras: name, width, height, projection = the 3x4 matrix from world
metres to pixels; optional entry_zone: x, y, radius), detections.csv (frame,camera,x1,y1,x2,y2,score; pixels) and
truth.csv (frame,id,x,y; metres). Without truth.csv there are tracks but no scores.

examples:
  walkout evaluate tracking recordings/room1 recordings/room2
  walkout evaluate tracking room1 --json scores.json --tracks out/
  walkout evaluate tracking room1 --baselines            norfair and SORT on the same detections
  walkout evaluate tracking room1 --video room1.mp4      the floor from above

MOTA and IDF1 are motmetrics' (squared distance, at most T^2), HOTA is trackeval's (similarity max(0, 1 - d / 2T)), at
T = 1 m and 0.5 m. ms/frame is processor time for all cameras of a frame.
"""


def add_parser(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``walkout evaluate tracking``."""
    parser = kinds.add_parser(
        "tracking",
        help="the tracker on recorded people: MOTA, IDF1, HOTA, error",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("sequences", nargs="+", type=Path, metavar="SEQUENCE_DIR", help="folder with sequence.yaml")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the figures to this file")
    parser.add_argument("--tracks", type=Path, metavar="DIR", help="write DIR/<name>.csv with frame,id,x,y")
    parser.add_argument("--video", type=Path, metavar="OUT.mp4", help="draw tracks and truth from above")
    parser.add_argument("--baselines", action="store_true", help="norfair and SORT on the same detections beside ours")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from walkout.evaluation import tracking_report  # heavy libraries

    return tracking_report.run(options)
