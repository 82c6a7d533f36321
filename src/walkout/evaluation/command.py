"""``walkout evaluate``: how good is the store? Each kind of evaluation lives in a module of its own."""

from __future__ import annotations

import argparse
import importlib

KINDS = (
    "receipts_command",
    "suite_command",
    "tracking_command",
    "crossings_command",
    "shelf_trace_command",
    "nanostore_command",
    "recognition_command",
    "drift_command",
)
"""Modules beside this one, each with ``add_parser(kinds)``, in the order of the help. Imports of heavy libraries belong
into their functions: all of them are imported to show the help."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``walkout evaluate`` with all its kinds."""
    parser = subparsers.add_parser("evaluate", help="run scenarios without ROS and compare the receipts with the truth")
    kinds = parser.add_subparsers(dest="kind", metavar="KIND", required=True)
    for name in KINDS:
        importlib.import_module(f"walkout.evaluation.{name}").add_parser(kinds)
