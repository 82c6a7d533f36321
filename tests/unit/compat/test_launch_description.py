"""Entities, scopes and substitutions of launch: what a launch file says, without processes."""

import os
import sys

import pytest
from launch import LaunchContext, LaunchDescription, LaunchIntrospector, LaunchService
from launch.actions import (
    AppendEnvironmentVariable,
    DeclareLaunchArgument,
    EmitEvent,
    GroupAction,
    IncludeLaunchDescription,
    LogInfo,
    OpaqueFunction,
    RegisterEventHandler,
    SetEnvironmentVariable,
    SetLaunchConfiguration,
    Shutdown,
    TimerAction,
)
from launch.conditions import IfCondition, InvalidConditionExpressionError, UnlessCondition
from launch.event import Event
from launch.event_handler import EventHandler
from launch.event_handlers import OnExecutionComplete, OnShutdown
from launch.frontend.parse_substitution import parse_substitution
from launch.invalid_launch_file_error import InvalidLaunchFileError
from launch.launch_description_sources import (
    AnyLaunchDescriptionSource,
    InvalidPythonLaunchFileError,
    PythonLaunchDescriptionSource,
)
from launch.substitutions import (
    AndSubstitution,
    AnySubstitution,
    Command,
    EnvironmentVariable,
    EqualsSubstitution,
    FindExecutable,
    IfElseSubstitution,
    LaunchConfiguration,
    LocalSubstitution,
    NotEqualsSubstitution,
    NotSubstitution,
    PathJoinSubstitution,
    PythonExpression,
    SubstitutionFailure,
    TextSubstitution,
    ThisLaunchFile,
    ThisLaunchFileDir,
)
from launch.utilities import normalize_to_list_of_substitutions, perform_substitutions


def run(*entities, **kwargs):
    """Run the entities; return the service's exit code."""
    service = LaunchService(noninteractive=True, **kwargs)
    service.include_launch_description(LaunchDescription(entities))
    return service.run()


def note(seen, substitution):
    """Return an action that appends the substitution's text to `seen`."""
    subs = normalize_to_list_of_substitutions(substitution)
    return OpaqueFunction(function=lambda context: seen.append(perform_substitutions(context, subs)))


def text_of(substitution, **configurations):
    context = LaunchContext()
    context.launch_configurations.update(configurations)
    return perform_substitutions(context, normalize_to_list_of_substitutions(substitution))


@pytest.mark.parametrize(
    ("substitution", "expected"),
    [
        (["a", TextSubstitution(text="b"), "c"], "abc"),
        (LaunchConfiguration("x"), "1"),
        (LaunchConfiguration("y", default=LaunchConfiguration("x")), "1"),
        (LaunchConfiguration("y", default=5), "5"),
        (PathJoinSubstitution(["/a", ["b", LaunchConfiguration("x")], "c"]), "/a/b1/c"),
        (PythonExpression(["2 + ", LaunchConfiguration("x")]), "3"),
        (PythonExpression("floor(pi)"), "3"),
        (EnvironmentVariable("SURELY_NOT_SET", default_value="d"), "d"),
        (NotSubstitution("false"), "true"),
        (AndSubstitution("true", "0"), "false"),
        (AnySubstitution("false", "false", "1"), "true"),
        (EqualsSubstitution(LaunchConfiguration("x"), True), "true"),
        (NotEqualsSubstitution("a", "b"), "true"),
        (IfElseSubstitution(LaunchConfiguration("x"), "yes", "no"), "yes"),
        (Command("echo 'a  b'"), "a  b\n"),
    ],
)
def test_substitutions_give_their_text(substitution, expected):
    assert text_of(substitution, x="1") == expected


@pytest.mark.parametrize(
    ("substitution", "message"),
    [
        (LaunchConfiguration("y"), "launch configuration 'y' does not exist"),
        (EnvironmentVariable("SURELY_NOT_SET"), "SURELY_NOT_SET"),
        (FindExecutable(name="surely-not-a-program"), "surely-not-a-program"),
        (NotSubstitution("maybe"), "maybe"),
        (Command("false"), "executed command failed"),
        (LocalSubstitution("event.reason"), "event.reason"),
        (ThisLaunchFile(), "ThisLaunchFile"),
        (ThisLaunchFileDir(), "ThisLaunchFileDir"),
    ],
)
def test_substitutions_without_a_value_fail_by_name(substitution, message):
    with pytest.raises(SubstitutionFailure, match=message):
        text_of(substitution)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain $5", "plain $5"),
        ("$(var x)/$(env SURELY_NOT_SET 'a b')", "1/a b"),
        (r"\$(var x)", "$(var x)"),
        ("$(eval '1 + $(var x)')", "2"),
        ("$(if $(equals $(var x) 1) yes no)", "yes"),
        ("$(and true $(not false))", "true"),
    ],
)
def test_textual_substitutions(text, expected):
    assert text_of(parse_substitution(text), x="1") == expected


