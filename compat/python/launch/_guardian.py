"""Ends the processes of a launch whose launcher has died without ending them (as by ``kill -9``).

Run as ``python -I -S _guardian.py`` with the launcher at the other end of standard input: lines ``+PID`` and ``-PID``
say which processes run, ``+-PID`` that a whole process group does. When the launcher is gone, what is left gets
SIGINT, then SIGTERM, then SIGKILL. Imports next to nothing, as one of these runs beside every launch.
"""

import contextlib
import os
import signal
import sys
import time

GRACE_S = {signal.SIGINT: 1.5, signal.SIGTERM: 1.0, signal.SIGKILL: 0.0}


def is_alive(pid):
    """Return whether a process (or, if negative, a group) exists."""
    try:
        os.kill(pid, 0) if pid > 0 else os.killpg(-pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def end(pids):
    """Signal with growing force until none is left."""
    for signum, grace_s in GRACE_S.items():
        pids = [pid for pid in pids if is_alive(pid)]
        for pid in pids:
            with contextlib.suppress(OSError):
                os.kill(pid, signum) if pid > 0 else os.killpg(-pid, signum)
        deadline = time.monotonic() + grace_s
        while any(is_alive(pid) for pid in pids) and time.monotonic() < deadline:
            time.sleep(0.05)


def main():
    """Follow the launcher until it dies or says that all is over."""
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(signum, signal.SIG_IGN)
    pids = {}
    for line in sys.stdin:
        (pids.__setitem__ if line[0] == "+" else pids.pop)(int(line[1:]), None)
    end(list(pids))


if __name__ == "__main__":
    main()
