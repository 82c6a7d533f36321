"""The state of a running launch: configurations, environment, locals, event queue and handlers."""

from __future__ import annotations

import asyncio
import collections
import os
from collections.abc import Iterable, Mapping
from typing import Any

from .event import Event
from .substitution import Substitution


class _Locals:
    """Read-only attribute access to the context's locals."""

    def __init__(self, context: LaunchContext) -> None:
        object.__setattr__(self, "_context", context)

    def __getattr__(self, name: str) -> Any:
        values = self._context.get_locals_as_dict()
        if name not in values:
            raise AttributeError(f"context.locals has no '{name}'; available: {', '.join(values) or 'nothing'}")
        return values[name]

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError("context.locals is read-only; use context.extend_locals()")


class LaunchContext:
    """What entities see and change while they are visited."""

    def __init__(self, *, argv: Iterable[str] | None = None, noninteractive: bool = False) -> None:
        self.__argv = list(argv) if argv is not None else []
        self.__noninteractive = noninteractive
        self._event_queue: asyncio.Queue = asyncio.Queue()
        self._event_handlers: collections.deque = collections.deque()
        self._completion_futures: list[asyncio.Future] = []
        self.__globals: dict[str, Any] = {}
        self.__locals: dict[str, Any] = {}
        self.__locals_stack: list[dict[str, Any]] = []
        self.__configurations: dict[str, str] = {}
        self.__configurations_stack: list[dict[str, str]] = []
        self.__environment_stack: list[dict[str, str]] = []
        self.__environment_reset = dict(os.environ)
        self.__is_shutdown = False
        self.__asyncio_loop: asyncio.AbstractEventLoop | None = None

    # -- what the launch was started with, and its state ---------------------------------------------------------------

    @property
    def argv(self) -> list[str]:
        """Arguments given to the launch."""
        return self.__argv

    @property
    def noninteractive(self) -> bool:
        """Whether no terminal delivers Ctrl-C to the processes."""
        return self.__noninteractive

    @property
    def is_shutdown(self) -> bool:
        """Whether a shutdown has begun."""
        return self.__is_shutdown

    def _set_is_shutdown(self, state: bool) -> None:
        self.__is_shutdown = state

    @property
    def asyncio_loop(self) -> asyncio.AbstractEventLoop | None:
        """The loop the launch runs in; None when it doesn't run."""
        return self.__asyncio_loop

    def _set_asyncio_loop(self, loop: asyncio.AbstractEventLoop | None) -> None:
        self.__asyncio_loop = loop

    def add_completion_future(self, future: asyncio.Future) -> None:
        """Keep the launch from being idle until `future` is done."""
        self._completion_futures.append(future)

    # -- locals --------------------------------------------------------------------------------------------------------

    @property
    def locals(self) -> _Locals:
        """Values of the current scope as attributes."""
        return _Locals(self)

    def get_locals_as_dict(self) -> dict[str, Any]:
        """Values of the current scope over those extended globally."""
        return {**self.__globals, **self.__locals}

    def extend_locals(self, values: Mapping[str, Any]) -> None:
        """Add or replace locals of the current scope."""
        self.__locals.update(values)

    def extend_globals(self, values: Mapping[str, Any]) -> None:
        """Add or replace values seen from every scope."""
        self.__globals.update(values)

    def _push_locals(self) -> None:
        self.__locals_stack.append(dict(self.__locals))

    def _pop_locals(self) -> None:
        if not self.__locals_stack:
            raise RuntimeError("locals stack unexpectedly empty")
        self.__locals = self.__locals_stack.pop()

    # -- launch configurations and environment -------------------------------------------------------------------------

    @property
    def launch_configurations(self) -> dict[str, str]:
        """Launch configurations of the current scope."""
        return self.__configurations

    def _push_launch_configurations(self) -> None:
        self.__configurations_stack.append(dict(self.__configurations))

    def _pop_launch_configurations(self) -> None:
        if not self.__configurations_stack:
            raise RuntimeError("launch configurations stack unexpectedly empty")
        _replace(self.__configurations, self.__configurations_stack.pop())

    @property
    def environment(self) -> os._Environ:
        """The environment of processes to be started (this process's own)."""
        return os.environ

    def _push_environment(self) -> None:
        self.__environment_stack.append(dict(os.environ))

    def _pop_environment(self) -> None:
        if not self.__environment_stack:
            raise RuntimeError("environment stack unexpectedly empty")
        _replace(os.environ, self.__environment_stack.pop())

    def _reset_environment(self) -> None:
        _replace(os.environ, self.__environment_reset)

    # -- events --------------------------------------------------------------------------------------------------------

    def would_handle_event(self, event: Event) -> bool:
        """Return whether any registered handler matches `event`."""
        return any(handler.matches(event) for handler in self._event_handlers)

    def register_event_handler(self, event_handler, append: bool = False) -> None:
        """Register a handler: ahead of the others, or behind them with `append`."""
        if append:
            self._event_handlers.append(event_handler)
        else:
            self._event_handlers.appendleft(event_handler)

    def unregister_event_handler(self, event_handler) -> None:
        """Take a handler out; ValueError if it is not registered."""
        self._event_handlers.remove(event_handler)

    def emit_event_sync(self, event: Event) -> None:
        """Queue an event (from the loop's thread)."""
        self._event_queue.put_nowait(event)

    async def emit_event(self, event: Event) -> None:
        """Queue an event."""
        self.emit_event_sync(event)

    def perform_substitution(self, substitution: Substitution) -> str:
        """Return the substitution's text in this context."""
        return substitution.perform(self)


def _replace(target, values: Mapping[str, str]) -> None:
    """Make `target` hold exactly `values`, touching only what differs (os.environ calls putenv)."""
    for key in [k for k in target if k not in values]:
        del target[key]
    for key, value in values.items():
        if target.get(key) != value:
            target[key] = value
