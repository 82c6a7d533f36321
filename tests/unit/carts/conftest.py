import sys
from pathlib import Path

# The little store is shared with the tests of the stage before.
sys.path.append(str(Path(__file__).parents[1] / "interactions"))
