from __future__ import annotations

import argparse
import sys

import pytest

from walkout.errors import UserError
from walkout.training import command


def parse(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())
    return parser.parse_args(["train", *arguments])


def test_without_torch_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "walkout.training.train_detector", raising=False)
    options = parse("detector", "--only", "export")
    with pytest.raises(UserError, match=r"requirements/train\.in"):
        options.run(options)


def test_steps_are_checked(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse("detector", "--only", "everything")
    assert "invalid choice" in capsys.readouterr().err
    assert parse("detector", "--only", "train", "--only", "export").only == ["train", "export"]


def test_the_embedding_without_torch_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "walkout.training.product_embedding", raising=False)
    options = parse("embedding")
    with pytest.raises(UserError, match=r"requirements/train\.in"):
        options.run(options)
