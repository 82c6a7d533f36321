"""``ros2 daemon start|stop|status``: accepted so that scripts written for upstream work; discovery is direct here."""

from __future__ import annotations

import argparse


def add_subparsers(parser: argparse.ArgumentParser) -> None:
    """Declare the three verbs."""
    parser.add_argument("verb", choices=("start", "stop", "status"))


def main(args: argparse.Namespace) -> int:
    """Say that nothing runs; starting and stopping nothing succeeds."""
    if args.verb == "status":
        print("The daemon is not running")
    return 0
