"""Logging of a launch: launch's own lines, and the output of its processes, on the screen and in files."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping

from . import handlers
from .config import LaunchConfig
from .config import make_unique_log_dir as _make_unique_log_dir  # noqa: F401 (upstream's tests replace it here)
from .config import renew_latest_log_dir as _renew_latest_log_dir  # noqa: F401

__all__ = [
    "LaunchConfig", "get_logger", "get_output_loggers", "handlers", "launch_config", "log_launch_config", "reset",
]

_SOURCES = ("stdout", "stderr", "both")
_SINKS = ("screen", "log", "own_log")
_ALIASES: dict[str, dict[str, set[str]]] = {
    "screen": {"both": {"screen"}},
    "log": {"both": {"log"}, "stderr": {"screen"}},
    "both": {"both": {"log", "screen"}},
    "own_log": {"both": {"own_log"}, "stdout": {"own_log"}, "stderr": {"own_log"}},
    "full": {"both": {"screen", "log", "own_log"}, "stdout": {"own_log"}, "stderr": {"own_log"}},
}


#: A tree of loggers apart from the program's, so that neither touches the other's handlers and levels.
_manager = logging.Manager(logging.RootLogger(logging.INFO))
_manager.setLoggerClass(logging.Logger)


def root_logger() -> logging.Logger:
    """The logger that carries the level of all the others."""
    return _manager.root


launch_config = LaunchConfig()


def reset() -> None:
    """Forget all loggers' handlers and levels, and the configuration."""
    for logger in _manager.loggerDict.values():
        if isinstance(logger, logging.Logger):
            logger.handlers.clear()
            logger.setLevel(logging.NOTSET)
    launch_config.reset()
    launch_config.level = logging.INFO


def get_logger(name: str | None = None) -> logging.Logger:
    """Return the logger of that name, which writes to the screen and to the main log file."""
    logger = _manager.getLogger(name) if name else _manager.root
    logger.propagate = False
    for handler in (launch_config.get_screen_handler(), launch_config.get_log_file_handler()):
        if handler not in logger.handlers:
            logger.addHandler(handler)
    return logger


def get_output_loggers(process_name: str, output_config: str | Mapping[str, Iterable[str]],
                       main_log_file_name: str = "launch.log") -> tuple[logging.Logger, logging.Logger]:
    """Return the loggers for the standard output and error of a process.

    `output_config` is 'screen', 'log' (output to the log file, errors to the screen too), 'both', 'own_log' (a file
    of its own for each stream and for both), 'full' (all of it), or maps 'stdout', 'stderr', 'both' to sets of
    'screen', 'log', 'own_log'.
    """
    sinks = _normalize_output_config(output_config)
    loggers = {}
    for source in _SOURCES:
        logger = loggers[source] = _manager.getLogger(f"{process_name}-{source}" if source != "both" else
                                                      f"{process_name}-stdout-stderr")
        logger.propagate = False
        logger.setLevel(logging.DEBUG)
        logger.handlers.clear()
    for source in ("stdout", "stderr"):
        for sink in ("screen", "log"):
            if sink in sinks[source] | sinks["both"]:
                _add_shared(loggers[source], sink, main_log_file_name)
        if "own_log" in sinks[source]:
            _add_own(loggers[source], f"{process_name}-{source}.log")
        if "own_log" in sinks["both"]:
            _add_own(loggers[source], f"{process_name}.log")
    return loggers["stdout"], loggers["stderr"]


def _add_shared(logger: logging.Logger, sink: str, main_log_file_name: str) -> None:
    if sink == "screen":
        handler: logging.Handler = launch_config.get_screen_handler()
        formatter = launch_config.screen_output_formatter
    else:
        handler = launch_config.get_log_file_handler(main_log_file_name)
        formatter = launch_config.log_output_formatter
    handler.setFormatterFor(logger, formatter)  # type: ignore[attr-defined]
    logger.addHandler(handler)


def _add_own(logger: logging.Logger, file_name: str) -> None:
    handler = launch_config.get_log_file_handler(file_name)
    handler.setFormatter(logging.Formatter("{message}", style="{"))
    logger.addHandler(handler)


def _normalize_output_config(config: str | Mapping[str, Iterable[str]]) -> dict[str, set[str]]:
    if isinstance(config, str):
        if config not in _ALIASES:
            raise ValueError(f"'{config}' is not a known output configuration: expected one of {', '.join(_ALIASES)}")
        config = _ALIASES[config]
    result: dict[str, set[str]] = {source: set() for source in _SOURCES}
    for source, sinks in config.items():
        wanted = {sinks} if isinstance(sinks, str) else set(sinks)
        if source not in _SOURCES or not wanted <= set(_SINKS):
            raise ValueError(f"output configuration {dict(config)}: expected {', '.join(_SOURCES)} with sets of "
                             f"{', '.join(_SINKS)}")
        result[source] = wanted
    return result


def log_launch_config(*, logger: logging.Logger | None = None) -> None:
    """Log where the log files are and the level."""
    logger = logger or get_logger("launch")
    logger.info(f"All log files can be found below {launch_config.log_dir}")
    logger.info(f"Default logging verbosity is set to {logging.getLevelName(launch_config.level)}")


def default_output_format(default: str) -> str:
    """Return the output configuration that the environment imposes on all processes, or `default`."""
    return os.environ.get("OVERRIDE_LAUNCH_PROCESS_OUTPUT") or default
