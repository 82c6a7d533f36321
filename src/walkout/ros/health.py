"""What the lifecycle manager says about the whole store on ``store/health``, and what the gate reads from it."""

from __future__ import annotations

from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from walkout.ros.supervision import Health

HEALTH_TOPIC = "store/health"
_ADMITTING = "admitting"


def health_to_msg(health: Health) -> DiagnosticStatus:
    """Return the message of a store's health; its values are ``admitting`` and every node's state."""
    values = {_ADMITTING: str(health.admitting).lower(), **health.nodes}
    return DiagnosticStatus(
        level=bytes([health.level]),
        name="store health",
        message=health.message,
        hardware_id="store",
        values=[KeyValue(key=key, value=value) for key, value in values.items()],
    )


def admission(message: DiagnosticStatus | None) -> tuple[bool, str]:
    """Return whether shoppers may enter and why not; without a message nobody may."""
    if message is None:
        return False, "the store is not ready: nothing is known of its health"
    allowed = any(item.key == _ADMITTING and item.value == "true" for item in message.values)
    return allowed, "" if allowed else f"the store is not ready: {message.message}"
