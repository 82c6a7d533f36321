"""Entry point of the ``ros2`` command: finds the command's module, parses, runs.

Only the module of the command asked for is imported, so that ``ros2 pkg`` does not pay for rclpy.
"""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from collections.abc import Sequence

from ros2cli.errors import USAGE, CommandError, NotSupported

#: command -> one line of help; the implementation is `ros2cli.commands.<command>`.
COMMANDS = {
    "bag": "Record, play and inspect bags",
    "daemon": "Accepted for compatibility: there is no daemon here",
    "interface": "Show information about ROS interfaces",
    "launch": "Run a launch file",
    "lifecycle": "List, query and change the state of lifecycle nodes",
    "node": "List nodes and their interfaces",
    "param": "List, get and set parameters",
    "pkg": "List packages, their prefixes and executables",
    "run": "Run an executable of a package",
    "service": "List, inspect and call services",
    "topic": "List, inspect, echo and publish topics",
}

#: commands of upstream that are deliberately absent.
UNSUPPORTED = frozenset({
    "action", "component", "control", "doctor", "extension_points", "extensions", "multicast", "plugin", "security",
    "test", "trace", "wtf",
})


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``ros2`` with `argv` (default: the process's arguments) and return the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        return _reported(arguments)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    finally:
        _leave_nothing_to_flush()


def _leave_nothing_to_flush() -> None:
    """Drop what a closed pipe or terminal takes no more: the interpreter would fail to flush it and exit with 120."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _reported(arguments: list[str]) -> int:
    try:
        return _run(arguments)
    except CommandError as error:
        # As upstream: what a verb complains of stands alone; only mistakes in the command line name the program.
        print(f"ros2: error: {error}" if error.code == USAGE else error, file=sys.stderr)
        return error.code
    except BrokenPipeError:
        # `ros2 topic list | head` closes our stdout early.
        return 128 + signal.SIGPIPE


def _run(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_overview())
        return 0
    command = arguments[0]
    if command in UNSUPPORTED:
        raise NotSupported(f"'ros2 {command}'")
    if command not in COMMANDS:
        raise CommandError(f"unknown command '{command}'; choose one of: {', '.join(sorted(COMMANDS))}", USAGE)
    module = _load(command)
    parser = argparse.ArgumentParser(prog=f"ros2 {command}", description=COMMANDS[command])
    module.add_subparsers(parser)
    args = parser.parse_args(arguments[1:])
    # Verbs and launch files that read sys.argv shall see what the user typed, as with upstream.
    return int(module.main(args) or 0)


def _load(command: str):
    name = f"ros2cli.commands.{command}"
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name == name:
            raise NotSupported(f"'ros2 {command}'") from None
        raise CommandError(f"'ros2 {command}' needs the Python module '{error.name}', which is missing; "
                           "source env.sh (or the ROS set-up) first") from None


def _overview() -> str:
    width = max(map(len, COMMANDS))
    lines = ["usage: ros2 <command> [-h] ...", "", "Commands (stand-in of upstream's ros2):"]
    lines += [f"  {name:<{width}}  {text}" for name, text in sorted(COMMANDS.items())]
    return "\n".join([*lines, "", "Call `ros2 <command> -h` for more."])


if __name__ == "__main__":
    sys.exit(main())
