"""The classes of process events."""

from __future__ import annotations

import signal
from collections.abc import Callable

from ...event import Event


class RunningProcessEvent(Event):
    """About one running process."""

    name = "launch.events.process.RunningProcessEvent"

    def __init__(self, *, action, name: str, cmd: list[str], cwd: str | None, env: dict[str, str] | None,
                 pid: int) -> None:
        self.__action = action
        self.__name = name
        self.__cmd = cmd
        self.__cwd = cwd
        self.__env = env
        self.__pid = pid

    @property
    def action(self):
        """The action that runs the process."""
        return self.__action

    @property
    def execute_process_action(self):
        """The action, under its former name."""
        return self.__action

    @property
    def process_name(self) -> str:
        """Unique name of the process."""
        return self.__name

    @property
    def cmd(self) -> list[str]:
        """Command line."""
        return self.__cmd

    @property
    def cwd(self) -> str | None:
        """Working directory, if set."""
        return self.__cwd

    @property
    def env(self) -> dict[str, str] | None:
        """Environment of the process."""
        return self.__env

    @property
    def pid(self) -> int:
        """Process id."""
        return self.__pid


class ProcessStarted(RunningProcessEvent):
    """The process has been started."""

    name = "launch.events.process.ProcessStarted"


class ProcessExited(RunningProcessEvent):
    """The process has ended; negative return codes are signals."""

    name = "launch.events.process.ProcessExited"

    def __init__(self, *, returncode: int, **kwargs) -> None:
        super().__init__(**kwargs)
        self.__returncode = returncode

    @property
    def returncode(self) -> int:
        """Exit code, or minus the number of the signal that ended the process."""
        return self.__returncode


class ProcessIO(RunningProcessEvent):
    """Bytes went through one of the process's standard streams."""

    name = "launch.events.process.ProcessIO"

    def __init__(self, *, text: bytes, fd: int, **kwargs) -> None:
        super().__init__(**kwargs)
        self.__text = text
        self.__fd = fd

    @property
    def text(self) -> bytes:
        """The bytes."""
        return self.__text

    @property
    def from_stdin(self) -> bool:
        """Whether it was sent to the standard input."""
        return self.__fd == 0

    @property
    def from_stdout(self) -> bool:
        """Whether it came from the standard output."""
        return self.__fd == 1

    @property
    def from_stderr(self) -> bool:
        """Whether it came from the standard error."""
        return self.__fd == 2


class ProcessStdin(ProcessIO):
    """Bytes to be written to the standard input."""

    name = "launch.events.process.ProcessStdin"

    def __init__(self, *, text: bytes, **kwargs) -> None:
        super().__init__(text=text, fd=0, **kwargs)


class ProcessStdout(ProcessIO):
    """Bytes from the standard output."""

    name = "launch.events.process.ProcessStdout"

    def __init__(self, *, text: bytes, **kwargs) -> None:
        super().__init__(text=text, fd=1, **kwargs)


class ProcessStderr(ProcessIO):
    """Bytes from the standard error."""

    name = "launch.events.process.ProcessStderr"

    def __init__(self, *, text: bytes, **kwargs) -> None:
        super().__init__(text=text, fd=2, **kwargs)


class ProcessTargetedEvent(Event):
    """Meant for the processes whose action `process_matcher` accepts."""

    name = "launch.events.process.ProcessTargetedEvent"

    def __init__(self, *, process_matcher: Callable) -> None:
        self.__process_matcher = process_matcher

    @property
    def process_matcher(self) -> Callable:
        """Predicate of an execute action."""
        return self.__process_matcher


class ShutdownProcess(ProcessTargetedEvent):
    """End the process: SIGINT, then SIGTERM, then SIGKILL."""

    name = "launch.events.process.ShutdownProcess"


class SignalProcess(ProcessTargetedEvent):
    """Send a signal to the process."""

    name = "launch.events.process.SignalProcess"

    def __init__(self, *, signal_number: int | str, process_matcher: Callable) -> None:
        super().__init__(process_matcher=process_matcher)
        self.__signal = (signal.Signals[signal_number] if isinstance(signal_number, str)
                         else signal.Signals(signal_number))

    @property
    def signal(self) -> signal.Signals:
        """The signal."""
        return self.__signal

    @property
    def signal_name(self) -> str:
        """Its name, as in 'SIGINT'."""
        return self.__signal.name
