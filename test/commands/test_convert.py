import argparse
import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from published_checkpoints import (
    fusion_shapes,
    geometry_shapes,
    language_shapes,
    projector_shapes,
    random_tensors,
    vision_shapes,
)
from safetensors.torch import save_file

from vlm3r_ros.commands.convert import convert
from vlm3r_ros.models.geometry import GeometryEncoder, GeometryEncoderConfig
from vlm3r_ros.models.registry import load_model
from vlm3r_ros.models.tokenization import build_tokenizer

VOCABULARY = 320
PADDED_VOCABULARY = 352
RANK, ALPHA = 2, 5
ADAPTED = {
    "model.layers.0.self_attn.q_proj": (32, 32),
    "model.layers.1.mlp.gate_proj": (32, 24),
}
GEOMETRY = GeometryEncoderConfig(
    encoder_dim=32,
    encoder_depth=1,
    encoder_heads=2,
    decoder_dim=16,
    decoder_depth=4,
    decoder_heads=2,
    state_decoder_heads=4,
    state_size=9,
    memory_size=5,
    memory_heads=2,
    memory_read_depth=1,
    memory_write_depth=1,
    mlp_ratio=2.0,
    dpt_feature_dim=8,
    dpt_last_dim=4,
    dpt_layer_dims=(4, 6, 8, 10),
    dpt_hooks=(0, 2, 3, 4),
    pose_head_hidden=12,
    final_transform_depth=1,
    final_transform_heads=2,
)
SETTINGS = {
    "architectures": ["LlavaQwenForCausalLM"],
    "model_type": "llava_qwen",
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "rope_theta": 1e6,
    "rms_norm_eps": 1e-6,
    "mm_vision_tower": "somebody/small-patch14-58",
    "mm_newline_position": "grid",
    "vision_config": {"num_attention_heads": 2, "num_hidden_layers": 3},
}


@dataclass(frozen=True)
class Published:
    """Files in the published layout, and the tensors in them."""

    geometry: Path
    base: Path
    adapter: Path
    base_tensors: dict[str, torch.Tensor]
    adapter_tensors: dict[str, torch.Tensor]
    beside_tensors: dict[str, torch.Tensor]


@pytest.fixture
def published(tmp_path: Path) -> Published:
    geometry = tmp_path / "geometry.pth"
    expression = "Net(enc_num_heads=2, dec_num_heads=2, state_dec_num_heads=4)"
    weights = {f"module.{k}": v for k, v in random_tensors(geometry_shapes(GEOMETRY)).items()}
    torch.save({"model": weights, "args": argparse.Namespace(model=expression)}, geometry)

    base = tmp_path / "base"
    base.mkdir()
    base_tensors = random_tensors(
        language_shapes(PADDED_VOCABULARY, hidden=32, inner=24, layers=2, kv=16)
        | vision_shapes(dim=36, hidden=20, layers=3, patch=14, tokens=16)
        | projector_shapes(vision=36, hidden=32),
        seed=1,
    )
    names = sorted(base_tensors)
    shards = {"model-00001-of-00002.safetensors": names[::2]}
    shards["model-00002-of-00002.safetensors"] = names[1::2]
    for file, held in shards.items():
        save_file({name: base_tensors[name] for name in held}, base / file)
    weight_map = {name: file for file, held in shards.items() for name in held}
    (base / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    (base / "config.json").write_text(json.dumps(SETTINGS))
    build_tokenizer(VOCABULARY).save_pretrained(base)

    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "config.json").write_text(
        json.dumps({**SETTINGS, "spatial_tower_select_feature": "patch_tokens"})
    )
    (adapter / "adapter_config.json").write_text(
        json.dumps(
            {
                "peft_type": "LORA",
                "task_type": "CAUSAL_LM",
                "base_model_name_or_path": "somewhere/else",
                "r": RANK,
                "lora_alpha": ALPHA,
                "lora_dropout": 0.05,
                "bias": "none",
                "inference_mode": True,
                "target_modules": list(ADAPTED),
            }
        )
    )
    factors = {}
    for module, (inputs, outputs) in ADAPTED.items():
        factors[f"base_model.model.{module}.lora_A.weight"] = (RANK, inputs)
        factors[f"base_model.model.{module}.lora_B.weight"] = (outputs, RANK)
    adapter_tensors = random_tensors(factors, seed=2)
    save_file(adapter_tensors, adapter / "adapter_model.safetensors")
    beside_shapes = projector_shapes(vision=36, hidden=32) | {
        f"model.fusion_block.{name}": shape for name, shape in fusion_shapes(36, 16).items()
    }
    beside_tensors = random_tensors(beside_shapes, seed=4)
    torch.save(
        {f"base_model.model.{name}": value for name, value in beside_tensors.items()},
        adapter / "non_lora_trainables.bin",
    )
    return Published(geometry, base, adapter, base_tensors, adapter_tensors, beside_tensors)


def run(published: Published, output: Path, **changes: object) -> int:
    arguments: dict = {
        "geometry": str(published.geometry),
        "base": str(published.base),
        "adapter": str(published.adapter),
        "dtype": "float32",
    }
    return convert(output, **(arguments | changes))


