import json
import re
import shutil
import warnings
from collections import Counter

import huggingface_hub
import pytest
import torch

from vlm3r_ros.models import (
    ModelFolderError,
    build_model,
    load_model,
    registry,
    resolve_device,
    resolve_dtype,
)


@pytest.fixture(scope="session")
def saved(model, processor, tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


@pytest.fixture
def folder(saved, tmp_path):
    """A copy of a good model folder, for a test to damage."""
    return shutil.copytree(saved, tmp_path / "model")


def edit_config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_seed_gives_the_same_weights_and_leaves_the_random_state_alone():
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    first, second = build_model("tiny", seed=1)[0], build_model("tiny", seed=1)[0]
    other = build_model("tiny", seed=2)[0]
    assert torch.equal(torch.random.get_rng_state(), before)
    state = first.state_dict()
    assert all(torch.equal(state[name], value) for name, value in second.state_dict().items())
    assert not torch.equal(state["image_newline"], other.image_newline)


def test_published_size_has_the_published_shapes(shared_dir):
    published = json.loads((shared_dir / "reference" / "keys_vlm3r_7b_full.json").read_text())
    model, _ = build_model("vlm3r-7b", device="meta")
    assert all(parameter.is_meta for parameter in model.parameters())
    ours = Counter(
        tuple(tensor.shape)
        for name, tensor in model.state_dict().items()
        if not name.startswith("geometry_encoder.")
    )
    assert ours == Counter(tuple(shape) for shape, _ in published.values())
    assert model.tokens_per_frame == 210


def test_nano_fits_embedded_computers():
    model, processor = build_model("nano", device="meta")
    assert 8e6 < model.num_parameters() < 15e6
    assert processor.image_size == 224
    assert model.tokens_per_frame == 20


@pytest.mark.parametrize("name", ["tiny", "nano"])
def test_vocabulary_of_a_size_is_all_in_use(name):
    model, processor = build_model(name, device="meta")
    assert len(processor.tokenizer) == model.config.text_config.vocab_size
    assert model.generation_config.eos_token_id == processor.tokenizer.eos_token_id


def test_unknown_size_is_refused_with_the_registered_ones():
    with pytest.raises(ValueError, match=r"'huge'; registered are vlm3r-7b, nano, tiny"):
        build_model("huge")


def test_size_without_weights_warns_that_its_answers_mean_nothing():
    with pytest.warns(UserWarning, match="no trained weights for 'tiny'"):
        model, _ = load_model("tiny", device="cpu")
    assert not model.training
    assert model.dtype == torch.float32


def test_packaged_weights_are_preferred(saved, tmp_path, monkeypatch):
    weights = tmp_path / "weights"
    shutil.copytree(saved, weights / "tiny")
    monkeypatch.setattr(registry, "WEIGHTS_FOLDER", weights)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model, _ = load_model("tiny", device="cpu")
    assert model.name_or_path == str(weights / "tiny")


def test_folder_round_trip(saved, model, processor):
    loaded, its_processor = load_model(saved, device="cpu", dtype="float32")
    expected = model.state_dict()
    assert all(torch.equal(expected[name], t) for name, t in loaded.state_dict().items())
    assert not loaded.training
    assert its_processor.tokenize("Hi<image>").tolist() == processor.tokenize("Hi<image>").tolist()


def test_dtype_asked_for_is_the_models(saved):
    loaded, _ = load_model(str(saved), device="cpu", dtype="bfloat16")
    assert {parameter.dtype for parameter in loaded.parameters()} == {torch.bfloat16}


def test_missing_folder(tmp_path):
    with pytest.raises(ModelFolderError, match=r"nothing.*does not exist.*vlm3r convert"):
        load_model(tmp_path / "nothing", device="cpu")
    with pytest.raises(ModelFolderError, match=r"'nanno'.*no size of that name.*nano"):
        load_model("nanno", device="cpu")


def test_file_in_place_of_a_folder(tmp_path):
    file = tmp_path / "model.pth"
    file.write_bytes(b"x")
    with pytest.raises(ModelFolderError, match="not a folder"):
        load_model(file, device="cpu")


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "preprocessor_config.json"])
def test_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(ModelFolderError, match=re.escape(name)) as error:
        load_model(folder, device="cpu")
    assert str(folder) in str(error.value)


