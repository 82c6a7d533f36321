"""The result page of the suite: Markdown with date, commit, all classes, the public figures and the worst classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from walkout.evaluation.public_figures import Comparison, tracking_text
from walkout.evaluation.receipts import ScenarioResult
from walkout.evaluation.results import figures_by_class, percent, summary_lines, total_of
from walkout.evaluation.statistics import wilson_interval

WORST = 3
_MISTAKES = 6


def write_page(
    folder: Path, results: Sequence[ScenarioResult], comparisons: Sequence[Comparison], about: Mapping[str, Any]
) -> Path:
    """Write ``suite-DATE-COMMIT.md`` and return its path; ablations carry their name."""
    ablation = "" if about["perception"] == "pixels" else f"-{about['perception']}"
    commit = str(about["commit"]).replace("+", "-changed") or "unknown"
    path = folder / f"suite-{str(about['date'])[:10]}-{commit}{ablation}.md"
    path.write_text(page(results, comparisons, about), encoding="utf-8")
    return path


def page(results: Sequence[ScenarioResult], comparisons: Sequence[Comparison], about: Mapping[str, Any]) -> str:
    """Return the page."""
    machine = about["machine"]
    parts = [
        f"# Suite, {str(about['date'])[:10]}",
        f"Commit `{about['commit'] or 'unknown'}`, `{about['command']}`, {machine['processor']}, "
        f"{machine['cores']} cores, load {machine['load_1min']} at the start. "
        "Times in store time; CPU and real-time figures depend on the load.",
    ]
    if about["perception"] != "pixels":
        parts.append(f"**An ablation**, not a result: the truth ({about['perception']}) in the detector's place.")
    if about["runs"] < about["runs_planned"]:
        parts.append(f"**Interrupted** after {about['runs']} of {about['runs_planned']} runs.")
    parts += [_class_table(results), _bullets(summary_lines(total_of(results)))]
    parts += ["## Beside public figures", "Other data and other stores: the figures tell the order of magnitude."]
    parts += [_comparison_table(comparisons), _worst(results)]
    return "\n\n".join(parts) + "\n"


def _class_table(results: Sequence[ScenarioResult]) -> str:
    rows = ["| class | trips | exact | 95 % | item P / R / F1 | shopper | product | over / under | reviews per 1,000 |"]
    rows.append("|---|--:|--:|--:|--:|--:|--:|--:|--:|")
    by_class = figures_by_class(results)
    for name, figures in [*by_class.items(), ("**all**", total_of(results))]:
        score = figures.score
        low, high = wilson_interval(score.exact_receipts, score.trips)
        over = percent(score.overcharge_minor, score.value_minor)
        under = percent(score.undercharge_minor, score.value_minor)
        rows.append(
            f"| {name} | {score.trips} | {percent(score.exact_receipts, score.trips)} | {low:.0%}-{high:.0%} "
            f"| {score.item_precision:.1%} / {score.item_recall:.1%} / {score.item_f1:.1%} "
            f"| {score.shopper_accuracy:.1%} | {score.product_accuracy:.1%} "
            f"| {over} / {under} | {score.reviews_per_1000:.0f} |"
        )
    return "\n".join(rows)


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _comparison_table(comparisons: Sequence[Comparison]) -> str:
    rows = ["| what | ours | best public figure | by |", "|---|---|---|---|"]
    return "\n".join(rows + [f"| {row.what} | {row.ours} | {row.public} | {row.source} |" for row in comparisons])


def _worst(results: Sequence[ScenarioResult]) -> str:
    """Return the classes with the smallest share of exact receipts and what went wrong there."""
    by_class = figures_by_class(results)
    wrong = [name for name, figures in by_class.items() if figures.score.exact_receipts < figures.score.trips]
    if not wrong:
        return "Every receipt was exact."
    wrong.sort(key=lambda name: (by_class[name].score.exact_receipts / by_class[name].score.trips, name))
    parts = [f"## The {min(WORST, len(wrong))} worst classes"]
    for name in wrong[:WORST]:
        score = by_class[name].score
        mistakes = [
            f"{result.scenario} seed {result.seed}: {mistake}"
            for result in results
            if result.scenario_class == name
            for mistake in result.mistakes
        ]
        more = [f"and {len(mistakes) - _MISTAKES} more"] if len(mistakes) > _MISTAKES else []
        parts.append(f"**{name}**: {score.exact_receipts} of {score.trips} exact; {tracking_text(by_class[name])}")
        parts.append(_bullets(mistakes[:_MISTAKES] + more))
    return "\n\n".join(parts)
