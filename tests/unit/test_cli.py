import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from walkout import cli
from walkout.errors import UserError

SOURCES = Path(__file__).parents[2] / "src"


def run(*arguments, cwd=None):
    environment = {**os.environ, "PYTHONPATH": str(SOURCES), "COLUMNS": "160"}
    return subprocess.run(
        [sys.executable, "-m", "walkout.cli", *arguments], capture_output=True, text=True, env=environment, cwd=cwd
    )


def test_help_names_every_command_and_shows_examples(capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["--help"])
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    for command in cli.COMMANDS:
        assert f"  {command.name} " in text
        assert command.summary.split()[0] in text
    assert "examples:\n  walkout store check corner" in text


def test_without_a_command_the_help_appears_and_the_code_is_2(capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main([])
    assert stopped.value.code == 2
    assert "usage: walkout" in capsys.readouterr().out


def test_help_imports_no_subcommand():
    code = "import sys, walkout.cli as c\ntry: c.main(['--help'])\nexcept SystemExit: pass\n"
    code += "print([m for m in sys.modules if m in ('numpy', 'rich', 'walkout.store.command')])"
    environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.stdout.splitlines()[-1] == "[]"


def test_check_says_ok_with_counts(capsys):
    assert cli.main(["store", "check", "kiosk"]) == 0
    assert capsys.readouterr().out == ("kiosk: OK: 4 fixtures, 21 lanes, 3 cameras, 2 zones, 12 products, 21 facings\n")


def test_check_lists_all_problems_and_fails(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "catalog.yaml").write_text("product: []\n")
    (tmp_path / "planogram.yaml").write_text("facings: {}\n")
    assert cli.main(["store", "check", "."]) == 1
    out, err = capsys.readouterr()
    assert "store.yaml: cannot be read (No such file or directory); create the file" in out
    assert "catalog.yaml:1: 'products' is missing (is 'product' misspelt?); add 'products'" in out
    assert out.splitlines()[-1] == ".: 3 problems"
    assert err == ""


def test_an_unknown_store_is_one_clean_line():
    done = run("store", "show", "nowhere")
    assert done.returncode == 2
    assert done.stderr == "error: nowhere: is no store; use a folder or one of: arcade, corner, kiosk\n"
    assert done.stdout == ""


def test_wrong_usage_is_code_2():
    done = run("store", "chek", "corner")
    assert done.returncode == 2
    assert "invalid choice: 'chek'" in done.stderr
    assert "Traceback" not in done.stderr


def test_show_prints_every_lane_and_product(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert cli.main(["store", "show", "kiosk"]) == 0
    text = capsys.readouterr().out
    for word in ("Fixtures", "g2/2/1", "Nussini Bar Cranberry 50 g", "2400004830593", "4.49 EUR", "gate (exit)", "c3"):
        assert word in text


def test_show_json_is_the_whole_store(capsys):
    assert cli.main(["store", "show", "kiosk", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["fixtures"][0]["pose"] == {"x": 1.6, "y": 2.78, "yaw_deg": -90.0}
    assert data["facings"][4] == {"lane": "g1/1/0", "sku": "honey-blossom", "columns": 3, "depth_count": 4}
    assert len(data["products"]) == 12
    assert data["zones"][0]["gate"] == "gate_in"


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_plan_writes_a_picture(tmp_path, suffix, capsys):
    output = tmp_path / f"plan.{suffix}"
    assert cli.main(["store", "plan", "kiosk", "--coverage", "-o", str(output)]) == 0
    start = output.read_bytes()[:200]
    assert start.startswith(b"\x89PNG") if suffix == "png" else b"<?xml" in start


def test_plan_refuses_other_files_and_missing_folders(tmp_path, capsys):
    assert cli.main(["store", "plan", "kiosk", "-o", str(tmp_path / "plan.doc")]) == 2
    assert "use a name ending in .png, .svg or .pdf" in capsys.readouterr().err
    missing = tmp_path / "no" / "plan.png"
    assert cli.main(["store", "plan", "kiosk", "-o", str(missing)]) == 2
    assert capsys.readouterr().err == f"error: {missing}: No such file or directory\n"


class Fake:
    """A subcommand that raises what a test wants."""

    def __init__(self, error):
        self.error = error

    def add_parser(self, subparsers):
        def fail(options):
            raise self.error

        subparsers.add_parser("store").set_defaults(run=fail)


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (UserError("a: wrong; mend it\nb: wrong; mend it"), 2, "error: a: wrong; mend it\nerror: b: wrong; mend it\n"),
        (KeyboardInterrupt(), 130, ""),
        (PermissionError(13, "Permission denied", "/locked"), 2, "error: /locked: Permission denied\n"),
    ],
)
def test_errors_end_without_a_traceback(monkeypatch, capsys, error, code, text):
    monkeypatch.setattr(cli, "_load", lambda command: Fake(error))
    assert cli.main(["store"]) == code
    assert capsys.readouterr().err == text


def test_our_own_bugs_are_not_hidden(monkeypatch):
    monkeypatch.setattr(cli, "_load", lambda command: Fake(KeyError("bug")))
    with pytest.raises(KeyError):
        cli.main(["store"])


def test_a_command_that_cannot_run_here_says_what_is_missing(monkeypatch, capsys):
    monkeypatch.setattr(cli, "COMMANDS", (cli.Command("fly", "walkout.no_such_module", "no"),))
    assert cli.main(["fly"]) == 2
    assert capsys.readouterr().err == (
        "error: 'walkout fly' cannot run here: No module named 'walkout.no_such_module'; "
        "run 'make setup' in the source tree, and 'source env.sh' for what needs ROS\n"
    )


def test_a_closed_pipe_is_no_traceback():
    environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
    command = f"{sys.executable} -m walkout.cli store show corner --json | head -1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, env=environment)
    assert done.stdout == "{\n"
    assert done.stderr == ""
