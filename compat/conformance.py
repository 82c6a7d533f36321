"""Hold the stand-ins to upstream's own tests: ``python compat/conformance.py CHECKOUT... [--only SUITE] [-v]``.

Each CHECKOUT is a folder with a checkout of an upstream repository (branch jazzy), such as ros2/launch. Its test
files are copied to a temporary folder and run against the modules that this Python imports; nothing of upstream is
kept. Tests that start processes run under upstream's launch_testing, taken from the checkouts too, on our launch.
The manifest `conformance.yaml` says which suites there are and how many tests pass. Exit code 0 if all
expectations are met.

Examples:
  python compat/conformance.py ~/ros2/launch
  python compat/conformance.py ~/ros2/launch ~/ros2/launch_ros ~/ros2/ros2cli --only ros2topic -v
  python compat/conformance.py ~/ros2/* --markdown >>compat/README.md
"""

from __future__ import annotations

import argparse
import ast
import fnmatch
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
from domain_coordinator import domain_id

HERE = Path(__file__).resolve().parent
MANIFEST = HERE / "conformance.yaml"
#: Upstream's checks of its own style are no matter of ours.
LINTERS = ("test_copyright.py", "test_flake8.py", "test_pep257.py", "test_xmllint.py", "test_mypy.py")
LAUNCH_TEST_S = 900

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
    #: the module whose origin the table shows; default the suite's name
    module: str = ""
    #: file names to run, as patterns
    files: tuple[str, ...] = ("test_*.py",)
    #: files and folders of a checkout that the tests import, copied beside them
    helpers: tuple[str, ...] = ()
    #: modules that upstream's build makes: name -> source
    modules: dict[str, str] = field(default_factory=dict)
    #: Python packages of upstream without a stand-in: folders in any of the checkouts
    needs: tuple[str, ...] = ()
    #: ROS packages to pretend
    packages: tuple[str, ...] = ()
    #: folders of interface packages in the checkout whose definitions are shown, not used
    definitions: tuple[str, ...] = ()
    #: file, folder or file::test below the tests -> why it is not run
    skip: dict[str, str] = field(default_factory=dict)


@dataclass
class Outcome:
    """What a suite's run gave; `total` counts what was skipped, too."""

    passed: int = 0
    total: int = 0
    failed: list[str] = field(default_factory=list)

    def add(self, other: Outcome) -> None:
        """Add the outcome of another run."""
        self.passed, self.total, self.failed = (
            self.passed + other.passed, self.total + other.total, self.failed + other.failed)


def main(argv: list[str] | None = None) -> int:
    """Run the suites found in the given checkouts; print a table; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkouts", nargs="+", type=Path, metavar="CHECKOUT")
    parser.add_argument("--only", metavar="SUITE", action="append", help="run this suite only; may be repeated")
    parser.add_argument("--patience", type=float, default=5.0, metavar="FACTOR",
                        help="make launch_testing's waits so many times longer (default: %(default)s): upstream's "
                             "2 seconds are short for a command on a busy machine")
    parser.add_argument("--markdown", action="store_true", help="print the table in Markdown")
    parser.add_argument("-v", "--verbose", action="store_true", help="show the tests' output")
    args = parser.parse_args(argv)
    checkouts = [path.resolve() for path in args.checkouts]
    found = [(suite, checkout) for suite in load_manifest() if not args.only or suite.name in args.only
             for checkout in checkouts if _has(checkout / suite.tests, suite.files)]
    if not found:
        wanted = ", ".join(f"{suite.tests} ({suite.repository})" for suite in load_manifest())
        print(f"conformance.py: error: none of the checkouts has one of: {wanted}", file=sys.stderr)
        return 2
    row = "| {:<18} | {:<24} | {:<8} | {:>6} | {:>8} | {:>5} | {:<7} |"
    if args.markdown:
        print(row.format("suite", "repository", "module", "passed", "expected", "total", ""))
        print(row.format("---", "---", "---", "---", "---", "---", "---"))
    code = 0
    for suite, checkout in found:
        missing = [need for need in suite.needs if not _find(need, checkouts)]
        if missing:
            print(f"conformance.py: error: {suite.name} needs a checkout with {', '.join(missing)}", file=sys.stderr)
            return 2
        outcome = run(suite, checkout, checkouts, args.patience, args.verbose)
        is_met = outcome.passed >= suite.passed
        code = code if is_met else 1
        cells = (suite.name, suite.repository, _kind(suite.module or suite.name), outcome.passed, suite.passed,
                 outcome.total, "ok" if is_met else "NOT MET")
        line = row if args.markdown else "{:<18} {:<24} {:<9} {:>3} passed, {:>3} expected, of {:>3}: {}"
        print(line.format(*cells), flush=True)
        for name in outcome.failed:
            print(f"    failed: {name}", file=sys.stderr if args.markdown else sys.stdout, flush=True)
    return code


def load_manifest() -> list[Suite]:
    """Return the suites of the manifest."""
    return [Suite(name=name, **entry) for name, entry in yaml.safe_load(MANIFEST.read_text()).items()]


def run(suite: Suite, checkout: Path, checkouts: list[Path], patience: float = 1.0, verbose: bool = False) -> Outcome:
    """Run a suite's test files from a copy, in a Python and a ROS domain of their own."""
    with tempfile.TemporaryDirectory(prefix="conformance_") as name, domain_id() as domain:
        folder = Path(name)
        tests = folder / "tests"
        shutil.copytree(checkout / suite.tests, tests, symlinks=True)
        for helper in suite.helpers:
            source = checkout / helper
            (shutil.copytree if source.is_dir() else shutil.copy)(source, tests / source.name)
        for script in tests.rglob("*.bash"):
            script.chmod(0o755)
        make_modules(folder / "modules", suite.modules)
        make_packages(folder / "prefix", suite.packages)
        for package in suite.definitions:
            install_definitions(folder / "prefix", checkout / package)
        paths = [tests, folder / "modules", *(_find(need, checkouts) for need in suite.needs)]
        env = {**os.environ,
               "PYTHONPATH": os.pathsep.join([*map(str, paths), os.environ.get("PYTHONPATH", "")]),
               "AMENT_PREFIX_PATH": os.pathsep.join([str(folder / "prefix"),
                                                     os.environ.get("AMENT_PREFIX_PATH", sys.prefix)]),
               "ROS_DOMAIN_ID": str(domain), "ROS_LOG_DIR": str(folder / "log"),
               "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        plain, launched, outcome = [], [], Outcome()
        for path in sorted(tests.rglob("*.py")):
            relative = path.relative_to(tests).as_posix()
            if path.name in LINTERS or not any(fnmatch.fnmatch(path.name, pattern) for pattern in suite.files):
                continue
            skipped = [key for key in suite.skip if relative == key or relative.startswith(key + "/")]
            names = test_names(path)
            if skipped:
                outcome.total += len(names)
            elif "generate_test_description" in path.read_text():
                launched.append(path)
            else:
                plain.append(path)
                outcome.total += sum(key.startswith(relative + "::") for key in suite.skip)
        if plain:
            command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib",
                       f"--rootdir={tests}", *map(str, plain)]
            command += [f"--deselect={key}" for key in suite.skip if "::" in key]
            outcome.add(execute(command, folder, env, verbose))
        for path in launched:
            command = [sys.executable, str(HERE / "launch_test.py"), str(patience), str(path)]
            outcome.add(execute(command, folder, env, verbose, len(test_names(path))))
        return outcome


