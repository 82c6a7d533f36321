"""All tests of the stand-ins share one domain, which no other process has: a verb lists whatever is in it."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def _own_domain(process_domain):
    return process_domain
