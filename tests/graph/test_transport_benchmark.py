"""Pictures of the benchmark travel between two real processes."""

import numpy as np
import pytest

from walkout.ros.transport import measure_transport


@pytest.mark.timeout(120)
@pytest.mark.usefixtures("domain_id")
def test_pictures_arrive_both_ways():
    found = measure_transport(np.full((480, 640, 3), 7, np.uint8), frames=10)
    for way in ("ours", "reference"):
        assert found[way]["sent"] == 10
        assert found[way]["arrived"] >= 8
        assert 0 < found[way]["ms_p50"] <= found[way]["ms_p95"]
