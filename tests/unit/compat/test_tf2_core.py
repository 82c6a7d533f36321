"""Lookups in the tree of frames: conventions, interpolation, errors and forgetting."""

import math

import pytest
from geometry_msgs.msg import TransformStamped
from hypothesis import given, settings
from hypothesis import strategies as st
from rclpy.duration import Duration
from rclpy.time import Time
from tf2_py import (
    BufferCore,
    ConnectivityException,
    ExtrapolationException,
    InvalidArgumentException,
    LookupException,
)
from tf2_py.rigid import compose, invert, rotate, slerp

S = 1_000_000_000


def transform(parent, child, stamp_s=0.0, xyz=(0.0, 0.0, 0.0), yaw=0.0):
    message = TransformStamped()
    message.header.stamp = Time(nanoseconds=round(stamp_s * S)).to_msg()
    message.header.frame_id, message.child_frame_id = parent, child
    t, q = message.transform.translation, message.transform.rotation
    t.x, t.y, t.z = xyz
    q.z, q.w = math.sin(yaw / 2), math.cos(yaw / 2)
    return message


def at(seconds):
    return Time(nanoseconds=round(seconds * S))


def xyz(message):
    t = message.transform.translation
    return pytest.approx((t.x, t.y, t.z))


@pytest.fixture
def core():
    return BufferCore()


def test_result_is_the_source_frames_pose_in_the_target(core):
    core.set_transform(transform("map", "shelf", 1.0, (3.0, 1.0, 0.0), math.pi / 2), "test")
    core.set_transform(transform("shelf", "lane", 1.0, (1.0, 0.0, 0.5)), "test")
    result = core.lookup_transform_core("map", "lane", at(1.0))
    assert xyz(result) == (3.0, 2.0, 0.5)
    assert (result.header.frame_id, result.child_frame_id) == ("map", "lane")
    back = core.lookup_transform_core("lane", "map", at(1.0))
    assert xyz(back) == (-2.0, 3.0, -0.5)


def test_siblings_meet_at_their_common_parent(core):
    core.set_transform_static(transform("map", "a", xyz=(1.0, 0.0, 0.0)), "test")
    core.set_transform_static(transform("map", "b", xyz=(0.0, 2.0, 0.0), yaw=math.pi), "test")
    result = core.lookup_transform_core("b", "a", at(7.0))
    assert xyz(result) == (-1.0, 2.0, 0.0)
    assert result.header.stamp.sec == 7


def test_interpolates_linearly_and_on_the_short_arc(core):
    core.set_transform(transform("a", "b", 1.0, (0.0, 0.0, 0.0), math.radians(170)), "test")
    core.set_transform(transform("a", "b", 2.0, (1.0, 0.0, 0.0), math.radians(-170)), "test")
    result = core.lookup_transform_core("a", "b", at(1.25))
    assert xyz(result) == (0.25, 0.0, 0.0)
    q = result.transform.rotation
    yaw = 2 * math.atan2(q.z, q.w) % (2 * math.pi)
    assert yaw == pytest.approx(math.radians(175))


def test_two_neighbours_with_other_parents_use_the_older(core):
    core.set_transform(transform("a", "b", 1.0, (1.0, 0.0, 0.0)), "test")
    core.set_transform(transform("c", "b", 2.0, (9.0, 0.0, 0.0)), "test")
    assert xyz(core.lookup_transform_core("a", "b", at(1.9))) == (1.0, 0.0, 0.0)
    with pytest.raises(ExtrapolationException, match="into the future"):
        core.lookup_transform_core("a", "b", at(2.1))


def test_time_zero_is_the_latest_common_time(core):
    core.set_transform(transform("a", "b", 1.0), "test")
    core.set_transform(transform("a", "b", 5.0, (4.0, 0.0, 0.0)), "test")
    core.set_transform(transform("b", "c", 2.0), "test")
    core.set_transform(transform("b", "c", 3.0), "test")
    core.set_transform_static(transform("c", "d"), "test")
    result = core.lookup_transform_core("a", "d", Time())
    assert result.header.stamp.sec == 3
    assert xyz(result) == (2.0, 0.0, 0.0)
    assert core.get_latest_common_time("d", "a") == at(3.0)


def test_static_only_chain_takes_the_time_asked_for_or_zero(core):
    core.set_transform_static(transform("a", "b", 44.0), "test")
    assert core.lookup_transform_core("a", "b", at(9.0)).header.stamp.sec == 9
    assert core.lookup_transform_core("a", "b", Time()).header.stamp.sec == 0


def test_messages_of_extrapolation(core):
    core.set_transform(transform("a", "b", 10.0), "test")
    with pytest.raises(ExtrapolationException,
                       match=r"extrapolation at time 9\.000000, but only time 10\.000000 is in the buffer.*"
                             r"from frame \[b\] to frame \[a\]"):
        core.lookup_transform_core("a", "b", at(9.0))
    core.set_transform(transform("a", "b", 11.0), "test")
    with pytest.raises(ExtrapolationException, match=r"into the future\.  Requested time 12\.0.*latest data.*11\.0"):
        core.lookup_transform_core("a", "b", at(12.0))
    with pytest.raises(ExtrapolationException, match=r"into the past\.  Requested time 9\.0.*earliest data.*10\.0"):
        core.lookup_transform_core("b", "a", at(9.0))


