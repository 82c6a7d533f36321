"""Pictures of the benchmark travel between real processes, or are handed on within one."""

import pytest

from walkout.cli import main
from walkout.errors import UserError
from walkout.evaluation.transport_benchmark import Load, measure

LOAD = Load(2, 64, 48, 10.0)


@pytest.mark.timeout(150)
@pytest.mark.usefixtures("domain_id")
@pytest.mark.parametrize("mode", ["bare", "walkout", "composed"])
def test_pictures_come_through(mode: str) -> None:
    found = measure(LOAD, mode, mode, True, 2.0)
    assert found.row == mode
    assert 0 < found.delivered <= found.sent
    assert 0 <= found.p50_ms <= found.p95_ms  # type: ignore[operator]
    assert (found.subscriber_cpu == 0) == (mode == "composed")


@pytest.mark.usefixtures("domain_id")
def test_a_worker_that_fails_is_told() -> None:
    with pytest.raises(UserError, match=r"a process failed: .*invalid choice: 'nonsense'"):
        measure(LOAD, "x", "nonsense", True, 1.0)


def test_a_file_that_cannot_be_written_is_told_before_minutes_of_measuring(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["benchmark", "transport", "--json", "/no/such/folder/out.json"]) == 2
    assert "the folder does not exist" in capsys.readouterr().err
