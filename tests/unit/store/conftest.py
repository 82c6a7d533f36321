import shutil

import pytest

from walkout.store.loader import find_store


class StoreFiles:
    """A copy of the kiosk whose files a test spoils."""

    def __init__(self, directory):
        self.directory = directory

    def edit(self, name, old, new, count=1):
        path = self.directory / name
        text = path.read_text()
        assert old in text, f"{old!r} is not in {name}"
        path.write_text(text.replace(old, new, count))
        return self

    def line_of(self, name, text):
        lines = (self.directory / name).read_text().splitlines()
        return next(i for i, line in enumerate(lines, start=1) if text in line)


@pytest.fixture
def files(tmp_path, monkeypatch):
    """The kiosk's files in ./shop, with the working directory beside it so that messages have short paths."""
    shutil.copytree(find_store("kiosk"), tmp_path / "shop")
    monkeypatch.chdir(tmp_path)
    return StoreFiles(tmp_path / "shop")
