"""What programs use of upstream's ros2node: names of nodes. The verbs are in ros2cli."""

__standin__ = True
