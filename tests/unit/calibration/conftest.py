import sys
from pathlib import Path

# Synthetic pictures and walks are shared with the tests of the geometry.
sys.path.append(str(Path(__file__).parents[1] / "geometry"))
