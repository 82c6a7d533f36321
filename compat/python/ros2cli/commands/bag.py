"""``ros2 bag``."""

from __future__ import annotations

import argparse

from ros2cli.bag import info, play, record
from ros2cli.errors import CommandError, NotSupported
from ros2cli.verbs import Verb, add_verbs, run_verb


def _unsupported(verb: str) -> Verb:
    def refuse(_: argparse.Namespace) -> int:
        raise NotSupported(f"'ros2 bag {verb}'")

    return Verb("Not supported by this stand-in", lambda p: p.add_argument("rest", nargs="*"), refuse)


VERBS = {
    "burst": _unsupported("burst"),
    "convert": _unsupported("convert"),
    "info": Verb("Show what is in a bag", info.add_arguments, info.main),
    "list": _unsupported("list"),
    "play": Verb("Play a bag", play.add_arguments, play.main),
    "record": Verb("Record topics to a bag", record.add_arguments, record.main),
    "reindex": Verb("Complete a bag that was cut off", info.add_reindex_arguments, info.main_reindex),
}


def add_subparsers(parser: argparse.ArgumentParser) -> None:
    """Declare the verbs."""
    add_verbs(parser, VERBS)


def main(args: argparse.Namespace) -> int:
    """Run the verb; failures look as upstream's."""
    try:
        return run_verb(args, VERBS)
    except NotSupported:
        raise
    except CommandError as error:
        raise CommandError(f"[ERROR] [ros2bag]: {error}") from None
