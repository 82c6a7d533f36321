"""The ``walkout`` command. Its subcommands live beside what they do and are imported only when they are used.

A subcommand's module has ``add_parser(subparsers)``: it adds its parser under the name in the table below and sets
``run`` as a default: a function of the parsed arguments that returns the exit code.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from walkout import __version__
from walkout.errors import UserError

EXIT_PROBLEM = 1
EXIT_ERROR = 2
EXIT_INTERRUPTED = 130


class CommandModule(Protocol):
    """What a subcommand's module offers."""

    def add_parser(self, subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
        """Add the subcommand's parser."""


@dataclass(frozen=True)
class Command:
    """A subcommand: its name, the module that has it, and a line for the help."""

    name: str
    module: str
    summary: str


COMMANDS = (
    Command("store", "walkout.store.command", "check, show and draw a store; make its label pictures"),
    Command("calibrate", "walkout.calibration.command", "print boards; find the cameras' lenses and places"),
    Command(
        "evaluate", "walkout.evaluation.command", "run scenarios without ROS and compare the receipts with the truth"
    ),
    Command("benchmark", "walkout.evaluation.benchmark", "measure rates, latencies, CPU and memory of the graph"),
    Command("doctor", "walkout.ros.doctor", "look for what is wrong with this machine and the running store"),
    Command("parameters", "walkout.ros.parameter_command", "show what can be set about the nodes; write the files"),
    Command("train", "walkout.training.command", "make data sets, train and export the models"),
)

_EXAMPLES = """\
examples:
  walkout store check corner             is the store described without a mistake?
  walkout store show corner              what stands where, with weights and prices
  walkout store plan corner -o plan.png  draw the floor plan with cameras and gates
  walkout store check ./my_store         the same for your own folder

'walkout COMMAND --help' shows the options and examples of a command.
"""


class _HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Gives the names of subcommands one column; argparse forgets their indentation when it measures them."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=16, width=100)
        self._action_max_length = 16


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code: 0 good, 1 a check failed, 2 wrong usage or input, 130 Ctrl-C."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        options = _parse(given)
        return int(options.run(options))
    except UserError as error:
        return _fail(str(error))
    except BrokenPipeError:
        # The reader of our output (head, less) has gone; Python would complain once more while closing it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_PROBLEM
    except OSError as error:
        return _fail(f"{error.filename or 'system'}: {error.strerror or error}")
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def _parse(given: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="walkout",
        description="Walkout: an open, self-hosted autonomous-checkout store on ROS 2.",
        epilog=_EXAMPLES,
        formatter_class=_HelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"walkout {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands", required=True)
    wanted = next((word for word in given if not word.startswith("-")), None)
    for command in COMMANDS:
        if command.name == wanted:
            _load(command).add_parser(subparsers)
        else:
            subparsers.add_parser(command.name, help=command.summary)
    if not given:
        parser.print_help()
        raise SystemExit(EXIT_ERROR)
    return parser.parse_args(given)


def _load(command: Command) -> CommandModule:
    """Import a subcommand; say plainly what is missing when this installation cannot run it."""
    try:
        return cast(CommandModule, importlib.import_module(command.module))
    except ModuleNotFoundError as error:
        remedy = "run 'make setup' in the source tree, and 'source env.sh' for what needs ROS"
        raise UserError(f"'walkout {command.name}' cannot run here: {error.msg}; {remedy}") from error


def _fail(text: str) -> int:
    for line in text.splitlines():
        print(f"error: {line}", file=sys.stderr)
    return EXIT_ERROR


if __name__ == "__main__":
    raise SystemExit(main())
