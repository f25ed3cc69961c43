"""`scripts/average_weights.py`: what lies between two models."""

import importlib.util
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

SCRIPT = Path(__file__).parents[2] / "scripts" / "average_weights.py"
spec = importlib.util.spec_from_file_location("average_weights", SCRIPT)
assert spec is not None
assert spec.loader is not None
script = importlib.util.module_from_spec(spec)
spec.loader.exec_module(script)


@pytest.fixture
def models(tmp_path):
    def model(name: str, **weights: float) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "config.json").write_text("{}")
        tensors = {key: torch.full((2,), value).half() for key, value in weights.items()}
        save_file(tensors, folder / "model.safetensors")
        return folder

    return model


def test_weights_lie_between_both(models, tmp_path):
    script.average(models("a", w=1.0), models("b", w=3.0), 0.25, tmp_path / "mean")
    mean = load_file(tmp_path / "mean" / "model.safetensors")["w"]
    assert torch.equal(mean, torch.full((2,), 1.5).half())
    assert (tmp_path / "mean" / "config.json").exists()


def test_what_only_the_second_has_is_kept(models, tmp_path):
    script.average(models("a", w=1.0), models("b", w=3.0, v=5.0), 0.5, tmp_path / "mean")
    mean = load_file(tmp_path / "mean" / "model.safetensors")
    assert {name: float(weight[0]) for name, weight in mean.items()} == {"w": 2.0, "v": 5.0}


def test_models_of_other_shapes_are_named_and_nothing_is_written(models, tmp_path):
    with pytest.raises(ValueError, match="not of one shape: w"):
        script.average(models("a", w=1.0), models("b", v=3.0), 0.5, tmp_path / "mean")
    assert not (tmp_path / "mean").exists()
