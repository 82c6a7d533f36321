"""Upstream's second place for `get_interface_path`."""

from rosidl_runtime_py.get_interfaces import get_interface_path

__all__ = ["get_interface_path"]
