"""When a process reads or writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..events.process import ProcessIO
from ..some_entities_type import SomeEntitiesType
from .on_action_event_base import OnActionEventBase

if TYPE_CHECKING:
    from ..launch_context import LaunchContext


class OnProcessIO(OnActionEventBase):
    """Calls a function of the `ProcessIO` event for the stream it went through; the function may return entities."""

    def __init__(self, *, target_action=None, on_stdin: Callable | None = None, on_stdout: Callable | None = None,
                 on_stderr: Callable | None = None, **kwargs) -> None:
        from ..actions import ExecuteLocal
        self.__on_stdin = on_stdin
        self.__on_stdout = on_stdout
        self.__on_stderr = on_stderr
        super().__init__(action_matcher=target_action, on_event=self.__dispatch, target_event_cls=ProcessIO,
                         target_action_cls=ExecuteLocal, **kwargs)

    def __dispatch(self, event: ProcessIO, context: LaunchContext) -> SomeEntitiesType | None:
        function = self.__on_stdout if event.from_stdout else self.__on_stdin
        if event.from_stderr:
            function = self.__on_stderr
        return function(event) if function is not None else None
