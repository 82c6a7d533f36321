"""The thread that reads a device, at the end of its node."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest
from rclpy.impl.implementation_singleton import rclpy_implementation

from walkout.ros.reader import Reader


class Device:
    """Gives one item, then nothing."""

    def __init__(self) -> None:
        self.items = [1]

    def read(self, timeout_s):
        return self.items.pop() if self.items else None

    def close(self) -> None:
        pass


@pytest.mark.parametrize("kind", [rclpy_implementation.InvalidHandle, rclpy_implementation.RCLError])
@pytest.mark.parametrize("is_ending", [True, False])
def test_what_fails_because_everything_ends_is_no_failure(monkeypatch, kind, is_ending):
    raised, alive, tried = [], [True], threading.Event()
    monkeypatch.setattr(threading, "excepthook", lambda args: raised.append(args.exc_type))
    node = SimpleNamespace(get_name=lambda: "driver", context=SimpleNamespace(ok=lambda: alive[0]))

    def publish(_item):
        alive[0] = not is_ending
        tried.set()
        raise kind("the context is gone")

    reader = Reader(node, Device, publish, SimpleNamespace(recovered=lambda: None))
    assert tried.wait(5)
    reader._thread.join(5)
    assert not reader._thread.is_alive()
    assert raised == ([] if is_ending else [kind])
