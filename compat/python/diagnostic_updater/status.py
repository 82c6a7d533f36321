"""A status message that is convenient to fill in."""

from __future__ import annotations

from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue


class DiagnosticStatusWrapper(DiagnosticStatus):
    """`DiagnosticStatus` with summaries that can be merged; levels are bytes, as in the message."""

    def summary(self, *args: Any) -> None:
        """Set level and message: from a level and a text, or from another status."""
        self.level, self.message = _level_and_text(args)

    def clearSummary(self) -> None:
        """Set the level to OK and the message to nothing."""
        self.summary(DiagnosticStatus.OK, "")

    def mergeSummary(self, *args: Any) -> None:
        """Take the worse level. Messages are joined, but what is OK says nothing beside what is not."""
        level, text = _level_and_text(args)
        ok = DiagnosticStatus.OK
        if (level > ok) == (self.level > ok):
            self.message = "; ".join(part for part in (self.message, text) if part)
        elif level > self.level:
            self.message = text
        self.level = max(self.level, level)

    def add(self, key: str, value: Any) -> None:
        """Add a value, as text."""
        self.values.append(KeyValue(key=key, value=str(value)))


def _level_and_text(args: tuple[Any, ...]) -> tuple[bytes, str]:
    if len(args) == 1:
        return args[0].level, args[0].message
    level, text = args
    return level, text
