"""The base of all nodes: it notices the other ends of its topics that speak with incompatible quality of service."""

from __future__ import annotations

from functools import partial
from typing import Any

from rclpy.event_handler import PublisherEventCallbacks, SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.qos import QoSCompatibility, qos_check_compatible


class Reporting:
    """Mixin for nodes: publishers and subscriptions remember when DDS finds an end that does not match."""

    def create_publisher(self, msg_type: type, topic: str, *args: Any, **kwargs: Any) -> Any:
        """Create a publisher as a node does."""
        kwargs.setdefault("event_callbacks", PublisherEventCallbacks(incompatible_qos=partial(self._suspect, topic)))
        return super().create_publisher(msg_type, topic, *args, **kwargs)  # type: ignore[misc]

    def create_subscription(self, msg_type: type, topic: str, *args: Any, **kwargs: Any) -> Any:
        """Create a subscription as a node does."""
        kwargs.setdefault("event_callbacks", SubscriptionEventCallbacks(incompatible_qos=partial(self._suspect, topic)))
        return super().create_subscription(msg_type, topic, *args, **kwargs)  # type: ignore[misc]

    def _suspect(self, topic: str, _info: object) -> None:
        # Node.__init__ makes publishers of its own before any attribute of ours could exist.
        self.__dict__.setdefault("_suspected", set()).add(topic)

    def qos_mismatches(self) -> list[str]:
        """Return a line for every pair of ends, one of them here, that cannot talk; costs nothing without suspicion."""
        found = []
        for topic in sorted(self.__dict__.get("_suspected", ())):
            found += mismatches(self, topic, self.get_name())  # type: ignore[arg-type, attr-defined]
        return found


class ReportingNode(Reporting, Node):  # type: ignore[misc]
    """A node that is not managed."""


def mismatches(node: Node, topic: str, end: str = "") -> list[str]:
    """Return a line for every two ends of a topic that cannot talk; with ``end``, only where that node is one."""
    name = node.resolve_topic_name(topic)
    found = []
    for publisher in node.get_publishers_info_by_topic(name):
        for subscription in node.get_subscriptions_info_by_topic(name):
            if end and end not in (publisher.node_name, subscription.node_name):
                continue
            verdict, reason = qos_check_compatible(publisher.qos_profile, subscription.qos_profile)
            if verdict == QoSCompatibility.ERROR:
                why = " ".join(reason.replace("ERROR:", "").split()).rstrip(";")
                found.append(f"{name}: {subscription.node_name} cannot hear {publisher.node_name} ({why})")
    return found
