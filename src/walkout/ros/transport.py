"""How fast pictures go from one process to another: our way of publishing them against a bare rclpy publisher."""

from __future__ import annotations

import array
import multiprocessing
import time
from functools import partial
from multiprocessing.connection import Connection

import numpy as np
import rclpy
from numpy.typing import NDArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.publisher import Publisher
from sensor_msgs.msg import Image

from walkout.ros import qos
from walkout.ros.images import image_to_msg
from walkout.ros.stamps import header, to_ns

RATE_HZ = 30.0
WARM_UP = 5
"""The first pictures of each kind do not count."""
_MATCH_S = 20.0
_QUIET_S = 3.0
_BARE_DEPTH = 10
_TOPICS = {"ours": "walkout_transport_ours", "reference": "walkout_transport_bare"}


def measure_transport(image: NDArray[np.uint8], frames: int = 90) -> dict[str, dict[str, float | int]]:
    """Send a picture ``frames`` times each way, in turns, to another process.

    Returns:
        By way how many were sent and arrived, and the milliseconds from making the message to taking it.

    Raises:
        RuntimeError: the two processes do not find each other, or nothing arrives.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    listener = context.Process(target=_listen, args=(there, frames + WARM_UP), daemon=True)
    listener.start()
    ros = rclpy.Context()
    rclpy.init(context=ros)
    node = rclpy.create_node("transport_benchmark", context=ros)
    try:
        publishers = {
            "ours": node.create_publisher(Image, _TOPICS["ours"], qos.IMAGES),
            "reference": node.create_publisher(Image, _TOPICS["reference"], _BARE_DEPTH),
        }
        _wait_for(here, publishers)
        _send(image, frames + WARM_UP, publishers)
        latencies = here.recv() if here.poll(_MATCH_S + 2 * _QUIET_S) else {}
    finally:
        node.destroy_node()
        rclpy.shutdown(context=ros)
        listener.join(5)
        if listener.is_alive():
            listener.terminate()
    return {way: _figures(way, frames, latencies.get(way, [])[WARM_UP:]) for way in _TOPICS}


def _wait_for(pipe: Connection, publishers: dict[str, Publisher]) -> None:
    deadline = time.monotonic() + _MATCH_S
    while not (pipe.poll() and all(publisher.get_subscription_count() for publisher in publishers.values())):
        if time.monotonic() > deadline:
            raise RuntimeError("the benchmark's two processes do not find each other; is the network set up?")
        time.sleep(0.05)
    pipe.recv()


def _send(image: NDArray[np.uint8], frames: int, publishers: dict[str, Publisher]) -> None:
    started = time.monotonic()
    for number in range(frames):
        for half, (way, make) in enumerate((("ours", _our_message), ("reference", _bare_message))):
            time.sleep(max(0.0, started + (number + half / 2) / RATE_HZ - time.monotonic()))
            publishers[way].publish(make(image, time.monotonic_ns()))


def _our_message(image: NDArray[np.uint8], stamp_ns: int) -> Image:
    return image_to_msg(image, stamp_ns, "camera")


def _bare_message(image: NDArray[np.uint8], stamp_ns: int) -> Image:
    height, width = image.shape[:2]
    message = Image(header=header(stamp_ns, "camera"), height=height, width=width, encoding="bgr8", step=3 * width)
    message.data = array.array("B", image.tobytes())
    return message


def _figures(way: str, sent: int, latencies: list[float]) -> dict[str, float | int]:
    if not latencies:
        raise RuntimeError(f"no picture arrived on {_TOPICS[way]}")
    p50, p95 = np.percentile(latencies, [50, 95]).tolist()
    return {"sent": sent, "arrived": len(latencies), "ms_p50": round(p50, 3), "ms_p95": round(p95, 3)}


def _listen(pipe: Connection, frames: int) -> None:
    """Take pictures until all have come or none comes any more, and send back how long each was on its way."""
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node("transport_listener", context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    latencies: dict[str, list[float]] = {way: [] for way in _TOPICS}

    def take(way: str, message: Image) -> None:
        latencies[way].append((time.monotonic_ns() - to_ns(message.header.stamp)) / 1e6)

    node.create_subscription(Image, _TOPICS["ours"], partial(take, "ours"), qos.IMAGES)
    node.create_subscription(Image, _TOPICS["reference"], partial(take, "reference"), _BARE_DEPTH)
    pipe.send("ready")
    deadline, known = time.monotonic() + _MATCH_S, 0
    while known < 2 * frames and time.monotonic() < deadline:
        executor.spin_once(timeout_sec=0.05)
        count = sum(map(len, latencies.values()))
        if count != known:
            known, deadline = count, time.monotonic() + _QUIET_S
    pipe.send(latencies)
    node.destroy_node()
    rclpy.shutdown(context=context)
