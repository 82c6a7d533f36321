"""Questions about classes and instances."""

import inspect


def isclassinstance(obj: object) -> bool:
    """Return whether `obj` is an instance rather than a class."""
    return not inspect.isclass(obj)


def is_a(obj: object, entity_type: type) -> bool:
    """Return whether `obj` is an instance of `entity_type`."""
    return isclassinstance(obj) and isinstance(obj, entity_type)


def is_a_subclass(obj: object, entity_type: type) -> bool:
    """Return whether `obj`, a class or an instance, is or derives from `entity_type`."""
    return issubclass(obj if inspect.isclass(obj) else type(obj), entity_type)
