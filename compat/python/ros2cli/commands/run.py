"""``ros2 run [--prefix PREFIX] package executable [arguments ...]``."""

from __future__ import annotations

import argparse
import os
import shlex
import sys

from ros2cli import packages
from ros2cli.errors import CommandError


def add_subparsers(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--prefix", help="command to put in front, as in 'gdb --args'")
    parser.add_argument("package_name")
    parser.add_argument("executable_name")
    parser.add_argument("argv", nargs=argparse.REMAINDER, help="arguments passed on to the executable")


def main(args: argparse.Namespace) -> int:
    """Become the executable: signals and the exit code are its own."""
    path = packages.find_executable(args.package_name, args.executable_name)
    cmd = [*shlex.split(args.prefix or ""), str(path), *args.argv]
    sys.stdout.flush()
    try:
        os.execvp(cmd[0], cmd)
    except OSError as error:
        raise CommandError(f"could not run '{cmd[0]}': {error.strerror}") from None
