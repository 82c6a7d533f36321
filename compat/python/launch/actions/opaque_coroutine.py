"""Run a coroutine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..action import Action
from ..event_handlers import OnShutdown


class OpaqueCoroutine(Action):
    """Run ``coroutine(context, *args, **kwargs)``, without the context if `ignore_context`; shutdown cancels it."""

    def __init__(self, *, coroutine: Callable, args: Iterable[Any] | None = None,
                 kwargs: Mapping[str, Any] | None = None, ignore_context: bool = False, **left_over_kwargs) -> None:
        super().__init__(**left_over_kwargs)
        if not asyncio.iscoroutinefunction(coroutine):
            raise TypeError(f"OpaqueCoroutine: expected a coroutine function, got {coroutine!r}")
        self.__coroutine = coroutine
        self.__args = list(args) if args is not None else []
        self.__kwargs = dict(kwargs) if kwargs is not None else {}
        self.__ignore_context = ignore_context
        self.__future: asyncio.Future | None = None

    def execute(self, context) -> None:
        """Start the coroutine."""
        args = self.__args if self.__ignore_context else [context, *self.__args]
        self.__future = context.asyncio_loop.create_task(self.__coroutine(*args, **self.__kwargs))
        context.register_event_handler(OnShutdown(on_shutdown=self.__on_shutdown))

    def __on_shutdown(self, event, context) -> None:
        if self.__future is not None:
            self.__future.cancel()

    def get_asyncio_future(self) -> asyncio.Future | None:
        """The coroutine's task."""
        return self.__future
