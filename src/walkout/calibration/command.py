"""``walkout calibrate``: print boards and markers, find the cameras' intrinsics and where they hang."""

from __future__ import annotations

import argparse
from pathlib import Path

from walkout.calibration.printing import write_board, write_markers
from walkout.geometry.boards import Board
from walkout.geometry.markers import MARKERS_FILE, read_markers
from walkout.store.loader import find_store, load_store

_EXAMPLES = """\
examples:
  walkout calibrate board -o board.pdf                       a ChArUco board for A4 paper; print it at 100 %
  walkout calibrate board --columns 9 --rows 6 --square 0.06 --marker 0.045 -o board.pdf
  walkout calibrate intrinsics my_store c1                   watch the board through camera c1 for a minute
  walkout calibrate intrinsics my_store c1 pictures/ --write the same from pictures, and put it into store.yaml
  walkout calibrate markers my_store -o markers.pdf          print the markers of my_store/markers.yaml
  walkout calibrate extrinsics my_store                      where the cameras hang, from markers they see now
  walkout calibrate extrinsics my_store --source c1=c1.png --source c2=c2.png --walk var/walk --write
                                                             from pictures, and somebody walking in a bag

docs/calibration.md tells the whole procedure. STORE is a name in config/stores or a folder.
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``walkout calibrate`` and its actions."""
    parser = subparsers.add_parser(
        "calibrate",
        help="print boards; find the cameras' lenses and places",
        description="Print boards and markers; find the cameras' lenses and places.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    board = _add_action(actions, "board", "print a ChArUco board to a .pdf or .png with its true size", _board)
    _add_board_options(board)
    board.add_argument("-o", "--output", type=Path, default=Path("board.pdf"), help="file to write (board.pdf)")
    markers = _add_action(actions, "markers", "print a store's markers at their true size", _markers)
    _add_store(markers)
    markers.add_argument("-o", "--output", type=Path, default=Path("markers.pdf"), help="file to write (markers.pdf)")
    lens = _add_action(actions, "intrinsics", "find focal length, centre and distortion from views of a board", _lens)
    _add_store(lens)
    lens.add_argument("camera", metavar="CAMERA", help="id of the camera in store.yaml")
    lens.add_argument(
        "sources", metavar="SOURCE", nargs="*", help="pictures, folders, videos or a camera URI (the camera's source)"
    )
    _add_board_options(lens)
    _add_watching(lens, 60.0)
    place = _add_action(actions, "extrinsics", "find where the cameras hang, from markers and walking people", _place)
    _add_store(place)
    place.add_argument(
        "--source", metavar="CAMERA=SOURCE", action="append", default=[], help="pictures or URI of a camera, repeatable"
    )
    place.add_argument("--cameras", nargs="+", metavar="ID", help="calibrate only these (default: all)")
    place.add_argument("--markers", type=Path, help="the markers' places (default: markers.yaml of the store)")
    place.add_argument("--ignore", nargs="+", type=int, default=[], metavar="ID", help="markers to leave out")
    place.add_argument("--walk", metavar="BAG", help="refine by the people in a bag recorded with record:=")
    place.add_argument("--walk-only", action="store_true", help="no markers: start from the poses in store.yaml")
    _add_watching(place, 5.0)


def _add_action(
    actions: argparse._SubParsersAction[argparse.ArgumentParser], name: str, summary: str, run: object
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
    parser.set_defaults(run=run)
    return parser


def _add_store(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("store", metavar="STORE", help="name or folder of a store")


def _add_board_options(parser: argparse.ArgumentParser) -> None:
    default = Board()
    parser.add_argument("--columns", type=int, default=default.columns, help=f"squares across ({default.columns})")
    parser.add_argument("--rows", type=int, default=default.rows, help=f"squares down ({default.rows})")
    parser.add_argument("--square", type=float, default=default.square, help=f"side of a square, m ({default.square})")
    parser.add_argument("--marker", type=float, default=default.marker, help=f"side of a marker, m ({default.marker})")
    parser.add_argument("--dictionary", default=default.dictionary, help=f"markers' dictionary ({default.dictionary})")


def _add_watching(parser: argparse.ArgumentParser, seconds: float) -> None:
    parser.add_argument("--seconds", type=float, default=seconds, help=f"how long to watch a live camera ({seconds:g})")
    parser.add_argument("--every", type=float, default=0.5, help="seconds between the pictures that are used (0.5)")
    parser.add_argument("-o", "--output", type=Path, help="folder for pictures and YAML (default: calibration_STORE)")
    parser.add_argument("--write", action="store_true", help="put the result into store.yaml")


def _board_of(options: argparse.Namespace) -> Board:
    return Board(options.columns, options.rows, options.square, options.marker, options.dictionary)


def _board(options: argparse.Namespace) -> int:
    width, height = write_board(_board_of(options), options.output)
    print(f"{options.output}: {width:.0f} x {height:.0f} mm; print at 100 % and check the ruler")
    return 0


def _markers(options: argparse.Namespace) -> int:
    store = load_store(options.store)
    count = write_markers(read_markers(find_store(options.store) / MARKERS_FILE, store), options.output)
    print(f"{options.output}: {count} marker{'' if count == 1 else 's'}; print at 100 % and check the ruler")
    return 0


def _lens(options: argparse.Namespace) -> int:
    from walkout.calibration.lens import calibrate_lens
    from walkout.calibration.pictures import camera_named

    store = load_store(options.store)
    camera = camera_named(store, options.camera)
    return calibrate_lens(store, camera, _board_of(options), options)


def _place(options: argparse.Namespace) -> int:
    from walkout.calibration.places import calibrate_places

    return calibrate_places(load_store(options.store), options)
