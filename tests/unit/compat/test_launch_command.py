"""``ros2 launch``, ``run`` and ``pkg`` as a user meets them; above all, that nothing is left behind."""

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import textwrap
import time

import launch
import psutil
import pytest

IS_STANDIN = getattr(launch, "__standin__", False)
ROS2 = [shutil.which("ros2") or "ros2"]
if IS_STANDIN:
    ROS2 = [sys.executable, "-c", "import sys; from ros2cli.cli import main; sys.exit(main())"]

#: Three processes: one that ends at once on SIGINT, one that takes a moment, one with a child of its own.
TREE = """
    from launch import LaunchDescription
    from launch.actions import DeclareLaunchArgument, ExecuteProcess, SetLaunchConfiguration

    def process(script):
        return ExecuteProcess(cmd=["bash", "-c", script], output="screen")

    def generate_launch_description():
        return LaunchDescription([
            DeclareLaunchArgument("store", default_value="corner", description="Which store",
                                  choices=["corner", "kiosk"]),
            process("echo ready $$; exec sleep 300"),
            process("trap 'sleep 0.3; exit 0' INT; echo ready $$; while :; do sleep 0.05; done"),
            process("echo ready $$; sleep 300; exit 1"),
        ])
"""


@pytest.fixture
def launch_file(tmp_path):
    path = tmp_path / "tree.launch.py"
    path.write_text(textwrap.dedent(TREE))
    return path


def run(*arguments):
    """Run ros2 without a terminal; return (code, output, errors)."""
    result = subprocess.run([*ROS2, *map(str, arguments)], capture_output=True, text=True, stdin=subprocess.DEVNULL,
                            timeout=90, check=False)
    return result.returncode, result.stdout, result.stderr


class Terminal:
    """A launch in a terminal of its own, as a user has it."""

    def __init__(self, path):
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            # As a terminal starts it, even where these tests run in the background with signals ignored.
            for number in (signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            os.execvp(ROS2[0], [*ROS2, "launch", str(path)])
        self.output = ""

    def wait_until(self, done, timeout_s=60.0):
        """Read until `done(output)`; fail if it takes too long."""
        deadline = time.monotonic() + timeout_s
        while not done(self.output):
            assert time.monotonic() < deadline, self.output
            if not self._read():
                break
        assert done(self.output), self.output

    def _read(self):
        if select.select([self.master], [], [], 0.05)[0]:
            try:
                data = os.read(self.master, 65536)
            except OSError:
                return False
            self.output += data.decode(errors="replace")
        return True

    def ready_pids(self):
        """Wait for the three processes; return their ids."""
        self.wait_until(lambda output: output.count("ready") == 3)
        return [int(pid) for pid in re.findall(r"\] ready (\d+)", self.output)]

    def press_ctrl_c(self):
        os.write(self.master, b"\x03")

    def wait(self, timeout_s=60.0):
        """Read to the end; return the exit code."""
        deadline = time.monotonic() + timeout_s
        while self._read() and time.monotonic() < deadline:
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self.master)
        return os.waitstatus_to_exitcode(status)


@pytest.fixture
def terminal(launch_file):
    terminal = Terminal(launch_file)
    yield terminal
    if psutil.pid_exists(terminal.pid):
        os.kill(terminal.pid, signal.SIGKILL)


def family(pids):
    """Return the processes with all their descendants."""
    processes = [psutil.Process(pid) for pid in pids]
    return processes + [child for process in processes for child in process.children(recursive=True)]


def assert_gone(processes, timeout_s=30.0):
    _, alive = psutil.wait_procs(processes, timeout=timeout_s)
    assert not [p for p in alive if p.status() != psutil.STATUS_ZOMBIE]


def test_ctrl_c_ends_the_whole_tree_quickly_and_quietly(terminal):
    processes = family(terminal.ready_pids())
    terminal.press_ctrl_c()
    assert terminal.wait() == 0
    assert "user interrupted with ctrl-c (SIGINT)" in terminal.output
    assert "escalating" not in terminal.output
    assert "Traceback" not in terminal.output
    # The terminal has told the processes already.
    assert "sending signal 'SIGINT'" not in terminal.output
    assert_gone(processes)


