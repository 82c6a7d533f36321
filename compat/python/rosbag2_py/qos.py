"""Quality of service as bags store it (`offered_qos_profiles`) and as rclpy's `QoSProfile`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml
from rclpy.duration import Duration
from rclpy.qos import DurabilityPolicy, HistoryPolicy, LivelinessPolicy, QoSProfile, ReliabilityPolicy

_POLICIES = {
    "history": HistoryPolicy,
    "reliability": ReliabilityPolicy,
    "durability": DurabilityPolicy,
    "liveliness": LivelinessPolicy,
}
_TIMES = ("deadline", "lifespan", "liveliness_lease_duration")
_INFINITE_NS = 2**63 - 1


def to_plain(profiles: Iterable[QoSProfile]) -> list[dict[str, Any]]:
    """Return the profiles as rosbag2 (metadata version 9) writes them."""
    return [_one_to_plain(p) for p in profiles]


def to_text(profiles: Iterable[QoSProfile]) -> str:
    """Return the profiles as the YAML text of an MCAP channel."""
    return yaml.safe_dump(to_plain(profiles), sort_keys=False).strip()


def from_plain(stored: str | list[dict[str, Any]] | None) -> list[QoSProfile]:
    """Return stored profiles: a list, or YAML text of one; policies by name (version 9) or number (older)."""
    entries = yaml.safe_load(stored) if isinstance(stored, str) else stored
    return [_one_from_plain(entry) for entry in entries or []]


def _one_to_plain(profile: QoSProfile) -> dict[str, Any]:
    def split(duration: Duration) -> dict[str, int]:
        sec, nsec = divmod(duration.nanoseconds, 1_000_000_000)
        return {"sec": sec, "nsec": nsec}

    return {
        "history": profile.history.name.lower(),
        "depth": profile.depth,
        "reliability": profile.reliability.name.lower(),
        "durability": profile.durability.name.lower(),
        "deadline": split(profile.deadline),
        "lifespan": split(profile.lifespan),
        "liveliness": profile.liveliness.name.lower(),
        "liveliness_lease_duration": split(profile.liveliness_lease_duration),
        "avoid_ros_namespace_conventions": bool(profile.avoid_ros_namespace_conventions),
    }


def _one_from_plain(entry: dict[str, Any]) -> QoSProfile:
    values: dict[str, Any] = {}
    for key, policy in _POLICIES.items():
        stored = entry.get(key, 0)
        values[key] = policy[stored.upper()] if isinstance(stored, str) else policy(stored)
    if values["history"] == HistoryPolicy.UNKNOWN:
        # What discovery cannot know about a remote publisher; a publisher must choose something.
        values["history"] = HistoryPolicy.KEEP_LAST if entry.get("depth") else HistoryPolicy.SYSTEM_DEFAULT
    for key in _TIMES:
        time = entry.get(key) or {"sec": 0, "nsec": 0}
        nanoseconds = int(time["sec"]) * 1_000_000_000 + int(time["nsec"])
        values[key] = Duration(nanoseconds=min(nanoseconds, _INFINITE_NS))
    return QoSProfile(depth=int(entry.get("depth", 0)), **values,
                      avoid_ros_namespace_conventions=bool(entry.get("avoid_ros_namespace_conventions", False)))


def duration_from(entry: dict[str, int]) -> Duration:
    """Return the duration of ``{sec: …, nsec: …}``. Raises ValueError if a part is missing or negative."""
    if not {"sec", "nsec"} <= set(entry):
        raise ValueError("Time overrides must include both seconds (sec) and nanoseconds (nsec)")
    if entry["sec"] < 0 or entry["nsec"] < 0:
        raise ValueError("Time duration may not be a negative value")
    return Duration(seconds=entry["sec"], nanoseconds=entry["nsec"])


def profile_from(entry: dict[str, Any]) -> QoSProfile:
    """Return a profile as people write it: all but the history may be left out. Raises ValueError."""
    values: dict[str, Any] = {}
    for key, stored in entry.items():
        if key in _POLICIES:
            try:
                values[key] = _POLICIES[key][stored.upper()]
            except KeyError:
                raise ValueError(f"Unknown {key} '{stored}'") from None
        elif key in _TIMES:
            values[key] = duration_from(stored)
        elif key == "depth":
            if stored < 0:
                raise ValueError("'depth' may not be a negative value")
            values[key] = stored
        elif key == "avoid_ros_namespace_conventions":
            values[key] = bool(stored)
        else:
            raise ValueError(f"Unexpected key '{key}' for QoS profile")
    values.setdefault("history", HistoryPolicy.KEEP_LAST)
    if values["history"] == HistoryPolicy.KEEP_LAST:
        values.setdefault("depth", 10)
    return QoSProfile(**values)


def profiles_from(document: dict[str, dict[str, Any]]) -> dict[str, QoSProfile]:
    """Return topic -> profile, from what a file of QoS overrides holds. Raises ValueError."""
    return {topic: profile_from(entry) for topic, entry in document.items()}


def for_subscription(offered: Iterable[QoSProfile], depth: int = 10) -> QoSProfile:
    """Return the strongest profile that is compatible with every publisher.

    Reliable only if all publishers are, transient local only if all are; deadline and liveliness are not asked for.
    """
    profiles = list(offered)
    profile = QoSProfile(depth=depth, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.VOLATILE)
    if profiles and any(p.reliability != ReliabilityPolicy.RELIABLE for p in profiles):
        profile.reliability = ReliabilityPolicy.BEST_EFFORT
    if profiles and all(p.durability == DurabilityPolicy.TRANSIENT_LOCAL for p in profiles):
        profile.durability = DurabilityPolicy.TRANSIENT_LOCAL
    return profile


def for_publisher(offered: Iterable[QoSProfile], depth: int = 10) -> QoSProfile:
    """Return a profile to replay a topic with, from those it was recorded with.

    Reliable unless all were best effort, latched if any was: so every subscriber that could hear the original can hear
    the replay. With nothing recorded: reliable and volatile.
    """
    profiles = list(offered)
    profile = QoSProfile(depth=max([depth, *(p.depth for p in profiles)]), reliability=ReliabilityPolicy.RELIABLE,
                         durability=DurabilityPolicy.VOLATILE)
    if profiles and all(p.reliability == ReliabilityPolicy.BEST_EFFORT for p in profiles):
        profile.reliability = ReliabilityPolicy.BEST_EFFORT
    if any(p.durability == DurabilityPolicy.TRANSIENT_LOCAL for p in profiles):
        profile.durability = DurabilityPolicy.TRANSIENT_LOCAL
    return profile
