"""The statuses that diagnostic tasks give, with a clock of the test's own."""

from types import SimpleNamespace

import pytest
from diagnostic_msgs.msg import DiagnosticStatus
from diagnostic_updater import (
    CompositeDiagnosticTask,
    DiagnosticStatusWrapper,
    DiagnosticTaskVector,
    FrequencyStatus,
    FrequencyStatusParam,
    FunctionDiagnosticTask,
    Heartbeat,
    TimeStampStatus,
    TopicDiagnostic,
    tasks,
)

OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR


@pytest.fixture
def clock(monkeypatch):
    now = SimpleNamespace(s=100.0)
    now.now = lambda: SimpleNamespace(nanoseconds=round(now.s * 1e9))
    monkeypatch.setattr(tasks, "_steady_s", lambda: now.s)
    return now


def level(task):
    return task.run(DiagnosticStatusWrapper()).level


@pytest.mark.parametrize(
    ("first", "second", "merged"),
    [
        ((OK, "fine"), (OK, "well"), (OK, "fine; well")),
        ((OK, "fine"), (WARN, "odd"), (WARN, "odd")),
        ((ERROR, "bad"), (OK, "fine"), (ERROR, "bad")),
        ((WARN, "odd"), (ERROR, "bad"), (ERROR, "odd; bad")),
        ((OK, ""), (OK, "well"), (OK, "well")),
    ],
)
def test_merged_summaries(first, second, merged):
    status = DiagnosticStatusWrapper()
    status.summary(*first)
    status.mergeSummary(*second)
    assert (status.level, status.message) == merged


def test_frequency_within_and_beyond_its_limits(clock):
    status = FrequencyStatus(FrequencyStatusParam({"min": 10, "max": 10}, tolerance=0.1, window_size=1))
    for ticks, expected in ((0, ERROR), (8, WARN), (9, OK), (11, OK), (12, WARN)):
        for _ in range(ticks):
            status.tick()
        clock.s += 1.0
        assert level(status) == expected, ticks
    status.clear()
    assert level(status) == ERROR


def test_stamps_too_old_or_from_the_future(clock):
    status = TimeStampStatus(clock=clock)
    assert level(status) == WARN
    for age, expected in ((0.0, OK), (4.9, OK), (5.1, ERROR), (-0.9, OK), (-1.1, ERROR)):
        status.tick(clock.s - age)
        assert level(status) == expected, age
    status.tick(0)
    assert level(status) == ERROR
    assert level(status) == WARN


def test_tasks_in_one_status_do_not_hide_each_other():
    def odd(status):
        status.summary(WARN, "odd")
        status.add("key", 5)
        return status

    both = CompositeDiagnosticTask("both")
    both.addTask(FunctionDiagnosticTask("odd", odd))
    both.addTask(Heartbeat())
    status = both.run(DiagnosticStatusWrapper())
    assert (status.level, status.message, status.values[0].value) == (WARN, "odd", "5")


def test_a_topic_adds_itself_and_can_be_removed(clock):
    updater = DiagnosticTaskVector()
    rate = FrequencyStatusParam({"min": 1, "max": 5})
    topic = TopicDiagnostic("shoppers", updater, rate, tasks.TimeStampStatusParam())
    topic.stamp = topic.tasks[1] = TimeStampStatus(clock=clock)
    topic.tick(clock.s)
    clock.s += 0.5
    assert level(topic) == OK
    assert [task.getName() for task in updater.tasks] == ["shoppers topic status"]
    assert updater.removeByName("shoppers topic status")
    assert updater.tasks == []