def test_a_second_ctrl_c_is_survived(terminal):
    processes = family(terminal.ready_pids())
    terminal.press_ctrl_c()
    terminal.wait_until(lambda output: "user interrupted" in output)
    terminal.press_ctrl_c()
    assert terminal.wait() == 0
    assert "Traceback" not in terminal.output
    assert_gone(processes)


def test_a_terminated_launcher_shuts_down(terminal):
    processes = family(terminal.ready_pids())
    os.kill(terminal.pid, signal.SIGTERM)
    assert terminal.wait() == 0
    assert "sending signal 'SIGINT' to process[bash-1]" in terminal.output
    assert_gone(processes)


@pytest.mark.skipif(not IS_STANDIN, reason="upstream leaves processes behind then")
def test_a_closed_terminal_shuts_the_launch_down(terminal):
    processes = [psutil.Process(terminal.pid), *family(terminal.ready_pids())]
    os.close(terminal.master)
    _, status = os.waitpid(terminal.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert_gone(processes)


@pytest.mark.skipif(not IS_STANDIN, reason="of the stand-in")
def test_output_that_a_closed_pipe_has_not_taken_does_not_change_the_exit_code():
    code = "import sys; from ros2cli import cli; cli._reported = lambda _: print('late') or 0; sys.exit(cli.main([]))"
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run([sys.executable, "-c", code], stdout=writing, stderr=subprocess.PIPE, text=True, timeout=60,
                           env={**os.environ, "PYTHONUNBUFFERED": ""})
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.skipif(not IS_STANDIN, reason="upstream leaves processes behind when it is killed")
def test_a_killed_launcher_leaves_nothing_behind(terminal):
    processes = [psutil.Process(pid) for pid in terminal.ready_pids()]
    os.kill(terminal.pid, signal.SIGKILL)
    assert_gone(processes)


@pytest.mark.skipif(not IS_STANDIN, reason="upstream does not give the processes groups of their own")
def test_without_a_terminal_an_interrupt_reaches_every_process_once(launch_file):
    launcher = subprocess.Popen([*ROS2, "launch", str(launch_file)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True)
    lines = []
    while sum("ready" in line for line in lines) < 3:
        lines.append(launcher.stdout.readline())
    processes = family([int(line.split()[-1]) for line in lines if "] ready" in line])
    launcher.send_signal(signal.SIGINT)
    output, _ = launcher.communicate(timeout=60)
    assert launcher.returncode == 0
    assert output.count("sending signal 'SIGINT'") == 3
    assert "escalating" not in output
    assert_gone(processes)


def test_arguments_are_shown(launch_file):
    code, output, _ = run("launch", launch_file, "-s")
    assert code == 0
    assert output.startswith("Arguments (pass arguments as '<name>:=<value>'):\n\n    'store':\n        Which store")
    assert "Valid choices are: ['corner', 'kiosk']\n        (default: 'corner')" in output


def test_the_description_is_printed(launch_file):
    code, output, _ = run("launch", "-p", launch_file)
    assert code == 0
    assert "DeclareLaunchArgument" in output
    assert output.count("ExecuteProcess(") == 3


def test_a_wrong_choice_ends_in_one_line(launch_file):
    code, output, errors = run("launch", launch_file, "store:=mall")
    assert code == 1
    assert "provided value \"mall\" is not valid" in output + errors
    assert "Traceback" not in output + errors


@pytest.mark.skipif(not IS_STANDIN, reason="upstream words it differently")
@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("launch", "nowhere.launch.py"), 1, "launch file 'nowhere.launch.py' does not exist"),
        (("launch", "no_such_package", "a.launch.py"), 1, "Package 'no_such_package' not found"),
        (("launch", "rclpy", "a.launch.py"), 1, "'a.launch.py' was not found in the share directory of package"),
        (("launch", "rclpy", "a.launch.py", "oops"), 1, "a.launch.py"),
        (("launch", "{file}", "oops:"), 1, "'{file}'"),
        (("launch", "{file}", "--nonsense"), 2, "--nonsense"),
        (("run", "rclpy", "nothing"), 1, "No executable 'nothing' found in package 'rclpy'"),
        (("run", "no_such_package", "nothing"), 1, "Package 'no_such_package' not found"),
        (("pkg", "prefix", "no_such_package"), 1, "Package not found"),
        (("multicast", "receive"), 2, "'ros2 multicast' is not supported by this stand-in"),
        (("tpic", "list"), 2, "unknown command 'tpic'"),
    ],
)
def test_mistakes_are_told_in_a_line(launch_file, arguments, code, message):
    got, _, errors = run(*(argument.format(file=launch_file) for argument in arguments))
    assert got == code
    assert message.format(file=launch_file) in errors
    assert "Traceback" not in errors


