"""Registers running processes with the guardian, which ends them if this launcher dies without doing so."""

from __future__ import annotations

import atexit
import contextlib
import os
import subprocess
import sys
from pathlib import Path

_guardian: subprocess.Popen | None = None
_owner_pid = 0


def watch(pid: int) -> None:
    """Have the process (a process group if negative) ended with this launcher."""
    global _guardian, _owner_pid
    if _guardian is None or _owner_pid != os.getpid():
        try:
            _guardian = subprocess.Popen(
                [sys.executable, "-I", "-S", str(Path(__file__).with_name("_guardian.py"))], stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, cwd="/")
        except OSError:
            return
        _owner_pid = os.getpid()
        atexit.register(_dismiss)
    _tell(f"+{pid}")


def unwatch(pid: int) -> None:
    """The process has ended."""
    _tell(f"-{pid}")


def _tell(line: str) -> None:
    if _guardian is None or _owner_pid != os.getpid():
        return
    assert _guardian.stdin is not None
    # If the guardian was killed, the launch goes on without it.
    with contextlib.suppress(OSError):
        os.write(_guardian.stdin.fileno(), line.encode() + b"\n")


def _dismiss() -> None:
    if _guardian is not None and _owner_pid == os.getpid():
        assert _guardian.stdin is not None
        _guardian.stdin.close()
        _guardian.wait()
