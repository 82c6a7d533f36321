"""Types of attributes."""

from ..utilities.type_utils import (
    AllowedTypesTuple,
    coerce_list,
    coerce_to_type,
    extract_type,
    get_typed_value,
    is_instance_of,
)

__all__ = ["AllowedTypesTuple", "coerce_list", "coerce_to_type", "extract_type", "get_typed_value", "is_instance_of"]
