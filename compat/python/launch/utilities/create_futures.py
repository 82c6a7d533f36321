"""Futures for a loop that may not be running yet."""

from __future__ import annotations

import asyncio


def create_future(loop: asyncio.AbstractEventLoop | None) -> asyncio.Future:
    """Return a future of `loop`, or of this thread's loop if None."""
    return (loop or get_loop()).create_future()


def get_loop() -> asyncio.AbstractEventLoop:
    """Return this thread's event loop, made if there is none; the same one at each call."""
    import warnings
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            loop = asyncio.get_event_loop()
        except RuntimeError:
            loop = None
        if loop is None or loop.is_closed():
            loop = asyncio.new_event_loop()
            asyncio.set_event_loop(loop)
        return loop
