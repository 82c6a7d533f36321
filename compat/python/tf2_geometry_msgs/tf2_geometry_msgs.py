"""Transforming the messages of geometry_msgs; importing it teaches every tf2 buffer to do so."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
from geometry_msgs.msg import (
    Point,
    PointStamped,
    PolygonStamped,
    Pose,
    PoseStamped,
    PoseWithCovarianceStamped,
    Quaternion,
    TransformStamped,
    Vector3,
    Vector3Stamped,
    Wrench,
    WrenchStamped,
)
from tf2_py.rigid import Rigid, compose, rotate
from tf2_ros import ConvertRegistration, TransformRegistration


def to_msg_msg(msg: Any) -> Any:
    """Return a message as a message: itself."""
    return msg


def from_msg_msg(msg: Any) -> Any:
    """Return a message from a message: itself."""
    return msg


def transform_covariance(covariance_in: Any, transform: TransformStamped) -> np.ndarray:
    """Return a row-major 6x6 covariance (position, rotation about fixed axes) turned into the target frame."""
    q = _rigid(transform)[1]
    rotation = np.column_stack([rotate(q, axis) for axis in ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))])
    block = np.zeros((6, 6))
    block[:3, :3] = block[3:, 3:] = rotation
    return (block @ np.asarray(covariance_in, dtype=float).reshape(6, 6) @ block.T).reshape(36)


def do_transform_point(point: PointStamped, transform: TransformStamped) -> PointStamped:
    """Return the point in the target frame."""
    return PointStamped(header=transform.header, point=_point(_rigid(transform), point.point))


def do_transform_vector3(vector3: Vector3Stamped, transform: TransformStamped) -> Vector3Stamped:
    """Return the free vector in the target frame: rotated only."""
    return Vector3Stamped(header=transform.header, vector=_vector(_rigid(transform), vector3.vector))


def do_transform_pose(pose: Pose, transform: TransformStamped) -> Pose:
    """Return the pose in the target frame."""
    p, q = pose.position, pose.orientation
    position, orientation = compose(_rigid(transform), ((p.x, p.y, p.z), (q.x, q.y, q.z, q.w)))
    result = Pose()
    result.position = _xyz(Point, position)
    # Of the two quaternions of a rotation the one with w >= 0, so that equal poses compare equal.
    x, y, z, w = orientation if orientation[3] >= 0.0 else (-v for v in orientation)
    result.orientation = Quaternion(x=x, y=y, z=z, w=w)
    return result


def do_transform_pose_stamped(pose: PoseStamped, transform: TransformStamped) -> PoseStamped:
    """Return the pose in the target frame."""
    return PoseStamped(header=transform.header, pose=do_transform_pose(pose.pose, transform))


def do_transform_pose_with_covariance_stamped(
        pose: PoseWithCovarianceStamped, transform: TransformStamped) -> PoseWithCovarianceStamped:
    """Return the pose and its covariance in the target frame."""
    result = PoseWithCovarianceStamped(header=transform.header)
    result.pose.pose = do_transform_pose(pose.pose.pose, transform)
    result.pose.covariance = transform_covariance(pose.pose.covariance, transform)
    return result


def do_transform_polygon_stamped(polygon: PolygonStamped, transform: TransformStamped) -> PolygonStamped:
    """Return the polygon in the target frame."""
    rigid = _rigid(transform)
    result = deepcopy(polygon)
    result.header = transform.header
    for point in result.polygon.points:
        moved = _point(rigid, point)
        point.x, point.y, point.z = moved.x, moved.y, moved.z
    return result


def do_transform_wrench(wrench: Wrench, transform: TransformStamped) -> Wrench:
    """Return force and torque turned into the target frame (the point of action does not move)."""
    rigid = _rigid(transform)
    return Wrench(force=_vector(rigid, wrench.force), torque=_vector(rigid, wrench.torque))


def do_transform_wrench_stamped(wrench: WrenchStamped, transform: TransformStamped) -> WrenchStamped:
    """Return force and torque turned into the target frame (the point of action does not move)."""
    return WrenchStamped(header=transform.header, wrench=do_transform_wrench(wrench.wrench, transform))


def _rigid(transform: TransformStamped) -> Rigid:
    t, q = transform.transform.translation, transform.transform.rotation
    return (t.x, t.y, t.z), (q.x, q.y, q.z, q.w)


def _point(rigid: Rigid, point: Any) -> Point:
    x, y, z = rotate(rigid[1], (point.x, point.y, point.z))
    tx, ty, tz = rigid[0]
    return _xyz(Point, (tx + x, ty + y, tz + z))


def _vector(rigid: Rigid, vector: Vector3) -> Vector3:
    return _xyz(Vector3, rotate(rigid[1], (vector.x, vector.y, vector.z)))


def _xyz(kind: type, values: tuple[float, float, float]) -> Any:
    x, y, z = values
    return kind(x=x, y=y, z=z)


def _register() -> None:
    functions = {
        PointStamped: do_transform_point,
        Vector3Stamped: do_transform_vector3,
        PoseStamped: do_transform_pose_stamped,
        PoseWithCovarianceStamped: do_transform_pose_with_covariance_stamped,
        PolygonStamped: do_transform_polygon_stamped,
        WrenchStamped: do_transform_wrench_stamped,
    }
    for kind, function in functions.items():
        TransformRegistration().add(kind, function)
        ConvertRegistration().add_to_msg(kind, to_msg_msg)
        ConvertRegistration().add_from_msg(kind, from_msg_msg)


_register()
