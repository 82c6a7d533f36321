"""Print what a launch description contains without running it."""

from __future__ import annotations

from collections.abc import Iterable

from .launch_description import LaunchDescription
from .launch_description_entity import LaunchDescriptionEntity

_BRANCH, _LAST, _BAR, _GAP = "├── ", "└── ", "│   ", "    "


class LaunchIntrospector:
    """Formats a description as a tree."""

    def format_launch_description(self, launch_description: LaunchDescription) -> str:
        """Return the tree of entities, one per line."""
        return "\n".join(_tree(launch_description))


def _tree(entity: LaunchDescriptionEntity) -> list[str]:
    children = [_tree(child) for child in entity.describe_sub_entities()]
    for condition, sub_entities in entity.describe_conditional_sub_entities():
        nodes = [_tree(child) for child in _flat(sub_entities)]
        if nodes:
            children.append([f"Conditional: {condition}", *_indent(nodes)])
    return [entity.describe(), *_indent(children)]


def _flat(entities) -> Iterable[LaunchDescriptionEntity]:
    return entities if isinstance(entities, Iterable) else [entities]


def _indent(children: list[list[str]]) -> list[str]:
    lines = []
    for index, child in enumerate(children):
        last = index == len(children) - 1
        lines.append((_LAST if last else _BRANCH) + child[0])
        lines += [(_GAP if last else _BAR) + line for line in child[1:]]
    return lines
