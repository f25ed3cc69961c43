"""`vlm3r conformance`: compare the networks with recorded tensors of the published ones."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from vlm3r_ros.benchmarks.conformance import print_results, run_conformance
from vlm3r_ros.benchmarks.conformance_data import CaseError

EXIT_MISS = 1
EXIT_NO_FOLDER = 2
# A pipe or a log has no width of its own; 80 columns would fold most names.
_PLAIN_WIDTH = 140


def conformance(folder: Path) -> int:
    """Run every recorded case of a folder and print the table.

    Returns:
        0 if everything passed, 1 if something missed, 2 if there is no such folder.
    """
    console = Console()
    if not console.is_terminal:
        console = Console(width=_PLAIN_WIDTH)
    try:
        with Progress(console=Console(stderr=True), transient=True) as progress:
            results = run_conformance(folder, progress)
    except CaseError as error:
        console.print(f"error: {error}", markup=False)
        return EXIT_NO_FOLDER
    print_results(results, console)
    return 0 if all(result.passed for result in results) else EXIT_MISS