@pytest.mark.skipif(not IS_STANDIN, reason="upstream words it differently")
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("def generate_launch_description(:", "SyntaxError"),
        ("import no_such_module", "No module named 'no_such_module'"),
        ("x = 1", "does not define generate_launch_description"),
    ],
)
def test_broken_launch_files_are_told_in_a_line(tmp_path, content, message):
    path = tmp_path / "broken.launch.py"
    path.write_text(content)
    code, _, errors = run("launch", path)
    assert code == 1
    assert message in errors
    assert str(path) in errors
    assert "Traceback" not in errors


def test_run_passes_arguments_and_the_exit_code_on(fake_package):
    code, output, _ = run("run", "shop_tools", "say", "hello", "--ros-args", "-r", "a:=b")
    assert (code, output) == (3, "hello --ros-args -r a:=b\n")


def test_run_with_a_prefix(fake_package):
    code, output, _ = run("run", "--prefix", "env GREETING=hi", "shop_tools", "say", "you")
    assert (code, output) == (3, "hi you\n")


def test_packages_and_executables_are_listed(fake_package):
    assert "shop_tools" in run("pkg", "list")[1].split()
    assert run("pkg", "prefix", "shop_tools")[1].strip() == str(fake_package)
    assert run("pkg", "executables", "shop_tools")[1] == "shop_tools say\n"
    assert run("pkg", "xml", "shop_tools", "-t", "version")[1] == "1.2.3\n"


def test_a_launch_file_is_found_in_its_package(fake_package):
    code, output, _ = run("launch", "shop_tools", "greet.launch.py", "who:=you")
    assert code == 0
    assert "[INFO] [launch.user]: hello you" in output


@pytest.fixture
def fake_package(tmp_path, monkeypatch):
    """An installed package with one executable and one launch file; its prefix."""
    prefix = tmp_path / "prefix"
    share = prefix / "share" / "shop_tools"
    for folder in (prefix / "share/ament_index/resource_index/packages", prefix / "lib/shop_tools", share / "launch"):
        folder.mkdir(parents=True)
    (prefix / "share/ament_index/resource_index/packages/shop_tools").touch()
    (share / "package.xml").write_text("<package><name>shop_tools</name><version>1.2.3</version></package>")
    (share / "launch/greet.launch.py").write_text(textwrap.dedent("""
        from launch import LaunchDescription
        from launch.actions import DeclareLaunchArgument, LogInfo
        from launch.substitutions import LaunchConfiguration

        def generate_launch_description():
            greeting = LogInfo(msg=["hello ", LaunchConfiguration("who")])
            return LaunchDescription([DeclareLaunchArgument("who"), greeting])
    """))
    program = prefix / "lib/shop_tools/say"
    program.write_text("#!/bin/sh\necho ${GREETING:+$GREETING }\"$@\"\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("AMENT_PREFIX_PATH", os.pathsep.join([str(prefix), os.environ.get("AMENT_PREFIX_PATH", "")]))
    return prefix
