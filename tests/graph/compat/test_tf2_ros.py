"""Buffers, listeners and broadcasters in a graph, and a clock that jumps."""

import os
import threading
import time

import pytest
import rclpy
import tf2_geometry_msgs  # noqa: F401  (registers the geometry messages)
import yaml
from geometry_msgs.msg import PointStamped, PoseStamped, TransformStamped
from rclpy.duration import Duration
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.time import Time
from rosgraph_msgs.msg import Clock
from tf2_msgs.srv import FrameGraph
from tf2_ros import (
    Buffer,
    ExtrapolationException,
    LookupException,
    StaticTransformBroadcaster,
    TransformBroadcaster,
    TransformListener,
    TypeException,
)


@pytest.fixture
def node():
    rclpy.init(args=[])
    node = rclpy.create_node(f"tf_test_{os.getpid()}", enable_rosout=False)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    yield node
    executor.shutdown()
    node.destroy_node()
    rclpy.shutdown()


def until(node, condition, timeout_s=30.0):
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        node.executor.spin_once(timeout_sec=0.02)


def transform(parent, child, x, seconds=1):
    message = TransformStamped(child_frame_id=child)
    message.header.frame_id = parent
    message.header.stamp.sec = seconds
    message.transform.translation.x = float(x)
    return message


def test_listener_hears_both_topics_and_late_joiners_get_the_static_ones(node):
    static = StaticTransformBroadcaster(node)
    static.sendTransform(transform("store", "shelf", 1))
    static.sendTransform([transform("store", "camera", 2), transform("store", "shelf", 99)])
    moving = TransformBroadcaster(node)
    buffer = Buffer(node=node)
    listener = TransformListener(buffer, node)
    until(node, lambda: buffer.can_transform("shelf", "camera", Time()))
    # As upstream's: the first transform of a child frame stays.
    assert buffer.lookup_transform("store", "shelf", Time()).transform.translation.x == 1.0
    moving.sendTransform(transform("store", "shopper", 5, seconds=7))
    until(node, lambda: buffer.can_transform("store", "shopper", Time(seconds=7)))
    with pytest.raises(ExtrapolationException):
        buffer.lookup_transform("store", "shopper", Time(seconds=8))
    listener.unregister()


def test_wait_ends_when_the_transform_comes_from_another_thread(node):
    buffer = Buffer(node=node)
    timer = threading.Timer(0.2, lambda: buffer.set_transform(transform("a", "b", 1), "test"))
    timer.start()
    assert buffer.can_transform("a", "b", Time(seconds=1), Duration(seconds=20))
    timer.join()
    ok, why = buffer.can_transform("a", "nowhere", Time(), Duration(seconds=0.05), return_debug_tuple=True)
    assert not ok
    assert "nowhere" in why
    with pytest.raises(LookupException):
        buffer.lookup_transform("a", "nowhere", Time(), Duration(seconds=0.05))


def test_asynchronous_lookup(node):
    buffer = Buffer(node=node)
    future = buffer.wait_for_transform_async("a", "b", Time(seconds=1))
    task = node.executor.create_task(buffer.lookup_transform_async, "a", "b", Time(seconds=1))
    node.executor.spin_once(timeout_sec=0.05)
    assert not future.done()
    assert not task.done()
    buffer.set_transform(transform("a", "b", 3), "test")
    assert future.result()
    until(node, task.done)
    assert task.result().transform.translation.x == 3.0
    assert buffer._waiting == []


def test_transforms_stamped_messages(node):
    buffer = Buffer(node=node)
    buffer.set_transform_static(transform("store", "shelf", 2), "test")
    point = PointStamped()
    point.header.frame_id = "shelf"
    point.point.x = 0.5
    assert buffer.transform(point, "store").point.x == 2.5
    pose = PoseStamped()
    pose.header.frame_id = "store"
    moved = buffer.transform(pose, "shelf")
    assert (moved.header.frame_id, moved.pose.position.x) == ("shelf", -2.0)
    with pytest.raises(TypeException):
        buffer.transform(transform("shelf", "x", 0), "store")


def test_frames_service(node):
    buffer = Buffer(node=node)
    buffer.set_transform(transform("store", "shelf", 2), "me")
    client = node.create_client(FrameGraph, "tf2_frames")
    until(node, client.service_is_ready)
    future = client.call_async(FrameGraph.Request())
    until(node, future.done)
    frames = yaml.safe_load(future.result().frame_yaml)
    assert frames["shelf"]["parent"] == "store"
    assert frames["shelf"]["broadcaster"] == "me"


def test_clock_that_goes_back_clears_what_moves(node):
    node.set_parameters([Parameter("use_sim_time", value=True)])
    buffer, other = Buffer(node=node), Buffer()
    publisher = node.create_publisher(Clock, "/clock", 10)

    def set_clock(seconds):
        message = Clock()
        message.clock.sec = seconds
        publisher.publish(message)
        until(node, lambda: node.get_clock().now().nanoseconds == seconds * 10**9)

    until(node, publisher.get_subscription_count)
    set_clock(100)
    for b in (buffer, other):
        b.set_transform(transform("store", "shopper", 1, seconds=99), "test")
        b.set_transform_static(transform("store", "shelf", 1), "test")
    set_clock(101)
    assert buffer.can_transform("store", "shopper", Time())
    set_clock(50)
    assert not buffer.can_transform("store", "shopper", Time())
    assert buffer.can_transform("store", "shelf", Time())
    # A buffer that does not know the node's clock cannot notice.
    assert other.can_transform("store", "shopper", Time())
