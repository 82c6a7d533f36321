"""Processes of launch: output, exit, respawn, and how they are ended."""

import re
import signal
import sys

import psutil
import pytest
from launch import LaunchDescription, LaunchService
from launch.actions import (
    EmitEvent,
    ExecuteProcess,
    OpaqueFunction,
    RegisterEventHandler,
    SetLaunchConfiguration,
    Shutdown,
    TimerAction,
)
from launch.event_handlers import OnProcessExit, OnProcessIO, OnProcessStart
from launch.events import matches_action
from launch.events.process import ProcessStdin, ShutdownProcess, SignalProcess


def run(*entities, noninteractive=True):
    """Run the entities; return the service's exit code."""
    service = LaunchService(noninteractive=noninteractive)
    service.include_launch_description(LaunchDescription(entities))
    return service.run()


def shell(script, **kwargs):
    """Return an action that runs a script of sh."""
    return ExecuteProcess(cmd=["sh", "-c", script], **kwargs)


def exits(into):
    """Return an action that appends every return code to `into`."""
    return RegisterEventHandler(OnProcessExit(on_exit=lambda event, context: into.append(event.returncode)))


def test_output_has_the_process_s_name_in_front(capsys):
    assert run(shell("echo one; echo two >&2; printf three", output="screen")) == 0
    output = capsys.readouterr().out
    name = re.search(r"\[INFO\] \[(sh-\d+)\]: process started with pid \[\d+\]", output).group(1)
    for text in ("one", "two", "three"):
        assert f"[{name}] {text}\n" in output
    assert re.search(rf"\[INFO\] \[{name}\]: process has finished cleanly \[pid \d+\]", output)


def test_standard_output_goes_to_the_log_by_default_and_errors_to_the_screen_too(capsys):
    run(shell("echo quiet; echo loud >&2"))
    output = capsys.readouterr().out
    assert "loud" in output
    assert "] quiet" not in output


def test_a_failure_is_told_and_does_not_end_the_launch(capsys):
    codes = []
    assert run(exits(codes), shell("exit 3"), shell("sleep 0.3; exit 0")) == 0
    assert codes == [3, 0]
    assert re.search(r"\[ERROR\] \[sh-\d+\]: process has died \[pid \d+, exit code 3, cmd 'sh -c exit 3'\]\.",
                     capsys.readouterr().out)


def test_on_exit_may_end_the_launch():
    codes = []
    assert run(exits(codes), shell("exit 0", on_exit=Shutdown()), shell("exec sleep 60")) == 0
    assert codes == [0, -signal.SIGINT]


def test_on_exit_may_be_a_function_or_actions():
    seen = []
    run(
        shell("exit 4", on_exit=lambda event, context: seen.append(event.returncode)),
        shell("exit 5", on_exit=[OpaqueFunction(function=lambda context: seen.append("action"))]),
    )
    assert sorted(seen, key=str) == [4, "action"]


def test_a_program_that_does_not_exist_is_told_in_one_line(capsys):
    run(ExecuteProcess(cmd=["/nonexistent/program"]))
    output = capsys.readouterr().out
    assert "could not start '/nonexistent/program': No such file or directory" in output
    assert "Traceback" not in output


