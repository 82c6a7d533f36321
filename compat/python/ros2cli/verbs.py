"""A command as a table of verbs: each declares its arguments and runs."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

from ros2cli.errors import CommandError


@dataclass(frozen=True)
class Verb:
    """One verb: help line, declaration of arguments, and what runs it (returns the exit code)."""

    help: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    main: Callable[[argparse.Namespace], int | None]


def add_verbs(parser: argparse.ArgumentParser, verbs: dict[str, Verb]) -> None:
    """Declare the verbs of a command."""
    parser.set_defaults(_parser=parser)
    choices = parser.add_subparsers(title="Verbs", metavar="VERB", dest="verb")
    for name, verb in verbs.items():
        verb.add_arguments(choices.add_parser(name, help=verb.help, description=verb.help))


def run_verb(args: argparse.Namespace, verbs: dict[str, Verb]) -> int:
    """Run the verb that was chosen; without one, print the help."""
    if args.verb is None:
        args._parser.print_help()
        return 0
    try:
        return int(verbs[args.verb].main(args) or 0)
    except RuntimeError as error:
        if isinstance(error, CommandError):
            raise
        raise CommandError(str(error)) from error
