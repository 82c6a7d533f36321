"""A thread that reads a device for a driver node."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node

from walkout.drivers.types import SourceError
from walkout.ros.diagnostics import Diagnostics

READ_TIMEOUT_S = 0.2
REOPEN_DELAY_S = 0.5

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Source(Protocol[T_co]):
    """Anything that can be read: a camera, the plates of a fixture, a gate."""

    def read(self, timeout_s: float) -> T_co | None:
        """Return the next item or None after the timeout."""

    def close(self) -> None:
        """Release the device."""


class Reader(Generic[T]):
    """A thread that reads a source and opens it again when it is lost.

    The first failure to open is logged as an error and shown in the diagnostics; the driver goes on trying, because a
    store must come back by itself when a cable is plugged in again.
    """

    def __init__(
        self, node: Node, opener: Callable[[], Source[T]], handle: Callable[[T], None], diagnostics: Diagnostics
    ) -> None:
        """Start reading with ``opener()`` and hand what comes to ``handle``."""
        self._node = node
        self._opener = opener
        self._handle = handle
        self._diagnostics = diagnostics
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"{node.get_name()}-reader", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        reported = ""
        while not self._ending:
            try:
                source = self._opener()
            except SourceError as error:
                if str(error) != reported:
                    reported = str(error)
                    self._report(error)
                self._stop.wait(REOPEN_DELAY_S)
                continue
            reported = ""
            self._diagnostics.recovered()
            try:
                self._read_all(source)
            except SourceError as error:
                self._report(error)
            finally:
                source.close()

    @property
    def _ending(self) -> bool:
        return self._stop.is_set() or not self._node.context.ok()

    def _report(self, error: SourceError) -> None:
        if not self._ending:  # at the end of a store the devices may go before their drivers
            self._node.get_logger().error(str(error))
            self._diagnostics.error(str(error))

    def _read_all(self, source: Source[T]) -> None:
        while not self._ending:
            item = source.read(READ_TIMEOUT_S)
            if item is not None and not self._ending:
                self._pass_on(item)

    def _pass_on(self, item: T) -> None:
        try:
            self._handle(item)
        except (rclpy_implementation.InvalidHandle, rclpy_implementation.RCLError):
            if not self._ending:  # else node or context ended between the check and the publication
                raise

    def close(self) -> None:
        """Stop the thread; one that waits for a device to appear ends with the process."""
        self._stop.set()
        self._thread.join(timeout=0.1)