@pytest.mark.parametrize("text", ["$(", "$(var x", "$(nonsense x)", "$(env 'x)"])
def test_broken_textual_substitutions_are_refused(text):
    with pytest.raises(ValueError, match=r"substitution|closed"):
        parse_substitution(text)


@pytest.mark.parametrize(
    ("text", "expected"), [("true", True), (" TRUE ", True), ("1", True), ("False", False), ("0", False)])
def test_conditions_know_four_words(text, expected):
    assert IfCondition(text).evaluate(LaunchContext()) is expected
    assert UnlessCondition(text).evaluate(LaunchContext()) is not expected


@pytest.mark.parametrize("text", ["", "yes", "on", "2"])
def test_conditions_refuse_other_words(text):
    with pytest.raises(InvalidConditionExpressionError):
        IfCondition(text).evaluate(LaunchContext())


def test_argument_keeps_a_given_value_and_sets_its_default_otherwise():
    context = LaunchContext()
    context.launch_configurations["a"] = "given"
    for action in (DeclareLaunchArgument("a", default_value="d"), DeclareLaunchArgument("b", default_value=["d", "e"])):
        action.visit(context)
    assert context.launch_configurations == {"a": "given", "b": "de"}


def test_argument_without_value_or_with_a_wrong_choice_is_an_error():
    with pytest.raises(RuntimeError, match='Required launch argument "a" was not provided'):
        DeclareLaunchArgument("a").visit(LaunchContext())
    context = LaunchContext()
    context.launch_configurations["a"] = "z"
    with pytest.raises(RuntimeError, match="Valid options are"):
        DeclareLaunchArgument("a", choices=["x", "y"]).visit(context)
    with pytest.raises(RuntimeError, match="not in provided choices"):
        DeclareLaunchArgument("a", default_value="z", choices=["x", "y"])


def test_scoped_group_restores_configurations_and_environment(monkeypatch):
    monkeypatch.setenv("GROUP_TEST", "outer")
    seen = []
    assert run(
        SetLaunchConfiguration("a", "outer"),
        GroupAction(
            [
                SetLaunchConfiguration("a", "inner"),
                SetEnvironmentVariable("GROUP_TEST", "inner"),
                note(seen, [LaunchConfiguration("a"), EnvironmentVariable("GROUP_TEST"), LaunchConfiguration("b")]),
            ],
            launch_configurations={"b": "B"},
        ),
        note(seen, [LaunchConfiguration("a"), EnvironmentVariable("GROUP_TEST"),
                    LaunchConfiguration("b", default="-")]),
        GroupAction([SetLaunchConfiguration("a", "leaked")], scoped=False),
        note(seen, LaunchConfiguration("a")),
    ) == 0
    assert seen == ["innerinnerB", "outerouter-", "leaked"]


def test_group_without_forwarding_sees_only_what_it_is_given():
    seen = []
    run(
        SetLaunchConfiguration("a", "A"),
        SetLaunchConfiguration("b", "B"),
        GroupAction(
            [note(seen, [LaunchConfiguration("a", default="-"), LaunchConfiguration("c")])],
            forwarding=False,
            launch_configurations={"c": LaunchConfiguration("b")},
        ),
    )
    assert seen == ["-B"]


def test_timers_run_outside_of_the_group_around_them():
    """Upstream's behaviour: the scope has ended by the time the timer's actions are visited."""
    seen = []
    run(
        SetLaunchConfiguration("a", "outer"),
        GroupAction([
            SetLaunchConfiguration("a", "inner"),
            TimerAction(period=0.01, actions=[note(seen, LaunchConfiguration("a"))]),
        ]),
    )
    assert seen == ["outer"]


def test_append_environment_variable(monkeypatch):
    monkeypatch.setenv("APPEND_TEST", "b")
    context = LaunchContext()
    AppendEnvironmentVariable("APPEND_TEST", "c").visit(context)
    AppendEnvironmentVariable("APPEND_TEST", "a", prepend=True).visit(context)
    assert os.environ["APPEND_TEST"] == os.pathsep.join("abc")


LAUNCH_FILE = """
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, SetLaunchConfiguration
from launch.substitutions import LaunchConfiguration, ThisLaunchFileDir

def generate_launch_description():
    return LaunchDescription([
        DeclareLaunchArgument("needed", description="what is needed"),
        DeclareLaunchArgument("optional", default_value="o"),
        SetLaunchConfiguration("result", [LaunchConfiguration("needed"), "@", ThisLaunchFileDir()]),
    ])
"""


def test_include_is_not_scoped_and_tells_the_file_where_it_is(tmp_path):
    path = tmp_path / "part.launch.py"
    path.write_text(LAUNCH_FILE)
    seen = []
    source = PythonLaunchDescriptionSource([str(tmp_path), "/part.launch.py"])
    assert run(
        IncludeLaunchDescription(source, launch_arguments={"needed": "n"}.items()),
        note(seen, [LaunchConfiguration("result"), LaunchConfiguration("needed"), LaunchConfiguration("optional")]),
    ) == 0
    assert seen == [f"n@{tmp_path}no"]
    assert not (tmp_path / "__pycache__").exists()