def test_unknown_and_unconnected_frames(core):
    core.set_transform_static(transform("a", "b"), "test")
    core.set_transform_static(transform("x", "y"), "test")
    with pytest.raises(LookupException, match='"nowhere" passed to lookupTransform argument target_frame does not'):
        core.lookup_transform_core("nowhere", "a", Time())
    with pytest.raises(LookupException, match="argument source_frame"):
        core.lookup_transform_core("a", "nowhere", Time())
    for time in (Time(), at(3.0)):
        with pytest.raises(ConnectivityException, match="not part of the same tree"):
            core.lookup_transform_core("b", "y", time)
    ok, why = core.can_transform_core("b", "y", Time())
    assert not ok
    assert "not part of the same tree" in why


@pytest.mark.parametrize("bad", ["", "/a"])
def test_invalid_frame_ids_are_refused(core, bad):
    core.set_transform_static(transform("a", "b"), "test")
    with pytest.raises(InvalidArgumentException):
        core.lookup_transform_core(bad, "b", Time())


def test_leading_slash_is_dropped_on_insert(core):
    core.set_transform_static(transform("/a", "/b", xyz=(1.0, 0.0, 0.0)), "test")
    assert xyz(core.lookup_transform_core("a", "b", Time())) == (1.0, 0.0, 0.0)
    assert sorted(core._getFrameStrings()) == ["a", "b"]


def test_nonsense_is_not_stored(core):
    nan, unnormalised = transform("a", "b"), transform("a", "b")
    nan.transform.translation.x = math.nan
    unnormalised.transform.rotation.w = 0.9
    for bad in (transform("a", "a"), transform("", "a"), transform("a", ""), nan, unnormalised):
        core.set_transform(bad, "test")
    assert core._getFrameStrings() == []
    assert core.all_frames_as_yaml() == "[]"


def test_equal_frames_are_identity(core):
    core.set_transform(transform("a", "b", 3.0, (1.0, 2.0, 3.0)), "test")
    assert xyz(core.lookup_transform_core("b", "b", at(100.0))) == (0.0, 0.0, 0.0)


def test_history_is_bounded():
    core = BufferCore(Duration(seconds=2))
    for second in range(1, 61):
        core.set_transform(transform("a", "b", float(second)), "test")
    core.lookup_transform_core("a", "b", at(58.0))
    with pytest.raises(ExtrapolationException, match=r"earliest data is at time 58\.0"):
        core.lookup_transform_core("a", "b", at(57.0))
    core.set_transform(transform("a", "b", 50.0), "test")  # too old: dropped
    with pytest.raises(ExtrapolationException):
        core.lookup_transform_core("a", "b", at(50.0))


def test_out_of_order_samples_are_sorted_in(core):
    for second in (3.0, 1.0, 2.0):
        core.set_transform(transform("a", "b", second, (second**2, 0.0, 0.0)), "test")
    assert xyz(core.lookup_transform_core("a", "b", at(1.5))) == (2.5, 0.0, 0.0)


def test_clear_keeps_static_transforms_and_frame_names(core):
    core.set_transform_static(transform("a", "b"), "test")
    core.set_transform(transform("b", "c", 1.0), "test")
    core.clear()
    core.lookup_transform_core("a", "b", Time())
    assert core._frameExists("c")
    assert not core.can_transform_core("b", "c", Time())[0]


def test_full_lookup_moves_in_time_through_the_fixed_frame(core):
    core.set_transform(transform("map", "cart", 1.0, (0.0, 0.0, 0.0)), "test")
    core.set_transform(transform("map", "cart", 2.0, (5.0, 0.0, 0.0)), "test")
    result = core.lookup_transform_full_core("cart", at(2.0), "cart", at(1.0), "map")
    assert xyz(result) == (-5.0, 0.0, 0.0)
    assert core.can_transform_full_core("cart", at(2.0), "cart", at(1.0), "map") == (True, "")


def test_loop_is_an_error_and_not_an_endless_climb(core):
    core.set_transform_static(transform("root", "other"), "test")
    core.set_transform_static(transform("a", "b"), "test")
    core.set_transform_static(transform("b", "a"), "test")
    with pytest.raises(LookupException, match="loop"):
        core.lookup_transform_core("root", "a", at(1.0))


def test_time_without_seconds_is_a_type_error(core):
    core.set_transform_static(transform("a", "b"), "test")
    with pytest.raises(TypeError, match="nanoseconds"):
        core.lookup_transform_core("a", "b", 3.0)


numbers = st.floats(-10, 10)
quaternions = st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda q: sum(v * v for v in q) > 0.01).map(
    lambda q: tuple(v / math.sqrt(sum(w * w for w in q)) for v in q))
rigids = st.tuples(st.tuples(numbers, numbers, numbers), quaternions)


@given(rigids, st.tuples(numbers, numbers, numbers))
@settings(max_examples=60, deadline=None)
def test_inverse_undoes(rigid, point):
    def apply(r, p):
        return tuple(t + v for t, v in zip(r[0], rotate(r[1], p), strict=True))

    assert apply(invert(rigid), apply(rigid, point)) == pytest.approx(point, abs=1e-9)
    assert apply(compose(invert(rigid), rigid), point) == pytest.approx(point, abs=1e-9)


@given(quaternions, quaternions, st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_slerp_stays_on_the_sphere_and_meets_its_ends(a, b, ratio):
    q = slerp(a, b, ratio)
    assert sum(v * v for v in q) == pytest.approx(1.0)
    assert abs(sum(x * y for x, y in zip(slerp(a, b, 1.0), b, strict=True))) == pytest.approx(1.0)