def test_base_adapter_and_geometry_become_one_loadable_folder(
    published: Published, tmp_path: Path
) -> None:
    output = tmp_path / "ours"
    assert run(published, output) == 0
    model, processor = load_model(output, dtype="float32")
    weights = model.state_dict()

    module = "model.layers.0.self_attn.q_proj"
    root = f"base_model.model.{module}"
    change = (
        published.adapter_tensors[f"{root}.lora_B.weight"]
        @ published.adapter_tensors[f"{root}.lora_A.weight"]
    )
    merged = published.base_tensors[f"{module}.weight"] + ALPHA / RANK * change
    torch.testing.assert_close(weights[f"language_model.{module}.weight"], merged)
    untouched = "model.layers.0.self_attn.k_proj.weight"
    assert torch.equal(weights[f"language_model.{untouched}"], published.base_tensors[untouched])
    assert torch.equal(
        weights["projector.0.weight"], published.beside_tensors["model.mm_projector.0.weight"]
    )
    assert torch.equal(
        weights["fusion.query.weight"],
        published.beside_tensors["model.fusion_block.clip_query_proj.weight"],
    )
    embedding = published.base_tensors["model.embed_tokens.weight"][:VOCABULARY]
    assert torch.equal(weights["language_model.model.embed_tokens.weight"], embedding)
    assert weights["language_model.lm_head.weight"].shape == (VOCABULARY, 32)
    geometry = random_tensors(geometry_shapes(GEOMETRY))
    assert torch.equal(weights["geometry_encoder.pose_token"], geometry["pose_token"])

    config = model.config
    assert config.vision_config.num_hidden_layers == 2
    assert (config.image_size, config.geometry_image_size) == (58, 64)
    assert config.spatial_features == "patch_tokens"
    assert config.text_config.vocab_size == VOCABULARY
    assert (config.fusion_heads, config.geometry_config.state_decoder_heads) == (18, 4)
    assert model.generation_config.eos_token_id == processor.tokenizer.convert_tokens_to_ids(
        "<|im_end|>"
    )


def test_a_converted_model_answers(published: Published, tmp_path: Path) -> None:
    assert run(published, tmp_path / "ours") == 0
    model, processor = load_model(tmp_path / "ours", dtype="float32")
    pixels = processor.frames(torch.randint(0, 255, (2, 40, 60, 3), dtype=torch.uint8).numpy())
    ids = model.generate(processor.tokenize("a<image>b"), pixels, max_new_tokens=3)
    assert 1 <= ids.shape[1] <= 3


def test_pickled_adapters_and_bases_convert_to_the_same_weights(
    published: Published, tmp_path: Path
) -> None:
    assert run(published, tmp_path / "first") == 0
    (published.adapter / "adapter_model.safetensors").unlink()
    torch.save(published.adapter_tensors, published.adapter / "adapter_model.bin")
    for file in published.base.glob("model*"):
        file.unlink()
    torch.save(published.base_tensors, published.base / "pytorch_model.bin")
    assert run(published, tmp_path / "second") == 0
    first, _ = load_model(tmp_path / "first", dtype="float32")
    second, _ = load_model(tmp_path / "second", dtype="float32")
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name


def test_the_geometry_encoder_converts_alone_in_a_chosen_type(
    published: Published, tmp_path: Path
) -> None:
    output = tmp_path / "geometry"
    assert run(published, output, base=None, adapter=None, dtype="bfloat16") == 0
    encoder = GeometryEncoder.from_pretrained(output, dtype="auto")
    assert encoder.dtype == torch.bfloat16
    assert encoder.config.state_decoder_heads == 4
    want = random_tensors(geometry_shapes(GEOMETRY))["dec_norm_state.weight"]
    assert torch.equal(encoder.state_decoder_norm.weight, want.to(torch.bfloat16))


def failure(
    published: Published, tmp_path: Path, capsys: pytest.CaptureFixture[str], **changes: object
) -> str:
    output = tmp_path / "failed"
    assert run(published, output, **changes) == 1
    assert not output.exists()
    return " ".join(capsys.readouterr().err.split())


def test_what_is_missing_is_said_before_anything_is_written(
    published: Published, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = failure(published, tmp_path, capsys, geometry=str(tmp_path / "no.pth"))
    assert "no.pth is not a file" in text
    text = failure(published, tmp_path, capsys, base=str(tmp_path / "nobase"))
    assert "nobase is not a folder" in text
    assert "needs the base" in failure(published, tmp_path, capsys, base=None)
    assert "float7" in failure(published, tmp_path, capsys, dtype="float7")
    text = failure(published, tmp_path, capsys, adapter=None)
    assert "fusion.visual_norm.weight" in text
    (published.base / "model-00002-of-00002.safetensors").unlink()
    text = failure(published, tmp_path, capsys)
    assert "lacks model-00002-of-00002.safetensors" in text


def test_an_absent_hub_model_is_a_clear_error(
    published: Published,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    text = failure(published, tmp_path, capsys, base="nobody-at-all/no-such-model")
    assert "nobody-at-all/no-such-model is not on this machine, and its download failed" in text


def test_other_kinds_of_adapters_are_refused(
    published: Published, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = json.loads((published.adapter / "adapter_config.json").read_text())
    (published.adapter / "adapter_config.json").write_text(
        json.dumps({**settings, "peft_type": "IA3"})
    )
    assert "IA3 adapter, not LORA" in failure(published, tmp_path, capsys)


def test_an_output_that_holds_something_is_left_alone(
    published: Published, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "ours"
    output.mkdir()
    (output / "mine.txt").write_text("keep")
    assert run(published, output) == 1
    assert "not an empty folder" in " ".join(capsys.readouterr().err.split())
    assert [file.name for file in output.iterdir()] == ["mine.txt"]
