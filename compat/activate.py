"""Lend the stand-ins to the running Python's environment: ``python compat/activate.py [--remove | --status]``.

Writes ``walkout_standins.pth`` into site-packages (an import hook, see `finder.py`, that yields to every upstream
module) and, if the environment has no ``ros2`` command, installs ``bin/ros2``. Idempotent. Meant for a virtual
environment without ROS 2.
"""

from __future__ import annotations

import argparse
import importlib.util
import shutil
import sys
import sysconfig
from pathlib import Path

COMPAT = Path(__file__).resolve().parent
PTH_NAME = "walkout_standins.pth"
MARK = "The stand-in ``ros2`` command"


def main(argv: list[str] | None = None) -> int:
    """Install (default), remove or report; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--remove", action="store_true", help="take the stand-ins out of the environment again")
    group.add_argument("--status", action="store_true", help="list every stand-in and which module is really used")
    args = parser.parse_args(argv)
    if args.status:
        return _status()
    if sys.prefix == sys.base_prefix:
        print("activate.py: error: this Python is not a virtual environment's; run it with .venv/bin/python",
              file=sys.stderr)
        return 1
    if args.remove:
        _pth_path().unlink(missing_ok=True)
        if _is_ours(_command_path()):
            _command_path().unlink()
        return 0
    _write_if_changed(_pth_path(), _pth_line())
    _install_command()
    return 0


def standin_names() -> list[str]:
    """Names of the modules for which a stand-in exists."""
    entries = (COMPAT / "python").iterdir()
    return sorted(e.stem for e in entries if not e.name.startswith(("_", ".")))


def _pth_line() -> str:
    finder = str(COMPAT / "finder.py")
    globals_ = {"__file__": finder, "__name__": "walkout_standins"}
    # A .pth line must be one statement that starts with `import`; a moved or deleted checkout must not break Python.
    return (f"import os; os.path.isfile({finder!r}) and "
            f"exec(compile(open({finder!r}).read(), {finder!r}, 'exec'), {globals_!r})\n")


def _pth_path() -> Path:
    return Path(sysconfig.get_path("purelib")) / PTH_NAME


def _command_path() -> Path:
    return Path(sysconfig.get_path("scripts")) / "ros2"


def _is_ours(command: Path) -> bool:
    return command.is_file() and MARK in command.read_text(errors="replace")


def _install_command() -> None:
    target = _command_path()
    if not _is_ours(target) and (target.exists() or shutil.which("ros2")):
        return
    body = (COMPAT / "bin" / "ros2").read_text().split("\n", 1)[1]
    _write_if_changed(target, f"#!{sys.executable}\n{body}")
    target.chmod(0o755)


def _write_if_changed(path: Path, text: str) -> None:
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def _status() -> int:
    for name in standin_names():
        spec = importlib.util.find_spec(name)
        origin = spec.origin if spec else None
        kind = "missing" if not origin else "stand-in" if Path(origin).is_relative_to(COMPAT) else "upstream"
        print(f"{name:<24} {kind:<9} {origin or ''}".rstrip())
    return 0


if __name__ == "__main__":
    sys.exit(main())