def test_missing_tokenizer(folder):
    for file in folder.glob("tokenizer*"):
        file.unlink()
    with pytest.raises(ModelFolderError, match="does not load"):
        load_model(folder, device="cpu")


@pytest.mark.parametrize("kept", [4, 100, 20_000, -1])
def test_truncated_weights(folder, kept):
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:kept])
    with pytest.raises(ModelFolderError, match=r"model\.safetensors .*copy or download"):
        load_model(folder, device="cpu")


def test_weights_that_are_no_safetensors(folder):
    (folder / "model.safetensors").write_bytes(b"PK\x03\x04" + b"\xff" * 1000)
    with pytest.raises(ModelFolderError, match="not a safetensors file"):
        load_model(folder, device="cpu")


def test_missing_shard(folder):
    (folder / "model.safetensors").unlink()
    index = {"weight_map": {"image_newline": "model-00001-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelFolderError, match="model-00001-of-00002"):
        load_model(folder, device="cpu")


def test_folder_of_another_architecture(folder):
    edit_config(folder, model_type="llava_qwen")
    with pytest.raises(ModelFolderError, match=r"'llava_qwen', expected 'vlm3r'"):
        load_model(folder, device="cpu")


def test_config_that_is_no_json(folder):
    (folder / "config.json").write_text("{")
    with pytest.raises(ModelFolderError, match="does not read as JSON"):
        load_model(folder, device="cpu")


def test_weights_that_do_not_fit_the_config(folder):
    config = json.loads((folder / "config.json").read_text())
    config["text_config"]["num_hidden_layers"] += 1
    config["text_config"]["layer_types"] = ["full_attention"] * 3
    edit_config(folder, **config)
    with pytest.raises(ModelFolderError, match="missing keys in its weights"):
        load_model(folder, device="cpu")
    config["text_config"]["num_hidden_layers"] -= 1
    config["text_config"]["layer_types"] = ["full_attention"] * 2
    config["text_config"]["hidden_size"] *= 2
    edit_config(folder, **config)
    with pytest.raises(ModelFolderError, match="mismatched keys in its weights: image_newline"):
        load_model(folder, device="cpu")


def test_hub_model_offline(monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ModelFolderError, match=r"some/model.*downloading.*HF_HUB_OFFLINE"):
        load_model("some/model", device="cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_cuda_without_a_device_is_refused():
    for name in ("cuda", "cuda:0"):
        with pytest.raises(ValueError, match="finds no CUDA device; use device auto or cpu"):
            resolve_device(name)
    assert resolve_device("auto") == torch.device("cpu")


@pytest.mark.parametrize("name", ["gpu", "cpu:x", ""])
def test_unknown_device_is_refused(name):
    with pytest.raises(ValueError, match="use auto, cpu or cuda"):
        resolve_device(name)


def test_automatic_dtype():
    cpu, cuda = torch.device("cpu"), torch.device("cuda")
    amx = torch.cpu.get_capabilities().get("amx_bf16", False)
    assert resolve_dtype("auto", cuda, 10) == torch.bfloat16
    assert resolve_dtype("auto", cpu, 13_000_000) == torch.float32
    big = resolve_dtype("auto", cpu, 8_000_000_000)
    assert big == (torch.bfloat16 if amx else torch.float32)
    assert resolve_dtype("float16", cpu, 10) == resolve_dtype(torch.float16, cpu, 10)
    for name in ("int8", torch.int64):
        with pytest.raises(ValueError, match="unknown dtype"):
            resolve_dtype(name, cpu, 10)


def test_geometry_alone_is_the_same_encoder_and_nothing_else(tmp_path):
    whole, processor = build_model("tiny", seed=5)
    whole.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    alone, _ = load_model(tmp_path, device="cpu", geometry_only=True)

    assert {name.split(".")[0] for name, _ in alone.named_parameters()} == {"geometry_encoder"}
    frames = torch.rand(2, 3, processor.image_size, processor.image_size) * 2 - 1
    with torch.inference_mode():
        expected, *_ = whole.eval().encode_geometry(frames)
        camera_tokens, *_ = alone.encode_geometry(frames)
    torch.testing.assert_close(camera_tokens, expected)
