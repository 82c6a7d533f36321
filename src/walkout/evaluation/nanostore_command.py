"""``walkout evaluate nanostore``: events and receipts of a real store's recording."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from walkout.evaluation.nanostore_replay import NanoResult

_EPILOG = """\
examples:
  walkout evaluate nanostore recordings/BENCHMARK-1
  walkout evaluate nanostore recordings/BENCHMARK-1 --json receipts.json

The folder holds plate_data.json, full_targets.json, planogram.json and products.json as the CPS-IoT Week 2020
AutoCheckout competition published them. The grams go through the store's shelf monitor, the joints and the events
through its attribution, the visit through its settlement, all with the parameters that the store uses. A line that is
too doubtful to be charged is listed as a doubt.
"""


def add_parser(kinds: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``walkout evaluate nanostore``."""
    parser = kinds.add_parser(
        "nanostore",
        help="events and receipts of a real store's recording",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of one recording")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write receipts, interactions and events to this file")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    from walkout.evaluation.console import progress_bar
    from walkout.evaluation.nanostore_files import read_recording
    from walkout.evaluation.nanostore_replay import replay
    from walkout.evaluation.receipts_command import check_output

    check_output(options.json, "--json")
    recording = read_recording(options.folder)
    with progress_bar() as progress:
        task = progress.add_task(options.folder.name, total=1.0)
        result = replay(recording, progress=lambda share: progress.update(task, completed=share))
    _print(result)
    if options.json:
        options.json.write_text(json.dumps(_document(result), indent=1) + "\n", encoding="utf-8")
    return 0


def _document(result: NanoResult) -> dict[str, Any]:
    def lines(entries: tuple[Any, ...]) -> list[dict[str, Any]]:
        return [{"sku": x.sku, "name": x.name, "quantity": x.quantity, "probability": x.probability} for x in entries]

    return {
        "receipts": [
            {"shopper": receipt.shopper, "lines": lines(receipt.lines), "doubts": lines(receipt.doubts)}
            for receipt in result.receipts
        ],
        "interactions": [
            {
                "event": interaction.event.event_id,
                "shopper": result.shopper_by_track.get(interaction.best.track_id, ""),
                "sku": interaction.best.sku,
                "quantity": interaction.best.quantity,
                "kind": interaction.best.kind.name.lower(),
                "probability": interaction.best.probability,
            }
            for interaction in result.interactions
        ],
        "events": [
            {
                "event": event.event_id,
                "plates": list(event.lane_ids),
                "onset_s": (event.onset_ns - result.start_ns) * 1e-9,
                "end_s": (event.end_ns - result.start_ns) * 1e-9,
                "delta_g": event.delta_g,
                "sd_g": event.sd_g,
            }
            for event in result.events
        ],
    }


def _print(result: NanoResult) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    best = {interaction.event.event_id: interaction.best for interaction in result.interactions}
    events = Table(title="Events", title_justify="left")
    for name in ("s", "plates", "grams", "sd", "what", "product", "shopper", "p"):
        events.add_column(name, justify="right" if name in ("s", "grams", "sd", "p") else "left")
    for event in result.events:
        row = [f"{(event.onset_ns - result.start_ns) * 1e-9:.2f}", ", ".join(event.lane_ids)]
        row += [f"{event.delta_g:+.1f}", f"{event.sd_g:.1f}"]
        found = best.get(event.event_id)
        if found is not None:
            product = f"{found.quantity} x {_name(result, found.sku)}" if found.sku else ""
            who = result.shopper_by_track.get(found.track_id, "nobody known")
            row += [found.kind.name.lower(), product, who, f"{found.probability:.2f}"]
        events.add_row(*row)
    console.print(events)
    for receipt in result.receipts:
        table = Table(title=f"Receipt of {receipt.shopper}", title_justify="left")
        for name in ("quantity", "sku", "product", "p"):
            table.add_column(name, justify="right" if name in ("quantity", "p") else "left")
        for line in receipt.lines:
            table.add_row(str(line.quantity), line.sku, line.name, f"{line.probability:.2f}")
        for line in receipt.doubts:
            table.add_row(f"({line.quantity}?)", line.sku, line.name, f"{line.probability:.2f}", style="dim")
        console.print(table if receipt.lines or receipt.doubts else f"Receipt of {receipt.shopper}: nothing")


def _name(result: NanoResult, sku: str) -> str:
    product = result.store.store.product_by_sku.get(sku)
    return product.name if product else sku