def test_environment_and_folder(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("LAUNCH_TEST_OUTER", "outer")
    run(
        shell("echo $(pwd) $LAUNCH_TEST_OUTER $X", cwd=str(tmp_path), additional_env={"X": "1"}, output="screen"),
        shell("echo only $LAUNCH_TEST_OUTER $X", env={"X": "2", "PATH": "/usr/bin:/bin"}, output="screen"),
    )
    output = capsys.readouterr().out
    assert f"{tmp_path} outer 1\n" in output
    assert "only 2\n" in output


def test_respawn_goes_on_up_to_its_limit_also_after_success():
    codes = []
    run(exits(codes), shell("exit 0", respawn=True, respawn_max_retries=2))
    assert codes == [0, 0, 0]


def test_respawn_ends_with_the_launch():
    codes = []
    assert run(
        exits(codes),
        shell("exit 7", respawn=True, respawn_delay=30.0),
        TimerAction(period=0.5, actions=[Shutdown()]),
    ) == 0
    assert codes == [7]


def test_a_stubborn_process_gets_stronger_signals(capsys):
    codes = []
    script = "trap '' INT; echo up; while :; do sleep 0.1; done"
    stubborn = shell(script, sigterm_timeout="0.3", output="screen")
    deaf = shell("trap '' INT TERM; echo up; while :; do sleep 0.1; done", sigterm_timeout="0.3", sigkill_timeout=0.3)
    assert run(exits(codes), stubborn, deaf, TimerAction(period=0.5, actions=[Shutdown()])) == 0
    assert sorted(codes) == [-signal.SIGTERM, -signal.SIGKILL]
    output = capsys.readouterr().out
    assert "failed to terminate '0.3' seconds after receiving 'SIGINT', escalating to 'SIGTERM'" in output
    assert "failed to terminate '0.3' seconds after receiving 'SIGTERM', escalating to 'SIGKILL'" in output


def test_timeouts_are_launch_configurations():
    codes = []
    run(
        exits(codes),
        SetLaunchConfiguration("sigterm_timeout", "0.1"),
        shell("trap '' INT; while :; do sleep 0.05; done"),
        TimerAction(period=0.3, actions=[Shutdown()]),
    )
    assert codes == [-signal.SIGTERM]


def test_a_process_being_started_while_the_launch_ends_is_ended_too():
    codes = []
    run(exits(codes), shell("exec sleep 60"), Shutdown())
    assert codes in ([], [-signal.SIGINT])


def test_one_process_can_be_signalled_or_shut_down():
    codes = []
    first, second = shell("exec sleep 60"), shell("exec sleep 60")
    run(
        RegisterEventHandler(OnProcessStart(target_action=first, on_start=[
            EmitEvent(event=SignalProcess(signal_number="SIGTERM", process_matcher=matches_action(first)))])),
        RegisterEventHandler(OnProcessExit(target_action=first, on_exit=[
            EmitEvent(event=ShutdownProcess(process_matcher=matches_action(second)))])),
        exits(codes), first, second,
    )
    assert codes == [-signal.SIGTERM, -signal.SIGINT]


def test_input_and_output_pass_as_events():
    seen = []
    cat = shell("read line; echo got $line")

    def feed(event, context):
        context.emit_event_sync(ProcessStdin(text=b"apples\n", **cat.process_details))

    run(
        RegisterEventHandler(OnProcessStart(target_action=cat, on_start=feed)),
        RegisterEventHandler(OnProcessIO(target_action=cat, on_stdout=lambda event: seen.append(event.text))),
        cat,
    )
    assert b"".join(seen) == b"got apples\n"


def test_output_can_be_kept():
    process = shell("echo a; echo b >&2", cached_output=True)
    run(process)
    assert (process.get_stdout(), process.get_stderr(), process.return_code) == ("a\n", "b\n", 0)


@pytest.mark.parametrize(("emulate", "expected"), [(True, 0), (False, 1)])
def test_a_terminal_is_emulated_on_request(emulate, expected):
    codes = []
    run(exits(codes), shell("test -t 1", emulate_tty=emulate))
    assert codes == [expected]


def test_a_lot_of_output_arrives_whole_and_in_order():
    process = ExecuteProcess(cmd=["seq", "20000"], cached_output=True, output="log")
    run(process)
    assert process.get_stdout().split() == [str(i) for i in range(1, 20001)]


def test_a_shell_gets_the_whole_command_line(capsys):
    run(ExecuteProcess(cmd=["echo a", "|", "tr a b"], shell=True, output="screen"))
    assert "] b\n" in capsys.readouterr().out


def test_children_of_a_process_get_the_signal_too_when_nobody_is_at_a_terminal(tmp_path):
    """A terminal's Ctrl-C reaches the whole group; without a terminal the launcher has to do the same."""
    pid_file = tmp_path / "pid"
    script = f"trap 'exit 0' INT; sh -c 'echo $$ > {pid_file}; exec sleep 60'; exit 1"
    run(shell(script), TimerAction(period=0.5, actions=[Shutdown()]))
    assert not psutil.pid_exists(int(pid_file.read_text()))


def test_prefix_goes_in_front(capsys):
    run(ExecuteProcess(cmd=["echo", "x"], prefix="env A=1", output="screen"))
    assert "] x\n" in capsys.readouterr().out


def test_names_are_unique():
    first, second = shell("exit 0"), shell("exit 0", name="friend")
    run(first, second)
    assert re.fullmatch(r"sh-\d+", first.process_details["name"])
    assert re.fullmatch(r"friend-\d+", second.process_details["name"])


def test_python_child_without_stdin_end_waits_for_it():
    codes = []
    run(exits(codes), ExecuteProcess(cmd=[sys.executable, "-S", "-c", "input()"]),
        TimerAction(period=0.6, actions=[Shutdown()]))
    assert codes == [-signal.SIGINT]
