"""What scripts use of upstream's ros2bag: QoS overrides and the arguments of ``ros2 bag record``."""

__standin__ = True
