"""End the launch."""

from __future__ import annotations

from ..events import Shutdown as ShutdownEvent
from .emit_event import EmitEvent


class Shutdown(EmitEvent):
    """Emit a `Shutdown` event, naming the process if one that ended is why."""

    def __init__(self, *, reason: str = "reason not given", **kwargs) -> None:
        super().__init__(event=ShutdownEvent(reason=reason), **kwargs)

    def execute(self, context) -> None:
        """Queue the event; say which process was required."""
        from ..events.process import ProcessExited
        event = context.get_locals_as_dict().get("event")
        if isinstance(event, ProcessExited):
            from .. import logging
            logging.get_logger("launch").info(
                f"process[{event.process_name}] was required: shutting down launched system")
        super().execute(context)
