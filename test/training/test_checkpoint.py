import pytest
import torch

from vlm3r_ros.training.checkpoint import (
    CheckpointFolder,
    random_states,
    restore_random_states,
    save_atomically,
)
from vlm3r_ros.training.errors import TrainingError


def test_the_newest_are_kept_and_loaded(tmp_path):
    folder = CheckpointFolder(tmp_path / "c", keep=2)
    assert folder.load_newest() is None
    for step in (5, 10, 15):
        folder.save(step, {"step": step})
    assert sorted(path.name for path in (tmp_path / "c").iterdir()) == [
        "step_00000010.pt",
        "step_00000015.pt",
    ]
    assert folder.load_newest() == {"step": 15}


def test_a_damaged_checkpoint_gives_way_to_the_one_before(tmp_path):
    folder = CheckpointFolder(tmp_path, keep=2)
    folder.save(1, {"step": 1})
    folder.save(2, {"step": 2})
    path = tmp_path / "step_00000002.pt"
    path.write_bytes(path.read_bytes()[:100])
    assert folder.load_newest() == {"step": 1}
    (tmp_path / "step_00000001.pt").write_bytes(b"")
    with pytest.raises(TrainingError, match="no checkpoint can be read"):
        folder.load_newest()


def test_a_write_that_fails_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.pt"
    save_atomically(path, {"value": 1})

    class Unwritable:
        def __reduce__(self):
            raise RuntimeError("cannot be pickled")

    with pytest.raises(RuntimeError):
        save_atomically(path, {"value": Unwritable()})
    assert torch.load(path, weights_only=True) == {"value": 1}


def test_random_states_return():
    states = random_states()
    first = torch.rand(3)
    restore_random_states(states)
    assert torch.equal(torch.rand(3), first)
