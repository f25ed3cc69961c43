import json
from pathlib import Path

import numpy as np
from safetensors import safe_open

from vlm3r_ros.benchmarks.formula_weights import (
    formula_fingerprint,
    formula_tensor,
    uniform_values,
)


def test_formula_weights_have_the_recorded_checksums(golden_dir: Path) -> None:
    checked = 0
    for path in golden_dir.glob("*.safetensors"):
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata()
        if "weights_sha256_first64" in metadata:
            keys = json.loads((golden_dir / metadata["weights_keys"]).read_text())
            shapes = {name: entry[0] for name, entry in keys.items()}
            found = formula_fingerprint(shapes, int(metadata["salt"]))
            assert found == metadata["weights_sha256_first64"]
            checked += 1
    assert checked


def test_stored_weights_follow_the_formula(golden_dir: Path) -> None:
    path = golden_dir / "cut3r_tiny_dpt_small.weights.safetensors"
    with safe_open(path, framework="pt") as file:
        salt = int(file.metadata()["salt"])
        for name in file.keys():  # noqa: SIM118 (the handle is not a mapping)
            stored = file.get_tensor(name).numpy()
            assert np.array_equal(formula_tensor(name, stored.shape, salt), stored), name


def test_formula_does_not_depend_on_how_it_is_cut() -> None:
    whole = uniform_values("a.weight", 1000, salt=3)
    parts = [uniform_values("a.weight", 250, salt=3, start=start) for start in range(0, 1000, 250)]
    assert np.array_equal(whole, np.concatenate(parts))
    assert np.abs(whole).max() < 1
    assert not np.array_equal(whole, uniform_values("a.weight", 1000, salt=4))
    large = formula_tensor("a.weight", (600, 600))
    assert np.array_equal(large.ravel()[:64], formula_tensor("a.weight", (600, 600), limit=64))
    scale = np.sqrt(3 / 600)
    assert np.allclose(large.ravel()[-5:], scale * uniform_values("a.weight", 5, 0, 359_995))
