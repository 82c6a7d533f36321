"""Signals as callbacks of an asyncio loop."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable


class AsyncSafeSignalManager:
    """While entered, calls handlers in `loop` for the signals they were registered for.

    Handlers may be registered before or after entering. Leaving restores the previous handlers of those signals. Only
    usable from the main thread. A Python-level handler (which does nothing) and the wake-up descriptor are used, so
    that a signal that arrives while the loop waits is handled at once and never raises KeyboardInterrupt.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.__loop = loop
        self.__handlers: dict[int, Callable] = {}
        self.__previous: dict[int, object] = {}
        self.__sockets: tuple[socket.socket, socket.socket] | None = None
        self.__previous_wakeup_fd = -1

    def __enter__(self) -> AsyncSafeSignalManager:
        self.__sockets = socket.socketpair()
        for end in self.__sockets:
            end.setblocking(False)
        self.__previous_wakeup_fd = signal.set_wakeup_fd(self.__sockets[1].fileno(), warn_on_full_buffer=False)
        self.__loop.add_reader(self.__sockets[0].fileno(), self.__dispatch)
        for signum in self.__handlers:
            self.__install(signum)
        return self

    def __exit__(self, *exc_info: object) -> None:
        assert self.__sockets is not None
        for signum in list(self.__previous):
            self.__uninstall(signum)
        self.__loop.remove_reader(self.__sockets[0].fileno())
        signal.set_wakeup_fd(self.__previous_wakeup_fd)
        for end in self.__sockets:
            end.close()
        self.__sockets = None

    def handle(self, signum: int, handler: Callable[[int], object] | None) -> Callable | None:
        """Register `handler` for a signal (None: no longer handle it); return the one before."""
        signum = signal.Signals(signum)
        before = self.__handlers.pop(signum, None)
        if handler is not None:
            self.__handlers[signum] = handler
        if self.__sockets is not None:
            if handler is None:
                self.__uninstall(signum)
            else:
                self.__install(signum)
        return before

    def __install(self, signum: int) -> None:
        if signum not in self.__previous:
            self.__previous[signum] = signal.signal(signum, lambda *_: None)

    def __uninstall(self, signum: int) -> None:
        if signum in self.__previous:
            previous = self.__previous.pop(signum)
            # None stands for a handler that C code installed; it can't be put back, so the default is.
            signal.signal(signum, signal.SIG_DFL if previous is None else previous)

    def __dispatch(self) -> None:
        assert self.__sockets is not None
        try:
            numbers = self.__sockets[0].recv(4096)
        except (BlockingIOError, InterruptedError):
            return
        if self.__previous_wakeup_fd != -1:
            os.write(self.__previous_wakeup_fd, numbers)
        for number in numbers:
            handler = self.__handlers.get(number)
            if handler is not None:
                handler(signal.Signals(number))
