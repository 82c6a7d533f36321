"""The ``--qos-*`` arguments and the choice of a profile from what is offered."""

from __future__ import annotations

import argparse

from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    LivelinessPolicy,
    QoSPresetProfiles,
    QoSProfile,
    ReliabilityPolicy,
)

_POLICIES = {
    "history": HistoryPolicy,
    "reliability": ReliabilityPolicy,
    "durability": DurabilityPolicy,
    "liveliness": LivelinessPolicy,
}


def add_qos_arguments(parser: argparse.ArgumentParser, default: str = "default") -> None:
    """Declare ``--qos-profile`` and the single policies."""
    parser.add_argument("--qos-profile", choices=QoSPresetProfiles.short_keys(),
                        help=f"preset to start from (default: {default})")
    parser.add_argument("--qos-depth", type=int, metavar="N", help="queue size")
    for name, policy in _POLICIES.items():
        parser.add_argument(f"--qos-{name}", choices=policy.short_keys(), help=f"{name} policy")
    parser.add_argument("--qos-liveliness-lease-duration-seconds", type=float, metavar="SECONDS",
                        help="lease duration of the liveliness policy")


def is_given(args: argparse.Namespace) -> bool:
    """Return whether the user chose any part of the profile."""
    names = ["profile", "depth", "liveliness_lease_duration_seconds", *_POLICIES]
    return any(getattr(args, f"qos_{name}") is not None for name in names)


def profile_from(args: argparse.Namespace, base: QoSProfile) -> QoSProfile:
    """Return the preset asked for, or else `base`, with the single policies asked for."""
    if args.qos_profile is not None:
        base = QoSPresetProfiles.get_from_short_key(args.qos_profile)
    profile = QoSProfile(
        history=base.history, depth=base.depth, reliability=base.reliability, durability=base.durability,
        lifespan=base.lifespan, deadline=base.deadline, liveliness=base.liveliness,
        liveliness_lease_duration=base.liveliness_lease_duration)
    for name, policy in _POLICIES.items():
        chosen = getattr(args, f"qos_{name}")
        if chosen is not None:
            setattr(profile, name, policy.get_from_short_key(chosen))
    if args.qos_depth is not None:
        profile.depth = args.qos_depth
    if args.qos_liveliness_lease_duration_seconds is not None:
        profile.liveliness_lease_duration = Duration(seconds=args.qos_liveliness_lease_duration_seconds)
    return profile


def for_topic(node: Node, topic: str) -> QoSProfile:
    """Return the profile to subscribe with: reliable or latched only where all publishers are."""
    from rosbag2_py.qos import for_subscription

    return for_subscription(info.qos_profile for info in node.get_publishers_info_by_topic(topic))
