"""Which scenarios run with which seeds, and running them in several processes."""

from __future__ import annotations

import multiprocessing
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from walkout.errors import UserError
from walkout.evaluation.finished_runs import FinishedRuns, RunKey, inputs_digest
from walkout.evaluation.receipts import ScenarioResult, run_scenario
from walkout.evaluation.scenario_run import load_with_store
from walkout.evaluation.true_perception import Perception
from walkout.perception.models import ModelError
from walkout.simulation.errors import RendererError
from walkout.simulation.scenario import load_scenario, scenario_folder, scenario_path


@dataclass(frozen=True)
class Job:
    """One run of a scenario's file, which stands for a class of cases, with a seed."""

    path: Path
    scenario_class: str
    seed: int
    perception: Perception = Perception.PIXELS
    evidence: bool = False


def scenario_files(names: Sequence[str]) -> list[Path]:
    """Return the scenario files of names, files and folders (their YAML files, sorted), each one once.

    Raises:
        UserError: a folder without scenarios, or two files of the same name.
    """
    files: list[Path] = []
    for name in names:
        if Path(name).is_dir():
            inside = sorted(Path(name).glob("*.yaml"))
            if not inside:
                raise UserError(f"{name}: no scenario (.yaml file) in this folder")
            files += inside
        else:
            files.append(scenario_path(name))
    by_name: dict[str, Path] = {}
    for file in files:
        other = by_name.setdefault(file.stem, file)
        if other.resolve() != file.resolve():
            raise UserError(f"{file} and {other} have the same name and could not be told apart; rename one")
    return list(by_name.values())


def suite_files(words: Sequence[str] | None = None) -> list[Path]:
    """Return the scenarios of the suite; with ``words`` those whose class holds one of them.

    Raises:
        UserError: no class does.
    """
    files = scenario_files([str(scenario_folder() / "suite")])
    if words is None:
        return files
    classes = {file: scenario.suite.name.lower() for file in files if (scenario := load_scenario(file)).suite}
    chosen = [file for file, name in classes.items() if any(word.lower() in name for word in words)]
    if not chosen:
        known = ", ".join(sorted(set(classes.values())))
        raise UserError(f"--only {' '.join(words)}: no class of the suite has that in its name; there are {known}")
    return chosen


def make_jobs(
    files: Sequence[Path],
    seeds: Sequence[int] | None,
    perception: Perception,
    evidence: bool = False,
    at_most: int | None = None,
) -> list[Job]:
    """Return the runs of checked scenarios; ``seeds`` None takes those that each scenario's suite entry names.

    ``at_most`` so many seeds of each scenario are taken, the first ones.

    Raises:
        UserError: a scenario is wrong, never ends, or names no seeds.
    """
    jobs = []
    for file in files:
        scenario, _ = load_with_store(file)
        if seeds is None and scenario.suite is None:
            raise UserError(f"{file}: names no seeds; add 'suite: {{class: ..., seeds: [...]}}' or give --seeds")
        chosen = seeds if seeds is not None else scenario.suite.seeds if scenario.suite else ()
        name = scenario.suite.name if scenario.suite else file.stem
        jobs += [Job(file, name, seed, perception, evidence) for seed in chosen[:at_most]]
    return jobs


def run_jobs(jobs: Sequence[Job], processes: int, finished: FinishedRuns | None = None) -> list[ScenarioResult]:
    """Run all jobs with a progress bar on the error stream; results come in the order of the jobs.

    Those that are ``finished`` are not run again, the others are added there as they come. Ctrl-C ends it early with
    the results that have come so far; before the first one it ends everything.
    """
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    keys = _keys(jobs) if finished else []
    results: list[ScenarioResult | None] = [finished.get(key) for key in keys] if finished else [None] * len(jobs)
    missing = [place for place, result in enumerate(results) if result is None]
    with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
        if finished:
            progress.console.print(f"{len(jobs) - len(missing)} of {len(jobs)} runs were done before", highlight=False)
        task = progress.add_task("runs", total=len(missing))
        todo = _results([jobs[place] for place in missing], min(processes, len(missing)))
        try:
            for place, result in zip(missing, todo, strict=True):
                results[place] = result
                if finished:
                    finished.add(keys[place], result)
                progress.update(task, advance=1, description=f"{result.scenario} seed {result.seed}")
                for mistake in result.mistakes:
                    progress.console.print(f"{result.scenario} seed {result.seed}: {mistake}", highlight=False)
        except KeyboardInterrupt:
            done = len([result for result in results if result])
            if not done:
                raise
            progress.console.print(f"interrupted: {done} of {len(jobs)} runs are done and count")
    return [result for result in results if result]


def _keys(jobs: Sequence[Job]) -> list[RunKey]:
    """Return what finished runs are known by."""
    digests = {path: inputs_digest(path) for path in {job.path for job in jobs}}
    return [RunKey(job.path.stem, digests[job.path], job.seed, job.perception, job.evidence) for job in jobs]


def _results(jobs: Sequence[Job], processes: int) -> Iterator[ScenarioResult]:
    if processes <= 1:
        yield from map(_run, jobs)
        return
    # Spawned: a forked process would share the OpenGL and onnxruntime state of its parent.
    with _terminable(), multiprocessing.get_context("spawn").Pool(processes, initializer=_prepare_process) as pool:
        yield from pool.imap(_run, jobs)


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM end this process by an exception, so that its workers end with it."""
    former = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)


def in_rounds(jobs: Sequence[Job]) -> list[Job]:
    """Return the jobs so that every scenario has had its first seed before any has its second."""
    rounds: dict[Path, int] = {}
    keyed = []
    for job in jobs:
        rounds[job.path] = rounds.get(job.path, -1) + 1
        keyed.append((rounds[job.path], job))
    return [job for _, job in sorted(keyed, key=lambda pair: pair[0])]


def _prepare_process() -> None:
    # Ctrl-C reaches the whole group; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)


def _run(job: Job) -> ScenarioResult:
    try:
        return run_scenario(job.path, job.seed, job.perception, job.evidence)
    except (RendererError, ModelError) as error:
        raise UserError(f"{job.path} seed {job.seed}: {error}") from error
