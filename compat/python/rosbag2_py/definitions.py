"""Definition text and type hash of a message type, from the files that the ament index knows."""

from __future__ import annotations

import json
import re
from collections import deque
from pathlib import Path

from ament_index_python import get_packages_with_prefixes

SEPARATOR = "=" * 80
_PRIMITIVES = frozenset([
    "bool", "byte", "char", "float32", "float64", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64",
    "uint64", "string", "wstring"])
_FIELD = re.compile(r"^\s*([A-Za-z][\w/]*)(?:<=\d+)?(?:\[[^\]]*\])?\s+[A-Za-z]\w*\s*(?!\s*=)")
_IDL_INCLUDE = re.compile(r'#include\s+"([\w/]+)\.idl"')


def definition_of(type_name: str) -> tuple[str, str]:
    """Return ``(encoding, text)`` of ``pkg/msg/Name``: its definition followed by those of all the types it uses.

    Encoding is ``ros2msg``, or ``ros2idl`` when there is only IDL; both empty when no definition is found.
    """
    path = _find(type_name, "msg")
    if path is not None:
        text = _with_dependencies(type_name, "msg")
        if text is not None:
            return "ros2msg", text
    if _find(type_name, "idl") is not None:
        text = _with_dependencies(type_name, "idl")
        if text is not None:
            return "ros2idl", text
    return "", ""


def hash_of(type_name: str) -> str:
    """Return the type's hash (``RIHS01_...``), or an empty string when it is not known."""
    path = _find(type_name, "json")
    if path is None:
        return ""
    hashes = json.loads(path.read_text()).get("type_hashes", [])
    return next((entry["hash_string"] for entry in hashes if entry["type_name"] == type_name), "")


def _find(type_name: str, suffix: str) -> Path | None:
    package, _, rest = type_name.partition("/")
    prefix = get_packages_with_prefixes().get(package)
    if prefix is None or not rest:
        return None
    path = Path(prefix, "share", package, f"{rest}.{suffix}")
    return path if path.is_file() else None


def _with_dependencies(root: str, kind: str) -> str | None:
    blocks: list[str] = []
    seen, queue = {root}, deque([root])
    while queue:
        name = queue.popleft()
        path = _find(name, kind)
        if path is None:
            return None
        text = path.read_text()
        blocks.append(_block(name, text, kind, name == root))
        for used in _msg_types(text, name) if kind == "msg" else _idl_types(text):
            if used not in seen:
                seen.add(used)
                queue.append(used)
    return "\n".join(blocks)


def _block(name: str, text: str, kind: str, is_root: bool) -> str:
    if kind == "idl":
        return f"{SEPARATOR}\nIDL: {name}\n{text}"
    if is_root:
        return text
    package, _, short = name.split("/")
    return f"{SEPARATOR}\nMSG: {package}/{short}\n{text}"


def _msg_types(text: str, owner: str) -> list[str]:
    package = owner.split("/")[0]
    found = []
    for line in text.splitlines():
        match = _FIELD.match(line.split("#", 1)[0])
        if match is None or match[1] in _PRIMITIVES:
            continue
        parts = match[1].split("/")
        found.append(f"{parts[0] if len(parts) > 1 else package}/msg/{parts[-1]}")
    return found


def _idl_types(text: str) -> list[str]:
    return _IDL_INCLUDE.findall(text)
