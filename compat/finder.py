"""Import hook that lends the stand-ins of ``compat/python`` to an environment without the upstream modules.

Run by the line that `activate.py` writes into the environment's site-packages. It keeps to three rules: the module
found by any other finder wins; a folder that merely has the name (this project's own ``launch/``, seen as a namespace
package from the current directory) is not a module; names other than those of the stand-ins are none of its business.
"""

import importlib.machinery
import os
import sys


class StandinFinder:
    """Meta-path finder for the top-level packages in `folder`."""

    def __init__(self, folder):
        self.folder = folder
        entries = os.listdir(folder) if os.path.isdir(folder) else []
        self.names = frozenset(e[:-3] if e.endswith(".py") else e for e in entries if not e.startswith(("_", ".")))

    def find_spec(self, name, path=None, target=None):
        """Return the upstream module's spec when there is one, else the stand-in's; None for all other names."""
        if path is not None or name not in self.names:
            return None
        for finder in sys.meta_path:
            if isinstance(finder, StandinFinder) or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(name, None, target)
            if spec is not None and spec.origin is not None:
                return spec
        return importlib.machinery.PathFinder.find_spec(name, [self.folder], target)


def install(folder):
    """Put one finder for `folder` first on `sys.meta_path` (once)."""
    if not any(getattr(f, "folder", None) == folder for f in sys.meta_path):
        sys.meta_path.insert(0, StandinFinder(folder))


if __name__ == "walkout_standins":
    install(os.path.join(os.path.dirname(os.path.abspath(__file__)), "python"))
