"""One module per ``ros2`` command; `ros2cli.cli.COMMANDS` is the table that names them.

A command module exposes

``add_subparsers(parser)``
    declares the command's arguments and verbs on an `argparse.ArgumentParser`;
``main(args) -> int | None``
    runs with the parsed namespace and returns the exit code.

A failure the user can understand is raised as `ros2cli.errors.CommandError`, which becomes one line on stderr.
"""
