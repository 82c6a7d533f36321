"""QoS profiles from files of overrides."""

from rosbag2_py.qos import duration_from as dict_to_duration
from rosbag2_py.qos import profile_from as interpret_dict_as_qos_profile
from rosbag2_py.qos import profiles_from as convert_yaml_to_qos_profile

__all__ = ["convert_yaml_to_qos_profile", "dict_to_duration", "interpret_dict_as_qos_profile"]
