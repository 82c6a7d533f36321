"""Do something later, by ROS time."""

from __future__ import annotations

import asyncio

from launch.actions import TimerAction

from ..ros_adapters import get_ros_node


class ROSTimer(TimerAction):
    """As `launch.actions.TimerAction`, but by the clock of the launcher's node: simulated time if that is in use."""

    async def _wait(self, context, period: float, canceled: asyncio.Future) -> None:
        loop = context.asyncio_loop
        node = get_ros_node(context)
        passed = loop.create_future()

        def finish() -> None:
            if not passed.done():
                passed.set_result(None)

        timer = node.create_timer(period, lambda: loop.call_soon_threadsafe(finish))
        try:
            await asyncio.wait([passed, canceled], return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()


RosTimer = ROSTimer
