"""Descriptions of things that actions run."""

from .executable import Executable

__all__ = ["Executable"]
