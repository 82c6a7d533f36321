"""What programs use of upstream's ros2topic: profiles from short keys. The verbs are in ros2cli."""

__standin__ = True
