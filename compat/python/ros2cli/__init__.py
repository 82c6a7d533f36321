"""Stand-in for the ``ros2`` command where upstream's ros2cli is not installed."""

__standin__ = True
