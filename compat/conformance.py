"""Hold the stand-ins to upstream's own tests: ``python compat/conformance.py CHECKOUT... [--only SUITE] [-v]``.

Each CHECKOUT is a folder with a checkout of an upstream repository (branch jazzy), such as ros2/launch. Its test
files are copied to a temporary folder and run against the modules that this Python imports; nothing of upstream is
kept. The manifest `conformance.yaml` says which suites there are and how many tests pass. Exit code 0 if all
expectations are met.
"""

from __future__ import annotations

import argparse
import importlib
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import yaml

MANIFEST = Path(__file__).with_name("conformance.yaml")

#: Stands in for the demo nodes that upstream's launch_ros tests run.
DEMO_NODE = """#!{python}
import sys
import rclpy
from rclpy.executors import ExternalShutdownException
from std_msgs.msg import String

rclpy.init()
arguments = rclpy.utilities.remove_ros_args(sys.argv)
cycles = int(arguments[arguments.index("--number_of_cycles") + 1]) if "--number_of_cycles" in arguments else -1
node = rclpy.create_node("demo", allow_undeclared_parameters=True, automatically_declare_parameters_from_overrides=True)
publisher = node.create_publisher(String, "chatter", 10)
try:
    while cycles != 0:
        publisher.publish(String(data="hello"))
        cycles -= 1
        rclpy.spin_once(node, timeout_sec=0.2)
except (KeyboardInterrupt, ExternalShutdownException):
    pass
"""


@dataclass(frozen=True)
class Suite:
    """One entry of the manifest."""

    name: str
    repository: str
    tests: str
    passed: int
    helpers: list[str] = field(default_factory=list)
    skip: list[str] = field(default_factory=list)
    packages: list[str] = field(default_factory=list)
    deselect: str = ""


@dataclass(frozen=True)
class Outcome:
    """What a suite's run gave."""

    passed: int
    failed: list[str]


def main(argv: list[str] | None = None) -> int:
    """Run the suites found in the given checkouts; print a table; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkouts", nargs="+", type=Path, metavar="CHECKOUT")
    parser.add_argument("--only", metavar="SUITE", help="run this suite only")
    parser.add_argument("-v", "--verbose", action="store_true", help="show pytest's output")
    args = parser.parse_args(argv)
    suites = [Suite(name=name, **entry) for name, entry in yaml.safe_load(MANIFEST.read_text()).items()]
    found = [(suite, checkout) for suite in suites if args.only in (None, suite.name)
             for checkout in args.checkouts if (checkout / suite.tests).is_dir()]
    if not found:
        wanted = ", ".join(f"{suite.tests} ({suite.repository})" for suite in suites)
        print(f"conformance.py: error: none of the checkouts has one of: {wanted}", file=sys.stderr)
        return 2
    return max([run_and_report(suite, checkout, args.verbose) for suite, checkout in found])


def run_and_report(suite: Suite, checkout: Path, verbose: bool) -> int:
    """Run one suite and print how it went; return 0 if that is as expected."""
    module = importlib.import_module(suite.name)
    kind = "stand-in" if getattr(module, "__standin__", False) else "upstream"
    outcome = run(suite, checkout, verbose)
    is_met = outcome.passed >= suite.passed
    print(f"{suite.name:<16} {kind:<9} {outcome.passed} passed (expected {suite.passed}), "
          f"{len(outcome.failed)} failed: {'ok' if is_met else 'NOT MET'}")
    for name in outcome.failed:
        print(f"    {name}")
    return 0 if is_met else 1


def run(suite: Suite, checkout: Path, verbose: bool = False) -> Outcome:
    """Run a suite's test files from a copy, in a Python of their own."""
    with tempfile.TemporaryDirectory(prefix="conformance_") as folder:
        tests, report, prefix = (Path(folder) / name for name in ("tests", "report.xml", "prefix"))
        shutil.copytree(checkout / suite.tests, tests)
        for helper in suite.helpers:
            shutil.copy(checkout / helper, tests)
        for script in tests.rglob("*.bash"):
            script.chmod(0o755)
        make_packages(prefix, suite.packages)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib",
                   f"--junit-xml={report}", f"--rootdir={tests}", str(tests)]
        command += [f"--ignore={tests / path}" for path in suite.skip]
        command += ["-k", suite.deselect] if suite.deselect else []
        env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tests), os.environ.get("PYTHONPATH", "")]),
               "AMENT_PREFIX_PATH": os.pathsep.join([str(prefix), os.environ.get("AMENT_PREFIX_PATH", sys.prefix)]),
               "ROS_LOG_DIR": str(Path(folder) / "log")}
        subprocess.run(command, cwd=tests, env=env, check=False, stdin=subprocess.DEVNULL,
                       stdout=None if verbose else subprocess.DEVNULL)
        return read_report(report)


def make_packages(prefix: Path, names: list[str]) -> None:
    """Install packages with the demo nodes into `prefix`, for tests that look packages up or run nodes."""
    index = prefix / "share/ament_index/resource_index/packages"
    index.mkdir(parents=True)
    for name in names:
        (index / name).touch()
        for folder in (prefix / "share" / name, prefix / "lib" / name):
            folder.mkdir(parents=True)
        (prefix / "share" / name / "package.xml").write_text(f"<package><name>{name}</name></package>\n")
        for executable in ("talker_qos", "listener_qos"):
            path = prefix / "lib" / name / executable
            path.write_text(DEMO_NODE.replace("{python}", sys.executable))
            path.chmod(0o755)


def read_report(path: Path) -> Outcome:
    """Return what a JUnit report says."""
    if not path.is_file():
        return Outcome(0, ["pytest did not run; see with -v"])
    passed, failed = 0, []
    for case in ElementTree.parse(path).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed.append(f"{case.get('classname')}.{case.get('name')}")
        elif case.find("skipped") is None:
            passed += 1
    return Outcome(passed, failed)


if __name__ == "__main__":
    sys.exit(main())
