"""An element of a textual launch file."""

from __future__ import annotations


class Entity:
    """Interface that parsers of textual launch files implement; this stand-in brings none."""

    @property
    def type_name(self) -> str:
        """Name of the element."""
        raise NotImplementedError

    @property
    def parent(self) -> Entity | None:
        """Element this one is in."""
        raise NotImplementedError

    @property
    def children(self) -> list[Entity]:
        """Elements in this one."""
        raise NotImplementedError

    def get_attr(self, name, *, data_type=str, optional=False, can_be_str=True):
        """Value of an attribute."""
        raise NotImplementedError
