"""Events of and for processes. Targeted events carry a matcher that picks the processes meant."""

from ..matchers import matches_executable, matches_name, matches_pid
from .process_events import (
    ProcessExited,
    ProcessIO,
    ProcessStarted,
    ProcessStderr,
    ProcessStdin,
    ProcessStdout,
    ProcessTargetedEvent,
    RunningProcessEvent,
    ShutdownProcess,
    SignalProcess,
)

__all__ = [
    "ProcessExited", "ProcessIO", "ProcessStarted", "ProcessStderr", "ProcessStdin", "ProcessStdout",
    "ProcessTargetedEvent", "RunningProcessEvent", "ShutdownProcess", "SignalProcess", "matches_executable",
    "matches_name", "matches_pid",
]
