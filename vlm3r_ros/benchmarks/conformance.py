"""Runs recorded cases of the published architecture and compares every recorded tensor."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from vlm3r_ros.benchmarks.conformance_data import (
    INDEX_FILE,
    CaseError,
    RecordedFile,
    RecordedFolder,
    TensorResult,
    split_precision,
)
from vlm3r_ros.benchmarks.conformance_geometry import (
    Produced,
    run_fusion,
    run_geometry,
    run_tower,
)
from vlm3r_ros.benchmarks.conformance_language import run_adapted, run_pipeline
from vlm3r_ros.benchmarks.conformance_networks import FORMULA, NetworkCache
from vlm3r_ros.benchmarks.conformance_prompts import PROMPTS_KIND, run_prompts

Runner = Callable[[RecordedFolder, RecordedFile, NetworkCache, Collection[str]], Produced]
RUNNERS: dict[str, Runner] = {
    "cut3r": run_geometry,
    "tower": run_tower,
    "fusion": run_fusion,
    "vlm_pipeline": run_pipeline,
    "lora": run_adapted,
}


def run_conformance(path: str | Path, progress: Progress | None = None) -> list[TensorResult]:
    """Run every case in a folder of recordings.

    Everything is computed in float32 on the CPU. A tensor that cannot be computed, a file that
    cannot be read, and a case of an unknown kind each give a result that did not pass.

    Args:
        path: the folder.
        progress: shows which case runs.

    Raises:
        CaseError: there is no such folder.
    """
    folder = RecordedFolder(Path(path))
    results = list(folder.problems)
    cases = _in_order(folder)
    tables = [file for file in sorted(folder.path.glob("*.json")) if file.name != INDEX_FILE]
    task = None if progress is None else progress.add_task("", total=len(cases))
    networks = NetworkCache(folder)
    for case in cases:
        if progress is not None and task is not None:
            progress.update(task, description=case.name)
        results += run_case(folder, case, networks)
        if progress is not None and task is not None:
            progress.advance(task)
    for table in tables:
        results += _run_table(folder, table.name)
    if not results:
        results.append(TensorResult(folder.path.name, "", False, reason="no recorded case there"))
    return results


def run_case(
    folder: RecordedFolder, case: RecordedFile, networks: NetworkCache
) -> list[TensorResult]:
    """Run one case and compare all its tensors."""
    runner = RUNNERS.get(case.metadata.get("kind", ""))
    if runner is None:
        reason = f"unknown kind of case: {case.metadata.get('kind', 'none given')}"
        return [TensorResult(case.name, "", False, reason=reason)]
    wanted = {split_precision(name)[1] for name in case.names}
    try:
        with torch.inference_mode(), _threads_for(case):
            produced = runner(folder, case, networks, wanted)
        return _compare(folder, case, produced)
    except Exception as error:
        # Whatever a broken case raises, the other cases still run, and this one does not pass.
        reason = str(error) if isinstance(error, CaseError) else f"{type(error).__name__}: {error}"
        return [TensorResult(case.name, "", False, reason=reason)]


@contextmanager
def _threads_for(case: RecordedFile) -> Iterator[None]:
    """One thread for networks small enough to be stored: more would mostly wait for each other."""
    before = torch.get_num_threads()
    try:
        if case.metadata.get("weights") != FORMULA:
            torch.set_num_threads(1)
        yield
    finally:
        torch.set_num_threads(before)


def _compare(folder: RecordedFolder, case: RecordedFile, produced: Produced) -> list[TensorResult]:
    results = []
    for name in case.names:
        got = produced.get(split_precision(name)[1])
        if got is not None or not folder.is_input(case, name):
            results.append(case.compare(name, got))
    if not results:
        results.append(TensorResult(case.name, "", False, reason="the case holds no result"))
    return results


def _in_order(folder: RecordedFolder) -> list[RecordedFile]:
    """The cases, those with the same weights next to each other."""
    cases = [file for file in folder.values() if file.metadata.get("role") != "weights"]
    keys = ("weights", "weights_keys", "salt")
    order: dict[tuple[str | None, ...], list[RecordedFile]] = {}
    for case in cases:
        order.setdefault(tuple(case.metadata.get(key) for key in keys), []).append(case)
    return [case for group in order.values() for case in group]


def _run_table(folder: RecordedFolder, name: str) -> list[TensorResult]:
    """Results of a JSON file, which may also hold what cases refer to, not a case."""
    try:
        content = folder.read_json(name)
        if content.get("kind") != PROMPTS_KIND:
            return []
        return run_prompts(name, content)
    except Exception as error:
        # As in `run_case`.
        return [TensorResult(name, "", False, reason=f"{type(error).__name__}: {error}")]


def render_results(results: Iterable[TensorResult]) -> Table:
    """The results as a table: case, tensor, largest absolute and relative error, pass."""
    table = Table(title="Conformance with the recorded architecture")
    table.add_column("case", overflow="fold")
    table.add_column("tensor", overflow="fold")
    table.add_column("abs. error", justify="right")
    table.add_column("rel. error", justify="right")
    table.add_column("pass", overflow="fold")
    for result in results:
        verdict = "yes" if result.passed else f"NO {result.reason}".rstrip()
        table.add_row(
            result.case,
            result.tensor or "-",
            _number(result.max_abs),
            _number(result.max_rel),
            verdict,
            style=None if result.passed else "bold red",
        )
    return table


def print_results(results: list[TensorResult], console: Console) -> None:
    """Print the table and one line that sums it up."""
    console.print(render_results(results), markup=False)
    missed = [result for result in results if not result.passed]
    cases = len({result.case for result in results})
    console.print(
        f"{len(results) - len(missed)} of {len(results)} comparisons in {cases} cases passed"
    )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1e}"
