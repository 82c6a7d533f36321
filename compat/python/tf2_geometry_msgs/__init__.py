"""Stand-in of tf2_geometry_msgs: transforms of geometry messages in pure Python."""

from tf2_geometry_msgs.tf2_geometry_msgs import (
    PointStamped,
    PolygonStamped,
    PoseStamped,
    PoseWithCovarianceStamped,
    TransformStamped,
    Vector3Stamped,
    WrenchStamped,
    do_transform_point,
    do_transform_polygon_stamped,
    do_transform_pose,
    do_transform_pose_stamped,
    do_transform_pose_with_covariance_stamped,
    do_transform_vector3,
    do_transform_wrench,
    do_transform_wrench_stamped,
    from_msg_msg,
    to_msg_msg,
    transform_covariance,
)

__standin__ = True

__all__ = [
    "PointStamped",
    "PolygonStamped",
    "PoseStamped",
    "PoseWithCovarianceStamped",
    "TransformStamped",
    "Vector3Stamped",
    "WrenchStamped",
    "do_transform_point",
    "do_transform_polygon_stamped",
    "do_transform_pose",
    "do_transform_pose_stamped",
    "do_transform_pose_with_covariance_stamped",
    "do_transform_vector3",
    "do_transform_wrench",
    "do_transform_wrench_stamped",
    "from_msg_msg",
    "to_msg_msg",
    "transform_covariance",
]
