import argparse
import os
import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from vlm3r_ros.models.checkpoints import CheckpointError, TensorFiles, load_untrusted_checkpoint


class TrainingConfiguration:
    """A class that the reading side shall not import."""

    def __init__(self, text: str) -> None:
        self.model = text

    def __setstate__(self, state: dict) -> None:
        raise AssertionError("the file's own class was restored")


class RunsCommand:
    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple:
        return os.system, (self.command,)


def sample_tensors() -> dict[str, torch.Tensor]:
    shared = torch.arange(12, dtype=torch.float32)
    return {
        "embed.weight": torch.randn(5, 3),
        "half": torch.randn(4).to(torch.bfloat16),
        "transposed": torch.randn(3, 7).t(),
        "slice": shared[3:9].view(2, 3),
        "scalar": torch.tensor(7),
        "empty": torch.empty(0, 4),
        "parameter": torch.nn.Parameter(torch.randn(2, 2)),
    }


def assert_same(got: dict[str, torch.Tensor], want: dict[str, torch.Tensor]) -> None:
    assert list(got) == list(want)
    for name, tensor in want.items():
        assert got[name].dtype == tensor.dtype
        assert torch.equal(got[name], tensor.detach()), name


def test_reads_weights_and_arguments_of_a_training_checkpoint(tmp_path: Path) -> None:
    tensors = sample_tensors()
    args = argparse.Namespace(model="Net(heads=3)", epochs=4)
    torch.save({"model": tensors, "args": args, "epoch": 3}, tmp_path / "net.pth")
    checkpoint = load_untrusted_checkpoint(tmp_path / "net.pth")
    assert_same(checkpoint.tensors, tensors)
    assert checkpoint.arguments == {"model": "Net(heads=3)", "epochs": 4}
    assert checkpoint.inert_names == ("argparse.Namespace",)


def test_classes_named_by_the_file_are_not_restored(tmp_path: Path) -> None:
    tensors = sample_tensors()
    torch.save({"model": tensors, "args": TrainingConfiguration("Net()")}, tmp_path / "net.pth")
    checkpoint = load_untrusted_checkpoint(tmp_path / "net.pth")
    assert checkpoint.arguments == {"model": "Net()"}
    assert checkpoint.inert_names == (f"{__name__}.TrainingConfiguration",)


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_command_in_the_pickle_is_not_run(tmp_path: Path, protocol: int) -> None:
    victim = tmp_path / "victim"
    content = {"model": sample_tensors(), "args": RunsCommand(f"touch {victim}")}
    torch.save(content, tmp_path / "evil.pth", pickle_protocol=protocol)
    checkpoint = load_untrusted_checkpoint(tmp_path / "evil.pth")
    assert not victim.exists()
    assert any(name.endswith(".system") for name in checkpoint.inert_names)
    # The same file does run its command where it is trusted.
    torch.load(tmp_path / "evil.pth", weights_only=False)
    assert victim.exists()


def test_a_command_in_place_of_a_tensor_is_an_error_and_not_run(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    content = {"weight": torch.ones(2), "bias": RunsCommand(f"touch {victim}")}
    torch.save({"model": content}, tmp_path / "evil.pth")
    with pytest.raises(CheckpointError, match="no state dict"):
        load_untrusted_checkpoint(tmp_path / "evil.pth")
    assert not victim.exists()


def test_plain_pickles_are_refused_unread(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    (tmp_path / "evil.pth").write_bytes(pickle.dumps(RunsCommand(f"touch {victim}")))
    with pytest.raises(CheckpointError, match="not a PyTorch archive"):
        load_untrusted_checkpoint(tmp_path / "evil.pth")
    assert not victim.exists()


def test_strips_the_prefix_of_wrapped_modules(tmp_path: Path) -> None:
    tensors = {f"module.{name}": tensor for name, tensor in sample_tensors().items()}
    torch.save({"model": tensors}, tmp_path / "net.pth")
    assert list(load_untrusted_checkpoint(tmp_path / "net.pth").tensors) == list(sample_tensors())


def test_writing_to_a_loaded_tensor_leaves_the_file_alone(tmp_path: Path) -> None:
    torch.save({"weight": torch.ones(3)}, tmp_path / "net.pth")
    before = (tmp_path / "net.pth").read_bytes()
    load_untrusted_checkpoint(tmp_path / "net.pth").tensors["weight"].zero_()
    assert (tmp_path / "net.pth").read_bytes() == before


def test_truncated_or_foreign_files_are_named(tmp_path: Path) -> None:
    torch.save({"weight": torch.ones(1000)}, tmp_path / "net.pth")
    whole = (tmp_path / "net.pth").read_bytes()
    (tmp_path / "short.pth").write_bytes(whole[: len(whole) // 2])
    with zipfile.ZipFile(tmp_path / "other.pth", "w") as archive:
        archive.writestr("readme.txt", "hello")
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), tmp_path / "program.pth")
    for name in ("short.pth", "other.pth", "program.pth", "absent.pth"):
        with pytest.raises(CheckpointError, match=name):
            load_untrusted_checkpoint(tmp_path / name)


def test_a_tensor_that_reaches_beyond_its_storage_is_an_error(tmp_path: Path) -> None:
    torch.save({"weight": torch.ones(4)}, tmp_path / "net.pth")
    content = zipfile.ZipFile(tmp_path / "net.pth")
    with zipfile.ZipFile(tmp_path / "cut.pth", "w") as archive:
        for entry in content.infolist():
            data = content.read(entry)
            archive.writestr(entry.filename, data[:8] if "/data/" in entry.filename else data)
    with pytest.raises(CheckpointError, match="shorter than its tensors"):
        load_untrusted_checkpoint(tmp_path / "cut.pth")


def test_shards_read_as_one_mapping(tmp_path: Path) -> None:
    save_file({"a": torch.ones(2, 3)}, tmp_path / "model-00001-of-00002.safetensors")
    save_file({"b": torch.zeros(4)}, tmp_path / "model-00002-of-00002.safetensors")
    files = TensorFiles(tmp_path)
    assert sorted(files) == ["a", "b"]
    assert files.shape("a") == (2, 3)
    assert torch.equal(files["a"], torch.ones(2, 3))


def test_repeated_broken_and_absent_shards_are_named(tmp_path: Path) -> None:
    save_file({"a": torch.ones(2)}, tmp_path / "one.safetensors")
    save_file({"a": torch.ones(2)}, tmp_path / "two.safetensors")
    with pytest.raises(CheckpointError, match="repeats the tensor a"):
        TensorFiles(tmp_path)
    (tmp_path / "two.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0garbage!")
    with pytest.raises(CheckpointError, match=r"two\.safetensors"):
        TensorFiles(tmp_path)
    with pytest.raises(CheckpointError, match="nowhere"):
        TensorFiles(tmp_path / "nowhere")
