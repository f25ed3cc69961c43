import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """Recorded tensors and real image sequences that are not part of the repository."""
    folder = Path(os.environ.get("VLM3R_SHARED", REPOSITORY.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"no shared test data at {folder}; set VLM3R_SHARED to its folder")
    return folder


@pytest.fixture(scope="session")
def golden_dir(shared_dir: Path) -> Path:
    """Recorded tensors of the published architecture with artificial weights."""
    return shared_dir / "golden"
