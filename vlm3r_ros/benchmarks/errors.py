"""What a user of the benchmarks can mend."""

from __future__ import annotations


class BenchmarkError(Exception):
    """An evaluation cannot be run as asked; the text says why and what to do."""
