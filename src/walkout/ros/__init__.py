"""What only ROS needs: parameters, QoS, conversions, node main."""
