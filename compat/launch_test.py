"""Run one test file of upstream's under upstream's launch_testing: ``launch_test.py PATIENCE FILE --junit-xml=REPORT``.

launch_testing's plug-in for pytest needs an older pytest; its own runner does not. PATIENCE makes the waits longer:
all of them are waits for a condition, so this changes when a test fails, never what it expects.
"""

import importlib
import sys
import threading

from launch_testing import launch_test


def main() -> None:
    """Stretch the waits and hand over to launch_testing."""
    for part in ("actions", "asserts", "markers", "tools"):
        # Some tests rely on the plug-in's having imported them.
        importlib.import_module(f"launch_testing.{part}")
    patience = float(sys.argv.pop(1))
    wait_for = threading.Condition.wait_for

    def patiently(condition, predicate, timeout=None):
        return wait_for(condition, predicate, timeout and timeout * patience)

    threading.Condition.wait_for = patiently
    launch_test.main()


if __name__ == "__main__":
    main()
