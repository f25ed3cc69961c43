import os
from pathlib import Path

import pytest
import torch

# Small networks gain nothing from a second thread, and on a busy machine threads that wait for
# each other lose a lot. Child processes inherit it.
torch.set_num_threads(1)
os.environ.setdefault("OMP_NUM_THREADS", "1")

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
