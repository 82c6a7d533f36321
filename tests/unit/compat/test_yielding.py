"""Where upstream's modules can be imported, nothing of compat/ is: fake upstream packages on the path prove it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

COMPAT = Path(__file__).parents[3] / "compat"
PROBE = """
import importlib, json, sys
names = json.load(sys.stdin)
for name in names:
    importlib.import_module(name)
files = {name: getattr(module, "__file__", None) or "" for name, module in sys.modules.items()}
print(json.dumps({"files": files, "standins": [n for n in names if hasattr(sys.modules[n], "__standin__")]}))
"""


def module_names() -> list[str]:
    """All stand-ins, packages and their modules, with dots."""
    files = (path.relative_to(COMPAT / "python") for path in (COMPAT / "python").rglob("*.py"))
    names = {".".join(file.with_suffix("").parts).removesuffix(".__init__") for file in files}
    return sorted(names | {"tf2_msgs", "tf2_msgs.msg"})


def probe(names, path):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(path), os.environ.get("PYTHONPATH", "")])}
    found = subprocess.run(
        [sys.executable, "-c", PROBE],
        input=json.dumps(names),
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(found.stdout)


@pytest.fixture
def upstream(tmp_path):
    """A folder with an empty module under every name that has a stand-in, as if ROS were installed there."""
    for name in module_names():
        folder = tmp_path.joinpath(*name.split("."))
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "__init__.py").touch()
    return tmp_path


def test_upstream_wins_everywhere(upstream):
    names = module_names()
    assert {"launch", "launch_ros.actions", "tf2_ros", "cv_bridge", "ros2cli.cli", "rosbag2_py"} <= set(names)
    found = probe(names, upstream)
    assert found["standins"] == []
    assert [name for name in names if not found["files"][name].startswith(str(upstream))] == []
    assert [file for file in found["files"].values() if Path(file).is_relative_to(COMPAT / "python")] == []


@pytest.mark.skipif("ROS_DISTRO" in os.environ, reason="this machine has upstream's modules")
def test_without_upstream_the_stand_ins_serve(tmp_path):
    """The counter-check: the same probe does find them."""
    tops = sorted(path.name for path in (COMPAT / "python").iterdir() if path.is_dir() and path.name[0] != "_")
    assert probe(tops, tmp_path)["standins"] == tops


def test_each_stand_in_is_marked_by_its_own_hand():
    for path in (COMPAT / "python").iterdir():
        if path.is_dir() and path.name[0] != "_":
            assert "__standin__ = True" in (path / "__init__.py").read_text(), path.name
