"""``walkout evaluate recognition``: the product recogniser on real photographs."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path

_EPILOG = """\
examples:
  walkout evaluate recognition --catalog catalog.csv --photos photos.csv
  walkout evaluate recognition --catalog catalog.csv --photos photos.csv --split val --json scores.json

Both tables have the columns product and path, paths beside the table; photos may have a column split. The catalogue's
pictures are all that the recogniser knows of the products. Precision at 50, 70, 90 % coverage is that of the answers
with the widest margins; ms per query is processor time on one thread.
"""


def add_parser(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``walkout evaluate recognition``."""
    parser = kinds.add_parser(
        "recognition",
        help="the product recogniser on photographs: top-1, top-5, precision at coverage",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--catalog", type=Path, required=True, metavar="CSV", help="a picture or more per product")
    parser.add_argument("--photos", type=Path, required=True, metavar="CSV", help="photographs with their products")
    parser.add_argument("--split", metavar="NAME", help="only photographs with this value in the column split")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the figures to this file")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.table import Table

    from walkout.evaluation import recognition
    from walkout.evaluation.console import progress_bar
    from walkout.evaluation.receipts_command import check_output

    check_output(options.json, "--json")
    catalogue = recognition.read_rows(options.catalog, "catalogue")
    photos = recognition.read_rows(options.photos, "photographs", options.split)
    recognition.check_products(catalogue, photos, options.photos)
    with progress_bar() as progress:
        task = progress.add_task("photographs", total=len(photos))
        answers = recognition.judge(catalogue, photos, progress=lambda: progress.update(task, advance=1))
    found = recognition.figures(answers)
    table = Table(title=f"{found.photos} photographs, {len({row.product for row in catalogue})} products")
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name, value in asdict(found).items():
        if name != "photos":
            table.add_row(name.replace("_", " "), f"{value:.1f}" if name.startswith("ms") else f"{value:.3f}")
    console = Console()
    console.print(table)
    mistakes = Counter((answer.product, answer.ranked[0]) for answer in answers if not answer.right)
    for (product, said), count in mistakes.most_common(8):
        console.print(f"{count} x {product} taken for {said}", highlight=False)
    if options.json:
        options.json.write_text(json.dumps(asdict(found), indent=1) + "\n", encoding="utf-8")
    return 0
