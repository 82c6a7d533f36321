"""Run a process on this machine."""

from __future__ import annotations

import asyncio
import signal
import traceback
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from .. import _process_watch, logging
from .._subprocess import ChildProcess
from ..action import Action
from ..conditions import evaluate_condition_expression
from ..event import Event
from ..event_handler import EventHandler
from ..event_handlers import OnProcessExit, OnProcessIO, OnShutdown
from ..events import Shutdown
from ..events.process import (
    ProcessExited,
    ProcessIO,
    ProcessStarted,
    ProcessStderr,
    ProcessStdin,
    ProcessStdout,
    ShutdownProcess,
    SignalProcess,
)
from ..launch_description_entity import LaunchDescriptionEntity
from ..some_substitutions_type import SomeSubstitutionsType
from ..substitutions import LaunchConfiguration
from ..utilities import create_future, normalize_to_list_of_substitutions, perform_substitutions
from ..utilities.type_utils import normalize_typed_substitution, perform_typed_substitution
from ._line_output import LineOutput
from .opaque_function import OpaqueFunction
from .timer_action import TimerAction

if TYPE_CHECKING:
    from ..descriptions import Executable
    from ..launch_context import LaunchContext

_DEFAULT_SIGTERM_TIMEOUT = LaunchConfiguration("sigterm_timeout", default=5)
_DEFAULT_SIGKILL_TIMEOUT = LaunchConfiguration("sigkill_timeout", default=5)
_DEFAULT_FORMAT = "[{this.process_description.final_name}] {line}"


