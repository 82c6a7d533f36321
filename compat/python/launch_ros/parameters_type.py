"""Names for what may be given as the parameters of a node."""

from collections.abc import Mapping, Sequence
from typing import Any

#: Parameter files (paths, substitutions or `ParameterFile`), `Parameter` objects, or dictionaries of names and values.
SomeParameters = Sequence[Any]
SomeParametersDict = Mapping[Any, Any]
#: What `launch_ros.utilities.normalize_parameters` makes of them.
Parameters = Sequence[Any]
#: What `launch_ros.utilities.evaluate_parameters` makes of those: paths, dictionaries with plain values, `Parameter`.
EvaluatedParameters = Sequence[Any]
