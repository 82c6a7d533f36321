"""Do something later."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from ..action import Action
from ..event_handler import EventHandler
from ..events import Shutdown, TimerEvent
from ..launch_description_entity import LaunchDescriptionEntity
from ..some_substitutions_type import SomeSubstitutionsType
from ..utilities import create_future, normalize_to_list_of_substitutions, perform_substitutions


class TimerAction(Action):
    """Execute `actions` once `period` seconds (a number, or a text of one) have passed.

    Shutdown cancels it unless `cancel_on_shutdown` is off. The actions are executed outside of any `GroupAction`
    around.
    """

    def __init__(self, *, period: float | SomeSubstitutionsType, actions: Iterable[LaunchDescriptionEntity],
                 cancel_on_shutdown: bool | SomeSubstitutionsType = True, **kwargs) -> None:
        super().__init__(**kwargs)
        is_number = isinstance(period, (int, float))
        self.__period = normalize_to_list_of_substitutions(str(period) if is_number else period)
        self.__actions = list(actions)
        flag = cancel_on_shutdown
        self.__cancel_on_shutdown = normalize_to_list_of_substitutions(str(flag) if isinstance(flag, bool) else flag)
        self.__canceled = False
        self.__future: asyncio.Future | None = None
        self.__canceled_future: asyncio.Future | None = None

    @property
    def period(self):
        """Seconds to wait, as substitutions."""
        return self.__period

    @property
    def actions(self) -> list[LaunchDescriptionEntity]:
        """What is executed."""
        return self.__actions

    def describe(self) -> str:
        """One-line description for people."""
        return f"TimerAction(period={' + '.join(s.describe() for s in self.__period)})"

    def describe_conditional_sub_entities(self):
        """The actions, conditional on the time passing."""
        return [(f"after {' + '.join(s.describe() for s in self.__period)} seconds have elapsed", self.__actions)]

    def cancel(self) -> None:
        """Do not execute the actions any more; no effect once they have been."""
        self.__canceled = True
        if self.__canceled_future is not None and not self.__canceled_future.done():
            self.__canceled_future.set_result(True)

    def handle(self, context) -> list[LaunchDescriptionEntity]:
        """Return the actions, with `context` at hand for subclasses."""
        context.extend_locals({"timer_action": self})
        return self.__actions

    def get_asyncio_future(self) -> asyncio.Future | None:
        """Done when the time has passed or the timer is cancelled."""
        return self.__future

    def execute(self, context) -> None:
        """Start the timer."""
        if self.__canceled:
            return
        from ..conditions import evaluate_condition_expression
        period = self._period_seconds(context)
        if self.__canceled_future is None:
            self.__canceled_future = create_future(context.asyncio_loop)
        context.register_event_handler(EventHandler(
            matcher=lambda event: isinstance(event, TimerEvent) and event.timer_action is self,
            entities=_Handle(self), handle_once=True))
        if evaluate_condition_expression(context, self.__cancel_on_shutdown):
            context.register_event_handler(_CancelOnShutdown(self))
        self.__future = create_future(context.asyncio_loop)
        context.asyncio_loop.create_task(self.__run(context, period))

    def _period_seconds(self, context) -> float:
        text = perform_substitutions(context, self.__period)
        try:
            return float(text)
        except ValueError:
            raise ValueError(f"TimerAction: the period must be a number of seconds, got '{text}'") from None

    async def _wait(self, context, period: float, canceled: asyncio.Future) -> None:
        """Return when the time has passed or `canceled` is done; subclasses wait on other clocks."""
        await asyncio.wait([canceled], timeout=period)

    async def __run(self, context, period: float) -> None:
        assert self.__canceled_future is not None
        assert self.__future is not None
        try:
            await self._wait(context, period, self.__canceled_future)
            if not self.__canceled_future.done():
                await context.emit_event(TimerEvent(timer_action=self))
        finally:
            if not self.__future.done():
                self.__future.set_result(None)


class _Handle(Action):
    """Executes a timer's actions."""

    def __init__(self, timer: TimerAction) -> None:
        super().__init__()
        self.__timer = timer

    def execute(self, context) -> list[LaunchDescriptionEntity]:
        """Return the timer's actions."""
        return self.__timer.handle(context)


class _CancelOnShutdown(EventHandler):
    """Cancels a timer upon shutdown."""

    def __init__(self, timer: TimerAction) -> None:
        super().__init__(matcher=lambda event: isinstance(event, Shutdown), handle_once=True)
        self.__timer = timer

    def handle(self, event, context):
        """Cancel the timer."""
        super().handle(event, context)
        self.__timer.cancel()
        return []
