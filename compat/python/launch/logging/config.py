"""Where log files go and how lines look."""

from __future__ import annotations

import datetime
import logging
import os
import socket
from collections.abc import Callable
from pathlib import Path

from . import handlers

_STYLES: dict[str, type[logging.PercentStyle]] = {
    "%": logging.PercentStyle, "{": logging.StrFormatStyle, "$": logging.StringTemplateStyle}
_PLAIN = "{message}"
_WITH_HEAD = "[{levelname}] [{name}]: {message}"
_SCREEN_FORMATS = {"default": _WITH_HEAD, "default_with_timestamp": "{created:.7f} " + _WITH_HEAD}
_LOG_FORMAT = "{created:.7f} " + _WITH_HEAD


class LaunchConfig:
    """State of launch's logging: level, folder, formats and the handlers shared by all loggers."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget everything; close the files."""
        for handler in getattr(self, "_file_handlers", {}).values():
            handler.close()
        self._level = logging.INFO
        self._log_dir: str | None = None
        self._file_handlers: dict[str, logging.Handler] = {}
        self._screen_handler: handlers.ScreenHandler | None = None
        self.log_handler_factory: Callable = lambda path, encoding=None: handlers.FileHandler(path, encoding=encoding)
        self._screen_formatters = self._log_formatters = (logging.Formatter(), logging.Formatter())
        self.set_screen_format("default")
        self.set_log_format("default")

    @property
    def level(self) -> int:
        """Level of loggers that set none."""
        return self._level

    @level.setter
    def level(self, level: int | str) -> None:
        self._level = logging.getLevelName(level) if isinstance(level, str) else level
        from . import root_logger
        root_logger().setLevel(self._level)

    # -- folder --------------------------------------------------------------------------------------------------------

    @property
    def log_dir(self) -> str:
        """Folder of this launch's log files, made at the first call; linked as ``latest`` beside it."""
        if self._log_dir is None:
            self._log_dir = _new_log_dir()
        return self._log_dir

    @log_dir.setter
    def log_dir(self, path: str | None) -> None:
        if path is not None and not os.path.isdir(path):
            raise ValueError(f"log folder '{path}' does not exist")
        self._log_dir = path

    def get_log_file_path(self, file_name: str = "launch.log") -> str:
        """Path of a log file of this launch."""
        return os.path.join(self.log_dir, file_name)

    # -- formats -------------------------------------------------------------------------------------------------------

    def set_screen_format(self, screen_format: str, *, screen_style: str | None = None) -> None:
        """Set how lines look on the screen: 'default', 'default_with_timestamp' or a format in `screen_style`."""
        screen_format = os.environ.get("OVERRIDE_LAUNCH_SCREEN_FORMAT") or screen_format
        if screen_format in _SCREEN_FORMATS:
            if screen_style is not None:
                raise ValueError("a screen style can only be given with a format of your own")
            plain = "{created:.7f} " + _PLAIN if screen_format == "default_with_timestamp" else _PLAIN
            self._screen_formatters = _formatter(_SCREEN_FORMATS[screen_format]), _formatter(plain)
        else:
            self._screen_formatters = (_formatter(screen_format, screen_style),) * 2
        if self._screen_handler is not None:
            self._screen_handler.setFormatter(self._screen_formatters[0])

    def set_log_format(self, log_format: str, *, log_style: str | None = None) -> None:
        """Set how lines look in the main log file: 'default' or a format in `log_style` ({, %, $)."""
        log_format = os.environ.get("OVERRIDE_LAUNCH_LOG_FORMAT") or log_format
        if log_format == "default":
            if log_style is not None:
                raise ValueError("a log style can only be given with a format of your own")
            self._log_formatters = _formatter(_LOG_FORMAT), _formatter("{created:.7f} " + _PLAIN)
        else:
            self._log_formatters = (_formatter(log_format, log_style),) * 2
        for handler in self._file_handlers.values():
            handler.setFormatter(self._log_formatters[0])

    @property
    def screen_formatter(self) -> logging.Formatter:
        """Formatter of launch's lines on the screen."""
        return self._screen_formatters[0]

    @property
    def screen_output_formatter(self) -> logging.Formatter:
        """Formatter of processes' output on the screen."""
        return self._screen_formatters[1]

    @property
    def log_output_formatter(self) -> logging.Formatter:
        """Formatter of processes' output in the main log file."""
        return self._log_formatters[1]

    # -- handlers ------------------------------------------------------------------------------------------------------

    def get_screen_handler(self) -> handlers.ScreenHandler:
        """The handler that writes to the screen."""
        if self._screen_handler is None:
            self._screen_handler = handlers.ScreenHandler()
            self._screen_handler.setFormatter(self.screen_formatter)
        return self._screen_handler

    def get_log_file_handler(self, file_name: str = "launch.log") -> logging.Handler:
        """The handler that writes to that file of the log folder."""
        if file_name not in self._file_handlers:
            handler = self.log_handler_factory(self.get_log_file_path(file_name), encoding="utf-8")
            handler.setFormatter(self._log_formatters[0])
            self._file_handlers[file_name] = handler
        return self._file_handlers[file_name]


def _formatter(text: str, style: str | None = None) -> logging.Formatter:
    style = style or "{"
    if style not in _STYLES:
        raise ValueError(f"unknown style '{style}': expected one of {', '.join(_STYLES)}")
    return logging.Formatter(text, style=style)  # type: ignore[arg-type]


def _new_log_dir() -> str:
    from . import _make_unique_log_dir, _renew_latest_log_dir
    log_dir = _make_unique_log_dir(base_path=_base_log_dir())
    _renew_latest_log_dir(log_dir=log_dir)
    return log_dir


def _base_log_dir() -> str:
    if os.environ.get("ROS_LOG_DIR"):
        return str(Path(os.environ["ROS_LOG_DIR"]).expanduser())
    home = os.environ.get("ROS_HOME") or os.path.join("~", ".ros")
    return str(Path(home).expanduser() / "log")


def make_unique_log_dir(*, base_path: str) -> str:
    """Make and return a folder in `base_path` named after the time, host and process."""
    while True:
        stamp = datetime.datetime.now().strftime("%Y-%m-%d-%H-%M-%S-%f")
        log_dir = os.path.join(base_path, f"{stamp}-{socket.gethostname()}-{os.getpid()}")
        try:
            os.makedirs(log_dir)
        except FileExistsError:
            continue
        return log_dir


def renew_latest_log_dir(*, log_dir: str) -> bool:
    """Point the link ``latest`` beside `log_dir` at it; return whether that worked."""
    link = os.path.join(os.path.dirname(log_dir), "latest")
    temporary = f"{link}.{os.getpid()}"
    try:
        os.symlink(log_dir, temporary)
        os.replace(temporary, link)
    except OSError:
        return False
    return True
