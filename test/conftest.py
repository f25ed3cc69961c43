import os
from pathlib import Path

import pytest
import torch
from filelock import FileLock

from vlm3r_ros.models.geometry.onnx_backend import export_geometry_encoder
from vlm3r_ros.models.registry import build_model

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


@pytest.fixture(scope="session")
def onnx_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The geometry encoder of the size `tiny`, exported; once for all processes of a test run."""
    for package in ("onnxruntime", "onnxscript"):
        pytest.importorskip(package, reason="the optional ONNX backend is not installed")
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    folder = root / "onnx_tiny"
    with FileLock(root / "onnx_tiny.lock"):
        if not folder.is_dir():
            model, _ = build_model("tiny")
            side = model.config.geometry_image_size
            being_written = root / "onnx_tiny_being_written"
            export_geometry_encoder(model.geometry_encoder.eval(), being_written, side, side)
            being_written.rename(folder)
    return folder
