"""Pass a process's output on line by line."""

from __future__ import annotations

import codecs
import logging


class LineOutput:
    """Logs complete lines as `output_format`, keeps all the text if `cached`."""

    def __init__(self, logger: logging.Logger, output_format: str, fields: dict, *, cached: bool) -> None:
        self._logger = logger
        self._format = output_format
        self._fields = fields
        self._cached = cached
        # Bytes may be cut in the middle of a character.
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._partial = ""
        self.text = ""

    def feed(self, data: bytes) -> None:
        """Take bytes; log the lines they complete."""
        text = self._decoder.decode(data)
        if self._cached:
            self.text += text
        *lines, self._partial = (self._partial + text).split("\n")
        for line in lines:
            self._log(line)

    def flush(self) -> None:
        """Log what is left without a line's end."""
        if self._partial:
            self._log(self._partial)
            self._partial = ""

    def _log(self, line: str) -> None:
        self._logger.info(self._format.format(line=line.rstrip("\r"), **self._fields))
