"""``walkout store``: check, show and draw a store, and make its label pictures."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rich.console import Console

from walkout.errors import UserError
from walkout.store.catalog_file import read_catalog
from walkout.store.documents import Report, display_path, open_document
from walkout.store.listing import store_data, store_tables, summary_line
from walkout.store.loader import CATALOG_FILE, StoreError, available_stores, find_store, load_store
from walkout.store.model import Product
from walkout.store.visibility import coverage

_EXAMPLES = """\
examples:
  walkout store check corner              OK and counts, or every mistake with file, line and remedy
  walkout store show corner --json        the whole description as JSON
  walkout store plan corner --coverage    the floor plan, shaded by how many cameras see each spot
  walkout store art ./my_store            draw label pictures for products that have none

STORE is the name of a store in config/stores or a folder with store.yaml, catalog.yaml and planogram.yaml.
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``walkout store`` and its actions."""
    parser = subparsers.add_parser(
        "store",
        help="check, show and draw a store; make its label pictures",
        description="Check, show and draw a store; make its label pictures.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    check = _add_action(actions, "check", "load a store and say everything that is wrong with it", _check)
    check.add_argument("--coverage", action="store_true", help="also say how much of floor and shelves cameras see")
    show = _add_action(actions, "show", "print fixtures, lanes, cameras, zones and products", _show)
    show.add_argument("--json", action="store_true", help="print JSON instead of tables")
    plan = _add_action(actions, "plan", "draw the floor plan", _plan)
    plan.add_argument(
        "-o", "--output", type=Path, help="picture to write, .png, .svg or .pdf (default: STORE_plan.png)"
    )
    plan.add_argument("--coverage", action="store_true", help="shade the floor by the number of cameras that see it")
    art = _add_action(actions, "art", "draw label pictures for products of the catalogue that have none", _art)
    art.add_argument("--all", action="store_true", help="draw them all again, also over pictures that exist")


def _add_action(
    actions: argparse._SubParsersAction[argparse.ArgumentParser], name: str, summary: str, run: object
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
    known = ", ".join(available_stores())
    parser.add_argument("store", metavar="STORE", help=f"name ({known}) or folder of a store")
    parser.set_defaults(run=run)
    return parser


def _check(options: argparse.Namespace) -> int:
    find_store(options.store)
    try:
        store = load_store(options.store)
    except StoreError as error:
        print(error)
        count = len(error.problems)
        print(f"{options.store}: {count} problem{'' if count == 1 else 's'}")
        return 1
    print(f"{options.store}: OK: {summary_line(store)}")
    if options.coverage:
        seen = coverage(store)
        for cameras in (1, 2, 3):
            print(
                f"seen by {cameras} or more cameras: {100 * seen.floor_share(cameras):.1f} % of the free floor, "
                f"{100 * seen.shelf_share(cameras):.1f} % of the shelf fronts"
            )
    return 0


def _show(options: argparse.Namespace) -> int:
    store = load_store(options.store)
    if options.json:
        print(json.dumps(store_data(store), indent=2, ensure_ascii=False))
        return 0
    console = Console(highlight=False)
    console.print(f"[bold]{store.name}[/bold] ({store.store_id}): {summary_line(store)}", soft_wrap=True)
    for table in store_tables(store):
        console.print()
        console.print(table)
    return 0


def _plan(options: argparse.Namespace) -> int:
    from walkout.store.plan import draw_plan  # Matplotlib takes a second to import.

    store = load_store(options.store)
    output: Path = options.output or Path(f"{store.store_id}_plan.png")
    if output.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise UserError(f"{output}: --output: cannot write this kind of file; use a name ending in .png, .svg or .pdf")
    draw_plan(store, output, show_coverage=options.coverage)
    print(output)
    return 0


def _art(options: argparse.Namespace) -> int:
    from walkout.store.label_art import write_labels

    directory = find_store(options.store)
    products = _products_of(directory)
    missing = {p.image for p in products if not (directory / p.image).is_file()}
    names = {p.image for p in products if p.image.lower().endswith(".png") and (options.all or p.image in missing)}
    written = write_labels(products, directory, names)
    size = sum(path.stat().st_size for path in written)
    print(f"{len(written)} label pictures, {size / 1000:.0f} kB, in {display_path(directory)}")
    for name in sorted(missing - names):
        print(f"{name}: is missing and is no .png; put the picture there")
    return 0


def _products_of(directory: Path) -> list[Product]:
    """Read a catalogue whose pictures need not exist yet."""
    report = Report()
    document = open_document(directory / CATALOG_FILE, report)
    products = read_catalog(document, directory, need_images=False).products if document else []
    report.check(StoreError)
    return products
