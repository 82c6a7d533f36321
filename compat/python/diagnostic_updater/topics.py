"""Tasks for what is published: its rate, and the age of its stamps."""

from __future__ import annotations

from typing import Any

from diagnostic_updater.tasks import (
    CompositeDiagnosticTask,
    FrequencyStatus,
    FrequencyStatusParam,
    TimeStampStatus,
    TimeStampStatusParam,
)
from diagnostic_updater.updater import DiagnosticTaskVector


class HeaderlessTopicDiagnostic(CompositeDiagnosticTask):
    """The rate of a topic; it adds itself to the updater."""

    def __init__(self, name: str, diag: DiagnosticTaskVector, freq: FrequencyStatusParam) -> None:
        super().__init__(name + " topic status")
        self.diag = diag
        self.freq = FrequencyStatus(freq)
        self.addTask(self.freq)
        diag.add(self)

    def tick(self) -> None:
        """Count one message."""
        self.freq.tick()

    def clear_window(self) -> None:
        """Forget what was counted."""
        self.freq.clear()


class TopicDiagnostic(HeaderlessTopicDiagnostic):
    """The rate of a topic and the age of its messages."""

    def __init__(self, name: str, diag: DiagnosticTaskVector, freq: FrequencyStatusParam,
                 stamp: TimeStampStatusParam) -> None:
        super().__init__(name, diag, freq)
        node = getattr(diag, "node", None)
        self.stamp = TimeStampStatus(stamp, clock=node.get_clock() if node else None)
        self.addTask(self.stamp)

    def tick(self, stamp: Any) -> None:
        """Count one message by its stamp."""
        self.stamp.tick(stamp)
        super().tick()


class DiagnosedPublisher(TopicDiagnostic):
    """A publisher of messages with a header whose rate and stamps are watched."""

    def __init__(self, pub: Any, diag: DiagnosticTaskVector, freq: FrequencyStatusParam,
                 stamp: TimeStampStatusParam) -> None:
        super().__init__(pub.topic_name, diag, freq, stamp)
        self.publisher = pub

    def publish(self, message: Any) -> None:
        """Publish and count a message."""
        self.tick(message.header.stamp)
        self.publisher.publish(message)