class ExecuteLocal(Action):
    """Run the process that an `Executable` describes.

    `shell` leaves the joined command line to a shell. `sigterm_timeout` and `sigkill_timeout` are the seconds after
    which a process that ignores SIGINT gets SIGTERM, and then SIGKILL; their defaults are the launch configurations
    of these names, else 5. `emulate_tty` (overridden by the launch configuration of that name) gives the process a
    terminal to write to. `output` says where its output goes (see `launch.logging.get_output_loggers`),
    `output_format` how a line looks; `cached_output` keeps it for `get_stdout`. `log_cmd` logs the command line.
    `on_exit` is an action, actions, or a function of (event, context). With `respawn` the process is started again
    whenever it ends, after `respawn_delay` seconds, at most `respawn_max_retries` times (-1: no limit).
    """

    def __init__(self, *, process_description: Executable, shell: bool = False,
                 sigterm_timeout: SomeSubstitutionsType = _DEFAULT_SIGTERM_TIMEOUT,
                 sigkill_timeout: SomeSubstitutionsType = _DEFAULT_SIGKILL_TIMEOUT,
                 emulate_tty: bool = False, output: SomeSubstitutionsType | dict = "log",
                 output_format: str = _DEFAULT_FORMAT, cached_output: bool = False, log_cmd: bool = False,
                 on_exit: Callable | LaunchDescriptionEntity | Iterable[LaunchDescriptionEntity] | None = None,
                 respawn: bool | SomeSubstitutionsType = False, respawn_delay: float | None = None,
                 respawn_max_retries: int = -1, **kwargs) -> None:
        super().__init__(**kwargs)
        self.__process_description = process_description
        self.__shell = shell
        self.__sigterm_timeout = normalize_to_list_of_substitutions(_as_text(sigterm_timeout))
        self.__sigkill_timeout = normalize_to_list_of_substitutions(_as_text(sigkill_timeout))
        self.__emulate_tty = emulate_tty
        self.__output = dict(output) if isinstance(output, dict) else normalize_to_list_of_substitutions(output)
        self.__output_format = output_format
        self.__cached_output = cached_output
        self.__log_cmd = log_cmd
        self.__on_exit = [on_exit] if isinstance(on_exit, LaunchDescriptionEntity) else on_exit
        self.__respawn = normalize_typed_substitution(respawn, bool)
        self.__respawn_delay = respawn_delay
        self.__respawn_max_retries = respawn_max_retries
        self.__respawn_retries = 0
        self.__process_event_args: dict[str, Any] | None = None
        self.__process: ChildProcess | None = None
        self.__completed_future: asyncio.Future | None = None
        self.__shutdown_future: asyncio.Future | None = None
        self.__sigterm_timer: TimerAction | None = None
        self.__sigkill_timer: TimerAction | None = None
        self.__outputs: dict[int, LineOutput] = {}
        self.__timeouts_s = (5.0, 5.0)
        self.__logger: Any = None

    # -- description ---------------------------------------------------------------------------------------------------

    @property
    def process_description(self) -> Executable:
        """What is run."""
        return self.__process_description

    @property
    def shell(self) -> bool:
        """Whether a shell gets the command line."""
        return self.__shell

    @property
    def emulate_tty(self) -> bool:
        """Whether the process writes to a terminal."""
        return self.__emulate_tty

    @property
    def output(self):
        """Output configuration."""
        return self.__output

    @property
    def sigterm_timeout(self):
        """Seconds from SIGINT to SIGTERM, as substitutions."""
        return self.__sigterm_timeout

    @property
    def sigkill_timeout(self):
        """Seconds from SIGTERM to SIGKILL, as substitutions."""
        return self.__sigkill_timeout

    @property
    def process_details(self) -> dict[str, Any] | None:
        """Name, command line, working directory, environment and process id, once executed."""
        return self.__process_event_args

    @property
    def return_code(self) -> int | None:
        """Exit code of the process, None as long as it runs."""
        return None if self.__process is None else self.__process.returncode

    def get_sub_entities(self) -> list[LaunchDescriptionEntity]:
        """The actions upon exit."""
        return list(self.__on_exit) if isinstance(self.__on_exit, Iterable) else []

    def get_stdout(self) -> str:
        """Cached standard output."""
        return self.__get_output(1)

    def get_stderr(self) -> str:
        """Cached standard error."""
        return self.__get_output(2)

    def __get_output(self, fd: int) -> str:
        if not self.__cached_output:
            raise RuntimeError("the output is only kept with cached_output=True")
        return self.__outputs[fd].text if fd in self.__outputs else ""

    def get_asyncio_future(self) -> asyncio.Future | None:
        """Done when the process has ended for good."""
        return self.__completed_future

    # -- execution -----------------------------------------------------------------------------------------------------

    def prepare(self, context: LaunchContext) -> None:
        """Perform the substitutions; subclasses add to the description before."""
        self.__process_description.prepare(context, self)

    def execute(self, context: LaunchContext) -> None:
        """Start the process (in the background) and whatever follows from its events."""
        self.prepare(context)
        description = self.__process_description
        name = description.final_name
        assert name is not None
        if self.__completed_future is not None:
            raise RuntimeError(f"ExecuteLocal action '{name}' was executed more than once")
        self.__process_event_args = {"action": self, "name": name, "cmd": description.final_cmd,
                                     "cwd": description.final_cwd, "env": description.final_env, "pid": -1}
        if context.is_shutdown:
            return
        assert context.asyncio_loop is not None
        self.__set_up_output(context, name)
        self.__shutdown_future = create_future(context.asyncio_loop)
        self.__completed_future = create_future(context.asyncio_loop)
        for handler in self.__make_event_handlers():
            context.register_event_handler(handler)
        # Performed here, while the launch configurations are those of this place.
        respawn = bool(perform_typed_substitution(context, self.__respawn, bool))
        if "emulate_tty" in context.launch_configurations:
            value = normalize_to_list_of_substitutions(context.launch_configurations["emulate_tty"])
            self.__emulate_tty = evaluate_condition_expression(context, value)
        self.__timeouts_s = (_seconds(context, self.__sigterm_timeout, "sigterm_timeout"),
                             _seconds(context, self.__sigkill_timeout, "sigkill_timeout"))
        context.asyncio_loop.create_task(self.__run(context, respawn))

    def __set_up_output(self, context: LaunchContext, name: str) -> None:
        self.__logger = logging.get_logger(name)
        output = (self.__output if isinstance(self.__output, dict)
                  else logging.default_output_format(perform_substitutions(context, self.__output)))
        loggers = logging.get_output_loggers(name, output)
        self.__outputs = {fd: LineOutput(logger, self.__output_format, {"this": self}, cached=self.__cached_output)
                          for fd, logger in zip((1, 2), loggers, strict=True)}

    def __make_event_handlers(self) -> list:
        def is_for_me(event_cls: type) -> Callable[[Event], bool]:
            return lambda event: isinstance(event, event_cls) and event.process_matcher(self)

        handlers = [
            EventHandler(matcher=is_for_me(ShutdownProcess),
                         entities=OpaqueFunction(function=self.__on_shutdown_process)),
            EventHandler(matcher=is_for_me(SignalProcess), entities=OpaqueFunction(function=self.__on_signal_process)),
            EventHandler(matcher=lambda event: isinstance(event, ProcessStdin) and event.action is self,
                         entities=OpaqueFunction(function=self.__on_process_stdin)),
            OnProcessIO(target_action=self, on_stdout=lambda event: self.__on_output(1, event),
                        on_stderr=lambda event: self.__on_output(2, event)),
            OnShutdown(on_shutdown=self.__on_shutdown),
        ]
        if self.__on_exit is not None:
            handlers.append(OnProcessExit(target_action=self, on_exit=self.__on_exit))
        handlers.append(OnProcessExit(target_action=self, on_exit=self.__flush))
        return handlers

    async def __run(self, context: LaunchContext, respawn: bool) -> None:
        """Run the process, again and again if it respawns, until it has ended for good."""
        try:
            while await self.__run_once(context) and respawn and self.__may_respawn(context):
                self.__respawn_retries += 1
                if self.__respawn_delay:
                    await asyncio.wait([self.__shutdown_future], timeout=self.__respawn_delay)
                # A shutdown during the delay (or queued by then) must not start another process.
                if context.is_shutdown or self.__shutdown_future.done():
                    break
        except Exception as error:
            self.__logger.error(f"exception occurred while running the process: {error!r}")
            self.__logger.debug(traceback.format_exc())
        finally:
            self.__clean_up(context)

    def __may_respawn(self, context: LaunchContext) -> bool:
        if context.is_shutdown or self.__shutdown_future.done():
            return False
        return self.__respawn_max_retries < 0 or self.__respawn_retries < self.__respawn_max_retries

    async def __run_once(self, context: LaunchContext) -> bool:
        """Run the process once; False if it could not be started."""
        details = self.__process_event_args
        assert details is not None
        assert self.__shutdown_future is not None
        if self.__shutdown_future.done():
            return False
        cmd = details["cmd"]
        if self.__log_cmd:
            self.__logger.info(f"process details: cmd='{' '.join(cmd)}', cwd='{details['cwd']}', "
                               f"custom_env?={'True' if self.__process_description.env is not None else 'False'}")
        # Without a terminal nobody but the launcher signals the process, so it can have its own group.
        own_group = context.noninteractive
        process = ChildProcess(lambda fd, data: self.__emit_output(context, fd, data))
        try:
            await process.start(cmd, cwd=details["cwd"], env=details["env"], shell=self.__shell,
                                emulate_tty=self.__emulate_tty, own_group=own_group)
        except OSError as error:
            self.__logger.error(f"could not start '{cmd[0]}': {error.strerror or error}"
                                + (f" (working directory '{details['cwd']}')" if details["cwd"] else ""))
            return False
        self.__process = process
        watched = -process.pid if own_group else process.pid
        _process_watch.watch(watched)
        self.__process_event_args = details = {**details, "pid": process.pid}
        await context.emit_event(ProcessStarted(**details))
        self.__logger.info(f"process started with pid [{process.pid}]")
        if self.__shutdown_future.done():
            # The launch was shut down while the process was being started.
            self.__end_process(context, send_sigint=True)
        returncode = await process.wait()
        _process_watch.unwatch(watched)
        if returncode == 0:
            self.__logger.info(f"process has finished cleanly [pid {process.pid}]")
        else:
            self.__logger.error(f"process has died [pid {process.pid}, exit code {returncode}, cmd '{' '.join(cmd)}'].")
        await context.emit_event(ProcessExited(returncode=returncode, **details))
        return True

    def __clean_up(self, context: LaunchContext) -> None:
        for timer in (self.__sigterm_timer, self.__sigkill_timer):
            if timer is not None:
                timer.cancel()
        for future in (self.__shutdown_future, self.__completed_future):
            if not future.done():
                future.set_result(None)

    # -- output --------------------------------------------------------------------------------------------------------

    def __emit_output(self, context: LaunchContext, fd: int, data: bytes) -> None:
        event_cls = ProcessStdout if fd == 1 else ProcessStderr
        context.emit_event_sync(event_cls(text=data, **self.__process_event_args))

    def __on_output(self, fd: int, event: ProcessIO) -> None:
        self.__outputs[fd].feed(event.text)

    def __flush(self, event: Event, context: LaunchContext) -> None:
        for output in self.__outputs.values():
            output.flush()

    # -- signals -------------------------------------------------------------------------------------------------------

    def __is_running(self) -> bool:
        return self.__process is not None and self.__process.returncode is None

    def __on_process_stdin(self, context: LaunchContext) -> None:
        if self.__is_running():
            self.__process.write(context.locals.event.text)

    def __on_signal_process(self, context: LaunchContext) -> None:
        self.__send_signal(context.locals.event.signal)

    def __on_shutdown_process(self, context: LaunchContext) -> None:
        self._shutdown_process(context, send_sigint=True)

    def __on_shutdown(self, event: Event, context: LaunchContext) -> None:
        assert isinstance(event, Shutdown)
        # After Ctrl-C in a terminal, the terminal has sent SIGINT to the whole foreground group already.
        self._shutdown_process(context, send_sigint=not event.due_to_sigint or context.noninteractive)

    def _shutdown_process(self, context: LaunchContext, *, send_sigint: bool) -> None:
        """Begin to end the process: SIGINT now, SIGTERM and SIGKILL if that doesn't help. Once only."""
        if self.__shutdown_future is None or self.__shutdown_future.done():
            return
        self.__shutdown_future.set_result(None)
        if self.__is_running():
            self.__end_process(context, send_sigint=send_sigint)

    def __end_process(self, context: LaunchContext, *, send_sigint: bool) -> None:
        if send_sigint:
            self.__send_signal(signal.SIGINT)
        sigterm_s, sigkill_s = self.__timeouts_s
        self.__sigterm_timer = self.__escalate(context, sigterm_s, signal.SIGINT, signal.SIGTERM, sigterm_s)
        self.__sigkill_timer = self.__escalate(context, sigterm_s + sigkill_s, signal.SIGTERM, signal.SIGKILL,
                                               sigkill_s)

    def __escalate(self, context: LaunchContext, delay_s: float, before: signal.Signals, then: signal.Signals,
                   waited_s: float) -> TimerAction:
        """Send `then` in `delay_s` seconds, if the process still runs."""
        def act(_: LaunchContext) -> None:
            if self.__is_running():
                self.__logger.error(f"process[{self.__process_event_args['name']}] failed to terminate '{waited_s:g}' "
                                    f"seconds after receiving '{before.name}', escalating to '{then.name}'")
                self.__send_signal(then)

        timer = TimerAction(period=delay_s, actions=[OpaqueFunction(function=act)], cancel_on_shutdown=False)
        timer.execute(context)
        return timer

    def __send_signal(self, signum: signal.Signals) -> None:
        name = self.__process_event_args["name"] if self.__process_event_args else self.__process_description.name
        if not self.__is_running():
            self.__logger.debug(f"signal '{signum.name}' not sent to '{name}' because it is not running")
            return
        self.__logger.info(f"sending signal '{signum.name}' to process[{name}]")
        try:
            self.__process.send_signal(signum)
        except ProcessLookupError:
            self.__logger.debug(f"signal '{signum.name}' not sent to '{name}' because it has just ended")


def _as_text(value):
    return str(value) if isinstance(value, (int, float)) else value


def _seconds(context: LaunchContext, value: list, what: str) -> float:
    text = perform_substitutions(context, value)
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if seconds < 0:
        raise ValueError(f"{what} must be a number of seconds, got '{text}'")
    return seconds