def execute(command: list[str], folder: Path, env: dict[str, str], verbose: bool, tests: int = 1) -> Outcome:
    """Run tests that write a JUnit report; without a report all of them, `tests`, count as failed."""
    report = folder / "report.xml"
    report.unlink(missing_ok=True)
    shown = None if verbose else subprocess.DEVNULL
    with subprocess.Popen([*command, f"--junit-xml={report}"], cwd=folder / "tests", env=env, start_new_session=True,
                          stdin=subprocess.DEVNULL, stdout=shown, stderr=shown) as process:
        try:
            process.wait(LAUNCH_TEST_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
    if not report.is_file():
        return Outcome(0, tests, [f"{Path(command[-1]).name} did not run; see with -v"])
    outcome = Outcome()
    for case in ElementTree.parse(report).iter("testcase"):
        outcome.total += 1
        if case.find("failure") is not None or case.find("error") is not None:
            outcome.failed.append(f"{case.get('classname')}.{case.get('name')}")
        elif case.find("skipped") is None:
            outcome.passed += 1
    return outcome


def test_names(path: Path) -> list[str]:
    """Return the names of the test functions in a file, without running it."""
    functions = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef))
    return [function.name for function in functions if function.name.startswith("test")]


def make_modules(folder: Path, modules: dict[str, str]) -> None:
    """Write the modules that upstream's build makes: dotted name -> source."""
    for name, source in modules.items():
        path = folder.joinpath(*name.split(".")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)


def make_packages(prefix: Path, names: tuple[str, ...]) -> None:
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


def install_definitions(prefix: Path, package: Path) -> None:
    """Install a package's interface definitions without building them."""
    kinds = ("msg", "srv", "action")
    files = [path.relative_to(package) for kind in kinds for path in sorted(package.glob(f"{kind}/*"))]
    for file in files:
        target = prefix / "share" / package.name / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(package / file, target)
    for resource, text in (("packages", ""), ("rosidl_interfaces", "".join(f"{file}\n" for file in files))):
        path = prefix / "share/ament_index/resource_index" / resource / package.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _has(folder: Path, patterns: tuple[str, ...]) -> bool:
    return folder.is_dir() and all(any(folder.rglob(pattern)) for pattern in patterns)


def _find(folder: str, checkouts: list[Path]) -> Path | None:
    return next((checkout / folder for checkout in checkouts if (checkout / folder).is_dir()), None)


def _kind(module: str) -> str:
    return "stand-in" if getattr(importlib.import_module(module), "__standin__", False) else "upstream"


if __name__ == "__main__":
    sys.exit(main())
