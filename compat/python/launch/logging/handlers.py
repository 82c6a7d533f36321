"""Handlers whose format depends on the logger: processes' output stays bare, launch's own lines have a head."""

from __future__ import annotations

import logging
import sys


class FormatterPerLogger:
    """Mix-in for handlers: a formatter for some loggers, the handler's own for the rest."""

    __formatters: dict[str, logging.Formatter] | None = None

    def setFormatterFor(self, logger: logging.Logger, formatter: logging.Formatter) -> None:
        """Use `formatter` for the records of `logger`."""
        if self.__formatters is None:
            self.__formatters = {}
        self.__formatters[logger.name] = formatter

    def unsetFormatterFor(self, logger: logging.Logger) -> None:
        """Use the handler's own formatter for `logger` again."""
        (self.__formatters or {}).pop(logger.name, None)

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text."""
        formatter = (self.__formatters or {}).get(record.name)
        return formatter.format(record) if formatter is not None else super().format(record)  # type: ignore[misc]


class Handler(FormatterPerLogger, logging.Handler):
    """Base for handlers made by a `log_handler_factory`."""


class FileHandler(FormatterPerLogger, logging.FileHandler):
    """Writes to a file that is made when the first record comes."""

    def __init__(self, filename: str, encoding: str | None = None) -> None:
        super().__init__(filename, encoding=encoding or "utf-8", delay=True)


class ScreenHandler(FormatterPerLogger, logging.StreamHandler):
    """Writes to whatever is the standard output at the time; a reader that has gone away is no error."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self):
        """The standard output."""
        return sys.stdout

    @stream.setter
    def stream(self, value: object) -> None:
        """Ignored: the standard output is looked up at each use."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Keep silent about a closed pipe, terminal or stream; report the rest."""
        if not isinstance(sys.exc_info()[1], (OSError, ValueError)):
            super().handleError(record)