def test_include_without_a_required_argument_ends_the_launch(tmp_path, capsys):
    path = tmp_path / "part.launch.py"
    path.write_text(LAUNCH_FILE)
    assert run(IncludeLaunchDescription(str(path))) == 1
    output = capsys.readouterr().out
    assert "Included launch description missing required argument 'needed'" in output
    assert "Traceback" not in output


def test_declared_arguments_are_found_through_includes_and_conditions(tmp_path):
    path = tmp_path / "part.launch.py"
    path.write_text(LAUNCH_FILE)
    description = LaunchDescription([
        DeclareLaunchArgument("own", condition=IfCondition("true")),
        GroupAction([IncludeLaunchDescription(str(path))]),
    ])
    arguments = {a.name: a._conditionally_included for a in description.get_launch_arguments()}
    assert arguments == {"own": True, "needed": False, "optional": False}


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("a.launch.py", "x = 1", InvalidPythonLaunchFileError),
        ("a.launch.xml", "<launch/>", InvalidLaunchFileError),
        ("a.launch.yaml", "launch:", InvalidLaunchFileError),
        ("a.launch.py", None, FileNotFoundError),
    ],
)
def test_files_that_cannot_be_launched_are_refused(tmp_path, name, content, error):
    path = tmp_path / name
    if content is not None:
        path.write_text(content)
    with pytest.raises(error):
        AnyLaunchDescriptionSource(str(path)).get_launch_description(LaunchContext())


def test_opaque_functions_may_return_entities_which_come_next():
    seen = []
    run(
        OpaqueFunction(function=lambda context, a, b: [note(seen, a), note(seen, b)], args=["x"], kwargs={"b": "y"}),
        note(seen, "z"),
    )
    assert seen == ["x", "y", "z"]


def test_newest_handler_comes_first_and_may_serve_once():
    class Ping(Event):
        name = "ping"

    seen = []

    def handler(label, **kwargs):
        return RegisterEventHandler(EventHandler(
            matcher=lambda event: isinstance(event, Ping), entities=[note(seen, label)], **kwargs))

    run(handler("old"), handler("new", handle_once=True), EmitEvent(event=Ping()), EmitEvent(event=Ping()))
    assert seen == ["new", "old", "old"]


def test_shutdown_reason_is_seen_by_its_handlers():
    seen = []
    run(
        RegisterEventHandler(OnShutdown(on_shutdown=[note(seen, LocalSubstitution("event.reason"))])),
        Shutdown(reason="enough"),
        TimerAction(period=60.0, actions=[note(seen, "never")]),
    )
    assert seen == ["enough"]


def test_completion_of_an_action_can_be_awaited():
    seen = []
    timer = TimerAction(period=0.01, actions=[note(seen, "timer")])
    run(RegisterEventHandler(OnExecutionComplete(target_action=timer, on_completion=[note(seen, "done")])), timer)
    assert seen == ["timer", "done"]


def test_an_exception_ends_the_launch_with_one_line_and_code_1(capsys):
    def fail(context):
        raise RuntimeError("no such shelf")

    assert run(OpaqueFunction(function=fail), TimerAction(period=60.0, actions=[])) == 1
    output = capsys.readouterr().out
    assert "Caught exception in launch (see debug for traceback): no such shelf" in output
    assert "Traceback" not in output


def test_log_info_is_seen(capsys):
    run(LogInfo(msg=["hello ", LaunchConfiguration("who", default="you")]))
    assert "[INFO] [launch.user]: hello you" in capsys.readouterr().out


def test_introspection_shows_the_tree():
    text = LaunchIntrospector().format_launch_description(LaunchDescription([
        GroupAction([DeclareLaunchArgument("a")], scoped=False),
        TimerAction(period=1.0, actions=[LogInfo(msg="x")]),
    ]))
    lines = text.splitlines()
    assert lines[0] == "LaunchDescription with 2 entities"
    assert lines[2].endswith("└── DeclareLaunchArgument(name='a')")
    assert any("Conditional" in line for line in lines)


def test_service_runs_again_and_from_a_thread():
    import threading
    results = []
    service = LaunchService(noninteractive=True)
    for _ in range(2):
        service.include_launch_description(LaunchDescription([LogInfo(msg="x")]))
        results.append(service.run())
    thread = threading.Thread(target=lambda: results.append(run(TimerAction(period=0.01, actions=[]))))
    thread.start()
    thread.join(10)
    assert results == [0, 0, 0]


def test_shutdown_from_another_thread_ends_a_waiting_service():
    import threading
    service = LaunchService(noninteractive=True)
    threading.Timer(0.2, service.shutdown).start()
    assert service.run(shutdown_when_idle=False) == 0


def test_this_project_s_launch_folder_does_not_hide_the_module(tmp_path):
    import subprocess
    (tmp_path / "launch").mkdir()
    result = subprocess.run([sys.executable, "-c", "import launch; print(launch.LaunchDescription)"], cwd=tmp_path,
                            capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
