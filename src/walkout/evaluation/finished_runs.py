"""Finished runs kept in a file as they come, so that a command that was ended goes on where it was."""

from __future__ import annotations

import hashlib
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from walkout.errors import UserError
from walkout.evaluation.receipts import ScenarioResult
from walkout.evaluation.true_perception import Perception
from walkout.simulation.scenario import load_scenario
from walkout.store.loader import find_store

_FORMAT = "walkout finished runs 1"


@dataclass(frozen=True)
class RunKey:
    """What makes a run what it is, besides the code: ``inputs`` is a digest of the scenario's and its store's files."""

    scenario: str
    inputs: str
    seed: int
    perception: Perception
    evidence: bool


@dataclass(frozen=True)
class _Entry:
    key: RunKey
    result: ScenarioResult


def inputs_digest(scenario: Path) -> str:
    """Return a digest of all files that a scenario rests on: its own and those of its store."""
    store = find_store(load_scenario(scenario).store)
    digest = hashlib.sha256(scenario.read_bytes())
    for file in sorted(file for file in store.rglob("*") if file.is_file()):
        digest.update(str(file.relative_to(store)).encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


class FinishedRuns:
    """A file of finished runs of one state of the code.

    Every run is appended when it is over; what a kill has cut short at the end of the file is dropped. The file
    holds pickled objects: open none that you were sent.

    Raises:
        UserError: the file is another one, of another commit or of sources that were changed since their commit.
    """

    def __init__(self, path: Path, commit: str) -> None:
        if commit.endswith("+"):
            raise UserError(
                f"{path}: the sources were changed since commit {commit[:-1]}, so nothing would say whether these runs "
                "are still the same when they are taken up again; commit first, or leave --resume out"
            )
        self._path = path
        self._runs: dict[RunKey, ScenarioResult] = {}
        if not path.exists() or not path.stat().st_size:
            path.write_bytes(pickle.dumps((_FORMAT, commit)))
            return
        with path.open("r+b") as file:
            self._check(self._read(file), commit)
            complete = file.tell()
            while isinstance(entry := self._read(file), _Entry):
                self._runs[entry.key] = entry.result
                complete = file.tell()
            file.truncate(complete)

    def get(self, key: RunKey) -> ScenarioResult | None:
        """Return what a run has brought, None if it is not done."""
        return self._runs.get(key)

    def add(self, key: RunKey, result: ScenarioResult) -> None:
        """Keep a run that is over."""
        self._runs[key] = result
        with self._path.open("ab") as file:
            pickle.dump(_Entry(key, result), file)

    def _check(self, header: object, commit: str) -> None:
        if not isinstance(header, tuple) or len(header) != 2 or header[0] != _FORMAT:
            raise UserError(f"{self._path}: holds no finished runs; name a new file")
        if header[1] != commit:
            raise UserError(f"{self._path}: was begun at commit {header[1]}, this is {commit}; name a new file")

    @staticmethod
    def _read(file: IO[bytes]) -> object:
        """Return the next object, None where there is no whole one."""
        try:
            return pickle.load(file)
        except Exception:  # bytes that are no pickle raise whatever they happen to spell
            return None
