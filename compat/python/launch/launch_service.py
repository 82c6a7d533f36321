"""The launch service: visits descriptions, handles events, until nothing is left to do or it is told to stop."""

from __future__ import annotations

import asyncio
import collections.abc
import signal
import threading
import traceback
from collections.abc import Iterable

from . import logging
from .event import Event
from .event_handlers import OnIncludeLaunchDescription, OnShutdown
from .events import IncludeLaunchDescription, Shutdown
from .launch_context import LaunchContext
from .launch_description import LaunchDescription
from .launch_description_entity import LaunchDescriptionEntity
from .utilities import AsyncSafeSignalManager, visit_all_entities_and_collect_futures
from .utilities.create_futures import get_loop

_SHUTDOWN_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP)


class LaunchService:
    """Runs launch descriptions.

    `argv` is what launch files see as the context's arguments. `noninteractive` says that no terminal passes Ctrl-C
    to the processes, so that the service signals them itself. `debug` logs more.
    """

    def __init__(self, *, argv: Iterable[str] | None = None, noninteractive: bool = False, debug: bool = False) -> None:
        self.__context = LaunchContext(argv=argv, noninteractive=noninteractive)
        self.__context.register_event_handler(OnIncludeLaunchDescription())
        self.__context.register_event_handler(OnShutdown(on_shutdown=self.__on_shutdown))
        if debug:
            logging.launch_config.level = "DEBUG"
        self.__debug = debug
        self.__logger = logging.get_logger("launch")
        self.__lock = threading.RLock()
        self.__loop: asyncio.AbstractEventLoop | None = None
        self.__is_shutdown_requested = False
        self.__pending: list[tuple[LaunchDescriptionEntity, asyncio.Future]] = []
        self.__wake_up: asyncio.Event | None = None
        self.__return_code = 0

    @property
    def context(self) -> LaunchContext:
        """The context entities are visited in."""
        return self.__context

    @property
    def event_loop(self) -> asyncio.AbstractEventLoop | None:
        """The loop while the service runs, else None."""
        return self.__loop

    @property
    def task(self) -> asyncio.Task | None:
        """The task that runs the service (kept for compatibility; None: the service makes no task of its own)."""
        return None

    def emit_event(self, event: Event) -> None:
        """Queue an event; from any thread."""
        with self.__lock:
            if self.__loop is not None:
                self.__loop.call_soon_threadsafe(self.__context.emit_event_sync, event)
            else:
                self.__context.emit_event_sync(event)

    def include_launch_description(self, launch_description: LaunchDescription) -> None:
        """Have the description visited once the service runs."""
        self.emit_event(IncludeLaunchDescription(launch_description))

    def run(self, *, shutdown_when_idle: bool = True) -> int:
        """Run until shut down, or (by default) until nothing is left to do; return 0, or 1 if an error ended it.

        In the main thread, SIGINT, SIGTERM, SIGQUIT and SIGHUP shut the launch down.
        """
        loop = get_loop()
        task = loop.create_task(self.run_async(shutdown_when_idle=shutdown_when_idle))
        while True:
            try:
                return loop.run_until_complete(task)
            except KeyboardInterrupt:
                # Only when another signal handler than ours was in place: treat it as Ctrl-C all the same.
                self.__on_signal(signal.SIGINT)

    async def run_async(self, *, shutdown_when_idle: bool = True) -> int:
        """As `run`, in the running loop."""
        loop = asyncio.get_running_loop()
        with self.__lock:
            if self.__loop is not None:
                raise RuntimeError("the launch service is running already")
            self.__loop = loop
        self.__is_shutdown_requested = False
        self.__return_code = 0
        self.__context._set_asyncio_loop(loop)
        self.__context._set_is_shutdown(False)
        try:
            with self.__signals(loop):
                await self.__process_until_done(shutdown_when_idle)
            return self.__return_code
        finally:
            with self.__lock:
                self.__loop = None
            self.__context._set_asyncio_loop(None)

    def shutdown(self, force_sync: bool = False) -> collections.abc.Coroutine:
        """Have the launch shut down; from any thread, and also before it runs. The result may be awaited or ignored."""
        self.__request_shutdown("LaunchService.shutdown() called")
        return _Done()

    # -- events --------------------------------------------------------------------------------------------------------

    async def __process_until_done(self, shutdown_when_idle: bool) -> None:
        while True:
            event = await self.__next_event()
            if event is not None:
                self.__process(event)
            elif self.__context.is_shutdown:
                return
            elif shutdown_when_idle and not self.__is_shutdown_requested:
                self.__request_shutdown("idle")
            else:
                # Asked not to stop when idle: wait for what comes from outside.
                await asyncio.sleep(0.05)

    async def __next_event(self) -> Event | None:
        """Return the next event, waiting as long as something runs that may emit one; None when idle."""
        queue = self.__context._event_queue
        while queue.empty():
            futures = self.__pending_futures()
            if not futures:
                # What was passed on by call_soon_threadsafe has not been queued yet.
                await asyncio.sleep(0)
                if queue.empty() and not self.__pending_futures():
                    return None
                continue
            getter = asyncio.ensure_future(queue.get())
            try:
                await asyncio.wait([getter, *futures], return_when=asyncio.FIRST_COMPLETED)
                if getter.done():
                    return getter.result()
            finally:
                getter.cancel()
        return queue.get_nowait()

    def __pending_futures(self) -> list[asyncio.Future]:
        context_futures = self.__context._completion_futures
        context_futures[:] = [future for future in context_futures if not future.done()]
        still_pending = []
        for entity, future in self.__pending:
            if not future.done():
                still_pending.append((entity, future))
            elif not future.cancelled() and future.exception() is not None:
                self.__report(future.exception())
        self.__pending = still_pending
        return [future for _, future in still_pending] + list(context_futures)

    def __process(self, event: Event) -> None:
        for handler in tuple(self.__context._event_handlers):
            # A handler may have been taken out by the one before it.
            if handler not in self.__context._event_handlers:
                continue
            try:
                if not handler.matches(event):
                    continue
                self.__visit(handler.handle(event, self.__context))
            except Exception as error:
                self.__report(error)
                return

    def __visit(self, entities) -> None:
        if entities is None:
            return
        for entity in entities if isinstance(entities, collections.abc.Iterable) else (entities,):
            self.__pending += visit_all_entities_and_collect_futures(entity, self.__context)

    def __report(self, error: BaseException) -> None:
        """Tell what went wrong in a launch description and shut down."""
        self.__return_code = 1
        trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        self.__logger.debug(trace)
        self.__logger.error(f"Caught exception in launch (see debug for traceback): {_describe(error)}")
        self.__request_shutdown("launch was terminated by an exception")

    # -- shutdown ------------------------------------------------------------------------------------------------------

    def __request_shutdown(self, reason: str, *, due_to_sigint: bool = False) -> None:
        with self.__lock:
            if self.__is_shutdown_requested and self.__loop is not None:
                return
            self.__is_shutdown_requested = True
            self.emit_event(Shutdown(reason=reason, due_to_sigint=due_to_sigint))

    def __on_shutdown(self, event: Event, context: LaunchContext) -> None:
        self.__is_shutdown_requested = True
        context._set_is_shutdown(True)

    # -- signals -------------------------------------------------------------------------------------------------------

    def __signals(self, loop: asyncio.AbstractEventLoop) -> AsyncSafeSignalManager:
        manager = AsyncSafeSignalManager(loop)
        if threading.current_thread() is threading.main_thread():
            for signum in _SHUTDOWN_SIGNALS:
                # nohup and the like ignore a signal for good reason.
                if signal.getsignal(signum) != signal.SIG_IGN or signum == signal.SIGINT:
                    manager.handle(signum, self.__on_signal)
            return manager
        return _NoSignals(loop)

    def __on_signal(self, signum: signal.Signals) -> None:
        if signum == signal.SIGINT:
            text = "user interrupted with ctrl-c (SIGINT)"
            if self.__is_shutdown_requested:
                self.__logger.warning(f"{text} again, ignoring...")
                return
            self.__logger.warning(text)
            self.__request_shutdown("ctrl-c (SIGINT)", due_to_sigint=True)
        elif not self.__is_shutdown_requested:
            self.__logger.warning(f"got {signum.name}, shutting down")
            self.__request_shutdown(signum.name)


class _Done(collections.abc.Coroutine):
    """Something to await that is done already, and does not mind if nobody does."""

    def send(self, value: object) -> None:
        raise StopIteration

    def throw(self, typ, value=None, traceback=None) -> None:
        raise value if value is not None else typ

    def close(self) -> None:
        pass

    def __await__(self):
        return iter(())


class _NoSignals(AsyncSafeSignalManager):
    """Stands in where signals can't be handled: outside of the main thread."""

    def __enter__(self) -> _NoSignals:
        return self

    def __exit__(self, *exc_info: object) -> None:
        pass


def _describe(error: BaseException) -> str:
    text = str(error)
    if not text:
        return repr(error)
    return text if isinstance(error, RuntimeError) else f"{type(error).__name__}: {text}"
