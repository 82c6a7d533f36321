"""Synchronising and caching messages by their stamps."""

from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from message_filters import ApproximateTimeSynchronizer, Cache, SimpleFilter, Subscriber, TimeSynchronizer
from rclpy.time import Time
from std_msgs.msg import Header, String


def message(ms, name=""):
    return SimpleNamespace(header=Header(stamp=Time(nanoseconds=ms * 10**6).to_msg(), frame_id=name))


def stamp_ms(msg):
    return msg.header.stamp.sec * 1000 + msg.header.stamp.nanosec // 10**6


def synchroniser(kind, count, *args, **kwargs):
    sources = [SimpleFilter() for _ in range(count)]
    sync = kind(sources, *args, **kwargs)
    sets = []
    sync.registerCallback(lambda *msgs: sets.append(tuple(stamp_ms(m) for m in msgs)))
    return sources, sets


def test_callbacks_get_their_extra_arguments():
    source, got = SimpleFilter(), []
    assert source.registerCallback(lambda *a: got.append(a), "extra") == 0
    assert source.registerCallback(lambda *a: got.append(a)) == 1
    source.signalMessage("m")
    assert got == [("m", "extra"), ("m",)]


@given(st.permutations([("a", t) for t in (0, 10, 20)] + [("b", t) for t in (0, 10, 20)]))
@settings(max_examples=40, deadline=None)
def test_exact_sync_finds_all_pairs_in_any_order_of_arrival(order):
    (a, b), sets = synchroniser(TimeSynchronizer, 2, 5)
    for name, ms in order:
        (a if name == "a" else b).signalMessage(message(ms))
    assert sorted(sets) == [(0, 0), (10, 10), (20, 20)]


def test_exact_sync_drops_the_earliest_stamp_when_full():
    (a, b), sets = synchroniser(TimeSynchronizer, 2, 2)
    for ms in (3, 1, 2):
        a.signalMessage(message(ms))
    for ms in (1, 2, 3):
        b.signalMessage(message(ms))
    assert sets == [(2, 2), (3, 3)]


def test_approximate_sync_takes_the_nearest_and_slop_is_strict():
    (a, b, c), sets = synchroniser(ApproximateTimeSynchronizer, 3, 10, 0.010)
    for ms in (100, 104):
        a.signalMessage(message(ms))
    b.signalMessage(message(103))
    c.signalMessage(message(105))
    assert sets == [(104, 103, 105)]
    a.signalMessage(message(200))
    b.signalMessage(message(205))
    c.signalMessage(message(210))
    assert len(sets) == 1
    c.signalMessage(message(209))
    assert sets[1:] == [(200, 205, 209)]


def test_zero_slop_never_matches():
    (a, b), sets = synchroniser(ApproximateTimeSynchronizer, 2, 10, 0.0)
    a.signalMessage(message(5))
    b.signalMessage(message(5))
    assert sets == []


def test_a_message_is_used_once():
    (a, b), sets = synchroniser(ApproximateTimeSynchronizer, 2, 10, 0.1)
    a.signalMessage(message(0))
    b.signalMessage(message(10))
    b.signalMessage(message(20))
    a.signalMessage(message(30))
    assert sets == [(0, 10), (30, 20)]


def test_an_exception_in_the_callback_does_not_block_what_follows():
    a, b = SimpleFilter(), SimpleFilter()
    sync, seen = TimeSynchronizer([a, b], 5), []

    def callback(*msgs):
        seen.append(msgs)
        if len(seen) == 1:
            raise ValueError("the user's mistake")

    sync.registerCallback(callback)
    a.signalMessage(message(0))
    with pytest.raises(ValueError, match="mistake"):
        b.signalMessage(message(0))
    a.signalMessage(message(1))
    b.signalMessage(message(1))
    assert stamp_ms(seen[-1][0]) == 1


def test_headerless_messages_are_dropped_or_stamped_on_arrival():
    a, b = SimpleFilter(), SimpleFilter()
    got = []
    ApproximateTimeSynchronizer([a, b], 5, 10.0).registerCallback(lambda *m: got.append("strict"))
    ApproximateTimeSynchronizer([a, b], 5, 10.0, allow_headerless=True).registerCallback(lambda *m: got.append("lax"))
    a.signalMessage(String(data="x"))
    b.signalMessage(String(data="y"))
    assert got == ["lax"]


def test_cache_keeps_order_of_arrival_and_answers_by_time():
    source = SimpleFilter()
    cache = Cache(source, 4)
    passed = []
    cache.registerCallback(lambda m: passed.append(stamp_ms(m)))
    for ms in (10, 20, 40, 30, 50):
        source.signalMessage(message(ms))

    def at(ms):
        return Time(nanoseconds=ms * 10**6, clock_type=cache.getLastestTime().clock_type)

    assert passed == [10, 20, 40, 30, 50]
    assert [stamp_ms(m) for m in cache.getInterval(at(20), at(40))] == [20, 40, 30]
    assert stamp_ms(cache.getElemAfterTime(at(25))) == 40
    assert stamp_ms(cache.getElemBeforeTime(at(25))) == 20
    assert cache.getElemAfterTime(at(51)) is None
    assert cache.getElemBeforeTime(at(19)) is None
    assert cache.getOldestTime() == at(20)
    assert stamp_ms(cache.getLast()) == 50
    empty = Cache(None)
    assert (empty.getLast(), empty.getLastestTime(), empty.getOldestTime()) == (None, None, None)


def test_subscriber_subscribes_and_shows_the_subscription():
    calls = []

    def create_subscription(*args, **kwargs):
        calls.append((args, kwargs))
        return SimpleNamespace(topic_name="/resolved")

    sub = Subscriber(SimpleNamespace(create_subscription=create_subscription), String, "chatter")
    assert calls[0][0] == (String, "chatter")
    assert calls[0][1]["qos_profile"] == 10
    assert (sub.getTopic(), sub.topic_name) == ("chatter", "/resolved")
    got = []
    sub.registerCallback(got.append)
    calls[0][1]["callback"]("m")
    assert got == ["m"]
