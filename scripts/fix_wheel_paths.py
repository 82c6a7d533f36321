"""Point the CMake files of the ROS wheels at this Python.

The wheels export the include folders of the machine that built them (``/opt/python/cp3*``); packages with messages of
their own do not compile until these name the Python and the numpy of this environment. Idempotent.
"""

import re
import sys
import sysconfig
from pathlib import Path

import numpy as np

NUMPY_INCLUDE = re.compile(r"/opt/python/cp\d+-cp\d+/lib/python3\.\d+/site-packages/numpy/_core/include")
PYTHON_INCLUDE = re.compile(r"/opt/python/cp\d+-cp\d+/include/python3\.\d+")


def main() -> None:
    """Rewrite every exported CMake file under the environment's share folder."""
    for path in Path(sys.prefix, "share").rglob("*.cmake"):
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
        if "/opt/python/" not in text:
            continue
        text = NUMPY_INCLUDE.sub(np.get_include(), text)
        text = PYTHON_INCLUDE.sub(sysconfig.get_path("include"), text)
        path.write_text(text, encoding="utf-8", errors="surrogateescape")


if __name__ == "__main__":
    main()
