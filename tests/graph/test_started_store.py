"""A store that the benchmark starts and ends."""

from __future__ import annotations

import os

import psutil
import pytest

from walkout.ros.probe import same_domain
from walkout.ros.started_store import launched
from walkout.store.loader import load_store


def left_over():
    """Return the processes of this package in this ROS domain."""
    processes = psutil.process_iter(["cmdline", "environ"])
    ours = [p for p in processes if same_domain(p.info["environ"], os.environ)]
    return [p for p in ours if any("/lib/walkout/" in part for part in (p.info["cmdline"] or [])[:4])]


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("domain_id")
def test_a_store_is_started_until_it_sees_and_nothing_is_left_of_it():
    with launched(load_store("kiosk"), "kiosk_one") as start_up_s:
        assert 0 < start_up_s < 120
        assert left_over()
    psutil.wait_procs(left_over(), timeout=5)
    assert left_over() == []


@pytest.mark.timeout(120)
@pytest.mark.usefixtures("domain_id")
def test_why_a_store_does_not_start_is_told():
    with pytest.raises(RuntimeError, match="no_such_scenario"), launched(load_store("kiosk"), "no_such_scenario"):
        pass
