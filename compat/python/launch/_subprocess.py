"""Start a process in the event loop and deliver its output."""

from __future__ import annotations

import asyncio
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable

#: How long output may still arrive after the process itself has ended (grandchildren may hold the pipes open for ever).
_DRAIN_TIMEOUT_S = 0.5


class ChildProcess(asyncio.SubprocessProtocol):
    """A running process; `on_output(fd, data)` is called with what it writes to 1 or 2."""

    def __init__(self, on_output: Callable[[int, bytes], None]) -> None:
        loop = asyncio.get_running_loop()
        self._on_output = on_output
        self._exited: asyncio.Future[int] = loop.create_future()
        self._drained: asyncio.Future[None] = loop.create_future()
        self._transport: asyncio.SubprocessTransport | None = None
        self._terminals: list[_Terminal] = []
        self._stdin: int | None = None
        self.own_group = False

    async def start(self, cmd: list[str], *, cwd: str | None, env: dict[str, str] | None, shell: bool,
                    emulate_tty: bool, own_group: bool) -> None:
        """Start the process; raises OSError if it can't be.

        With `own_group` it leads a process group, so that no terminal signals it and its children can be signalled
        with it.
        """
        loop = asyncio.get_running_loop()
        self.own_group = own_group
        kwargs: dict = {"cwd": cwd, "env": env, "stdin": subprocess.PIPE}
        if own_group:
            kwargs.update(process_group=0) if sys.version_info >= (3, 11) else kwargs.update(start_new_session=True)
        slaves: list[int] = []
        if emulate_tty:
            slaves = [self._open_terminal(fd) for fd in (1, 2)]
            kwargs.update(stdout=slaves[0], stderr=slaves[1])
        try:
            if shell:
                # As upstream, the arguments are joined and left to the shell.
                await loop.subprocess_shell(lambda: self, " ".join(cmd), **kwargs)
            else:
                await loop.subprocess_exec(lambda: self, *cmd, **kwargs)
        except BaseException:
            for terminal in self._terminals:
                terminal.close()
            raise
        finally:
            for slave in slaves:
                os.close(slave)

    def _open_terminal(self, fd: int) -> int:
        master, slave = pty.openpty()
        self._terminals.append(_Terminal(master, lambda data: self._on_output(fd, data)))
        return slave

    @property
    def pid(self) -> int:
        """Process id."""
        assert self._transport is not None
        return self._transport.get_pid()

    @property
    def returncode(self) -> int | None:
        """Exit code, minus a signal's number, or None while it runs."""
        return self._exited.result() if self._exited.done() else None

    async def wait(self) -> int:
        """Return the exit code once the process has ended and its output has been delivered."""
        returncode = await self._exited
        pending = [self._drained, *(terminal.closed for terminal in self._terminals)]
        await asyncio.wait(pending, timeout=_DRAIN_TIMEOUT_S)
        for terminal in self._terminals:
            terminal.close()
        assert self._transport is not None
        self._transport.close()
        return returncode

    def send_signal(self, signum: signal.Signals) -> None:
        """Send a signal: SIGINT as a terminal would (to its own group, if any), SIGKILL to all that is left."""
        if self.returncode is not None:
            raise ProcessLookupError(f"process {self.pid} has ended")
        if self.own_group and signum in (signal.SIGINT, signal.SIGKILL):
            os.killpg(self.pid, signum)
        else:
            os.kill(self.pid, signum)

    def write(self, data: bytes) -> None:
        """Write to the standard input."""
        assert self._transport is not None
        pipe = self._transport.get_pipe_transport(0)
        if pipe is not None:
            pipe.write(data)  # type: ignore[attr-defined]

    # -- asyncio's callbacks -------------------------------------------------------------------------------------------

    def connection_made(self, transport) -> None:
        """Keep the transport."""
        self._transport = transport

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Deliver output."""
        self._on_output(fd, data)

    def process_exited(self) -> None:
        """Keep the exit code."""
        assert self._transport is not None
        returncode = self._transport.get_returncode()
        if not self._exited.done():
            self._exited.set_result(-1 if returncode is None else returncode)

    def connection_lost(self, exc: Exception | None) -> None:
        """All pipes are closed and the process has ended."""
        if not self._drained.done():
            self._drained.set_result(None)


class _Terminal:
    """The launcher's end of a pseudo terminal that a process writes to."""

    def __init__(self, master: int, on_data: Callable[[bytes], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._master = master
        self._on_data = on_data
        self.closed: asyncio.Future[None] = self._loop.create_future()
        os.set_blocking(master, False)
        self._loop.add_reader(master, self._read)

    def _read(self) -> None:
        try:
            data = os.read(self._master, 65536)
        except BlockingIOError:
            return
        except OSError:
            # EIO: the last process that had the other end open has closed it.
            data = b""
        if data:
            self._on_data(data)
        else:
            self.close()

    def close(self) -> None:
        """Stop reading."""
        if not self.closed.done():
            self._loop.remove_reader(self._master)
            os.close(self._master)
            self.closed.set_result(None)
