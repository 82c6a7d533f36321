"""QoS profiles from the words of the command line."""

from __future__ import annotations

import argparse

from rclpy.qos import QoSPresetProfiles, QoSProfile
from ros2cli.qos import profile_from


def qos_profile_from_short_keys(
    preset_profile: str, reliability: str | None = None, durability: str | None = None, depth: int | None = None,
    history: str | None = None, liveliness: str | None = None, liveliness_lease_duration_s: float | None = None,
) -> QoSProfile:
    """Return a preset with the single policies that are given. Raises KeyError for an unknown word."""
    words = argparse.Namespace(
        qos_profile=None, qos_reliability=reliability, qos_durability=durability, qos_depth=depth, qos_history=history,
        qos_liveliness=liveliness, qos_liveliness_lease_duration_seconds=liveliness_lease_duration_s)
    return profile_from(words, QoSPresetProfiles.get_from_short_key(preset_profile))
