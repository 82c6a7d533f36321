"""Stand-in for diagnostic_updater: tasks that fill in a status, and an updater that publishes them on /diagnostics."""

from diagnostic_updater.status import DiagnosticStatusWrapper
from diagnostic_updater.tasks import (
    CompositeDiagnosticTask,
    DiagnosticTask,
    FrequencyStatus,
    FrequencyStatusParam,
    FunctionDiagnosticTask,
    Heartbeat,
    TimeStampStatus,
    TimeStampStatusParam,
)
from diagnostic_updater.topics import DiagnosedPublisher, HeaderlessTopicDiagnostic, TopicDiagnostic
from diagnostic_updater.updater import DiagnosticTaskVector, Updater

__standin__ = True

__all__ = [
    "CompositeDiagnosticTask",
    "DiagnosedPublisher",
    "DiagnosticStatusWrapper",
    "DiagnosticTask",
    "DiagnosticTaskVector",
    "FrequencyStatus",
    "FrequencyStatusParam",
    "FunctionDiagnosticTask",
    "HeaderlessTopicDiagnostic",
    "Heartbeat",
    "TimeStampStatus",
    "TimeStampStatusParam",
    "TopicDiagnostic",
    "Updater",
]
