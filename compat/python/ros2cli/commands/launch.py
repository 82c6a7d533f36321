"""``ros2 launch [package] file [name:=value ...]``."""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from pathlib import Path

from ros2cli import packages
from ros2cli.errors import CommandError

#: Launch configurations that launch itself understands, so that setting them undeclared is no mistake.
_KNOWN_CONFIGURATIONS = frozenset({"sigterm_timeout", "sigkill_timeout", "emulate_tty", "launch-prefix",
                                   "launch-prefix-filter", "ros_namespace", "use_sim_time"})


def add_subparsers(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add = parser.add_argument
    add("-n", "--noninteractive", action="store_true", default=not sys.stdin.isatty(),
        help="no terminal passes Ctrl-C on to the processes (default when the input is no terminal)")
    add("-d", "--debug", action="store_true", help="log more, with tracebacks")
    add("-p", "--print", "--print-description", action="store_true", dest="print_description",
        help="print the launch description without launching it")
    add("-s", "--show-args", "--show-arguments", action="store_true", dest="show_args",
        help="show the launch file's arguments")
    add("-a", "--show-all-subprocesses-output", action="store_true", dest="show_all",
        help="show the output of every process")
    add("--launch-prefix", help="command to put in front of every executable, as in 'gdb --args'")
    add("--launch-prefix-filter", help="regular expression: put the prefix in front of these executables only")
    add("package_or_file", metavar="package_name", help="package, or path of a launch file")
    add("launch_file_name", nargs="?", help="launch file in the package's share folder")
    add("launch_arguments", nargs="*", metavar="name:=value", help="arguments of the launch file")


def main(args: argparse.Namespace) -> int:
    """Show or run the launch file; return its exit code."""
    path, texts = _find(args)
    arguments = parse_launch_arguments(texts)
    if args.print_description or args.show_args:
        return _show(path, args)
    return _run(path, arguments, args)


def parse_launch_arguments(texts: list[str]) -> dict[str, str]:
    """Return value by name from ``name:=value`` texts; CommandError for anything else."""
    arguments = {}
    for text in texts:
        name, separator, value = text.partition(":=")
        if not separator or not name:
            raise CommandError(f"malformed launch argument '{text}', expected format '<name>:=<value>'")
        arguments[name] = value
    return arguments


def _find(args: argparse.Namespace) -> tuple[Path, list[str]]:
    """Return the launch file's path and the texts of its arguments."""
    first, second, rest = args.package_or_file, args.launch_file_name, list(args.launch_arguments)
    if second is None or ":=" in second:
        texts = rest if second is None else [second, *rest]
        if Path(first).is_file():
            return Path(first).resolve(), texts
        if os.sep in first or first.endswith((".py", ".xml", ".yaml", ".yml")):
            raise CommandError(f"launch file '{first}' does not exist")
        raise CommandError(f"'{first}' is not a launch file; give the name of one in package '{first}' after it")
    return packages.find_share_file(first, second), rest


def _load(path: Path):
    from launch.launch_description_sources import get_launch_description_from_any_launch_file
    try:
        return get_launch_description_from_any_launch_file(str(path))
    except Exception as error:
        raise CommandError(f"cannot load launch file '{path}': {type(error).__name__}: {error}") from error


def _show(path: Path, args: argparse.Namespace) -> int:
    description = _load(path)
    if args.print_description:
        from launch import LaunchIntrospector
        print(LaunchIntrospector().format_launch_description(description))
    else:
        print(format_arguments(description))
    return 0


def format_arguments(description) -> str:
    """Return the list of a description's arguments for people."""
    arguments = description.get_launch_arguments()
    lines = ["Arguments (pass arguments as '<name>:=<value>'):"]
    if not arguments:
        lines += ["", "  No arguments."]
    for argument in arguments:
        star = "*" if argument._conditionally_included else ""
        lines += ["", f"    '{argument.name}':{star}", f"        {argument.description}"]
        if argument.default_value is not None:
            lines.append(f"        (default: {' + '.join(s.describe() for s in argument.default_value)})")
    if any(argument._conditionally_included for argument in arguments):
        lines += ["", "* argument(s) which are only used if specific conditions occur"]
    return "\n".join(lines)


def _run(path: Path, arguments: dict[str, str], args: argparse.Namespace) -> int:
    import launch
    if args.debug:
        launch.logging.launch_config.level = "DEBUG"
    if args.show_all:
        os.environ["OVERRIDE_LAUNCH_PROCESS_OUTPUT"] = "both"
    launch.logging.log_launch_config()
    description = _load(path)
    _warn_of_undeclared(arguments, description)
    source = launch.launch_description_sources.AnyLaunchDescriptionSource(str(path))
    include = launch.actions.IncludeLaunchDescription(source, launch_arguments=arguments.items())
    service = launch.LaunchService(argv=[f"{name}:={value}" for name, value in arguments.items()],
                                   noninteractive=args.noninteractive, debug=args.debug)
    service.include_launch_description(launch.LaunchDescription([*_prefix_actions(args), include]))
    return service.run()


def _prefix_actions(args: argparse.Namespace) -> list:
    from launch.actions import SetLaunchConfiguration
    values = {"launch-prefix": args.launch_prefix, "launch-prefix-filter": args.launch_prefix_filter}
    return [SetLaunchConfiguration(name, value) for name, value in values.items() if value is not None]


def _warn_of_undeclared(arguments: dict[str, str], description) -> None:
    """Warn, as upstream passes undeclared arguments on: a launch file may use them all the same."""
    from launch import logging
    declared = [argument.name for argument in description.get_launch_arguments()]
    for name in sorted(set(arguments) - set(declared) - _KNOWN_CONFIGURATIONS):
        close = difflib.get_close_matches(name, declared, n=1)
        hint = f"; did you mean '{close[0]}'?" if close else ""
        logging.get_logger("launch").warning(f"argument '{name}' is not declared by the launch file{hint}")
