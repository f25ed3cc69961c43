"""Pipelines of other shapes than the recorded ones, recorded by the test with our own model."""

import json
from pathlib import Path
from typing import Any

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
from safetensors.torch import load_file, save_file

from vlm3r_ros.benchmarks.conformance import run_conformance
from vlm3r_ros.benchmarks.conformance_networks import geometry_config, vlm_config
from vlm3r_ros.models.conversion import convert_geometry_state_dict, convert_vlm_state_dict
from vlm3r_ros.models.vlm3r import Modality, Vlm3rForConditionalGeneration

GEOMETRY = {
    "head": "linear",
    "patch_size": 8,
    "enc_dim": 24,
    "enc_depth": 1,
    "enc_heads": 3,
    "dec_dim": 16,
    "dec_depth": 2,
    "dec_heads": 2,
    "state_dec_heads": 4,
    "state_size": 10,
    "mem_size": 3,
    "mem_heads": 4,
    "mem_write_depth": 1,
    "mem_read_depth": 1,
    "mlp_ratio": 2,
    "norm_eps": 1e-6,
    "linear_head_mlp_ratio": 1,
    "pose_head_hidden": 6,
    "final_transform_depth": 1,
    "final_transform_heads": 2,
}
CONFIG: dict[str, Any] = {
    "preprocess": {"rescale": 1 / 255, "mean": 0.4, "std": 0.6},
    "vision": {
        "hidden_size": 20,
        "intermediate_size": 28,
        "layers_used": 2,
        "heads": 2,
        "image_size": 73,
        "patch_size": 14,
        "norm_eps": 1e-6,
        "gelu": "tanh",
        "post_layernorm": False,
    },
    "spatial_tower": {"resize_to": 48, "cut3r": GEOMETRY},
    "fusion": {"heads": 5, "norm_eps": 1e-4},
    "pool": {"stride": 2},
    "newline": "grid",
    "language": {
        "vocab_size": 61,
        "hidden_size": 24,
        "intermediate_size": 30,
        "layers": 2,
        "heads": 6,
        "kv_heads": 3,
        "rope_theta": 5e4,
        "rms_norm_eps": 1e-6,
        "eos_token_id": 60,
        "pad_token_id": 0,
    },
    "image_token_index": -7,
    "generation": {"greedy": True, "max_new_tokens": 6},
    "multi_image": {"frames": [2, 0, 1], "pool": "none", "newline": "grid"},
    "newline_length_case": {"pool": "average", "select_feature": "patch_tokens"},
}
PROMPT = torch.tensor([4, 8, -7, 15, 16, 23])
SEVERAL = torch.tensor([4, -7, -7, 9, -7, 2, 5])
FRAMES = torch.randint(
    0, 256, (3, 3, 73, 73), dtype=torch.uint8, generator=torch.Generator().manual_seed(2)
)
INPUTS = {
    "frames_u8_73": {"file": "case.safetensors", "tensor": "frames_u8_73"},
    "input_ids": {"file": "case.safetensors", "tensor": "input_ids"},
    "multi_image/input_ids": {"file": "case.safetensors", "tensor": "multi_image/input_ids"},
}


def write_weights(folder: Path) -> None:
    fusion = {f"model.fusion_block.{name}": shape for name, shape in fusion_shapes(20, 16).items()}
    shapes = (
        language_shapes(vocabulary=61, hidden=24, inner=30, layers=2, kv=12)
        | vision_shapes(dim=20, hidden=28, layers=2, patch=14, tokens=25)
        | projector_shapes(vision=20, hidden=24)
        | fusion
    )
    weights = {name: value * 2 for name, value in random_tensors(shapes, seed=5).items()}
    save_file(weights, folder / "vlm.weights.safetensors", {"role": "weights"})
    spatial = random_tensors(geometry_shapes(geometry_config(GEOMETRY)), seed=6)
    save_file(spatial, folder / "cut3r.weights.safetensors", {"role": "weights"})


def load(folder: Path) -> Vlm3rForConditionalGeneration:
    model = Vlm3rForConditionalGeneration(vlm_config(CONFIG)).eval()
    published = load_file(folder / "vlm.weights.safetensors")
    spatial = load_file(folder / "cut3r.weights.safetensors")
    model.load_state_dict(convert_vlm_state_dict(published, model.config), strict=False)
    model.geometry_encoder.load_state_dict(
        convert_geometry_state_dict(spatial, model.config.geometry_config)
    )
    return model


def pixels() -> torch.Tensor:
    settings = CONFIG["preprocess"]
    return (FRAMES.float() * settings["rescale"] - settings["mean"]) / settings["std"]


@torch.no_grad()
def record(model: Vlm3rForConditionalGeneration, end_token: int) -> dict[str, torch.Tensor]:
    """Logits and continuation of the one prompt, as the model is configured."""
    result = model.generate(
        PROMPT,
        pixels(),
        max_new_tokens=6,
        do_sample=False,
        eos_token_id=end_token,
        pad_token_id=0,
        output_logits=True,
        return_dict_in_generate=True,
    )
    return {
        "logits_last3": model(input_ids=PROMPT, pixel_values=pixels()).logits[0, -3:],
        "generated_ids": result.sequences[0],
        "gen_logits": torch.stack(result.logits)[:, 0],
    }


def write_case(folder: Path, kind: str, config: dict, tensors: dict, **metadata: Any) -> None:
    entries = {
        "kind": kind,
        "role": "case",
        "weights": "vlm.weights.safetensors",
        "spatial_weights": "cut3r.weights.safetensors",
        "config": json.dumps(config),
        "inputs": json.dumps(INPUTS),
        **{
            key: value if isinstance(value, str) else json.dumps(value)
            for key, value in metadata.items()
        },
    }
    stored = {
        "frames_u8_73": FRAMES,
        "input_ids": PROMPT,
        "multi_image/input_ids": SEVERAL,
        **tensors,
    }
    contiguous = {name: value.contiguous().clone() for name, value in stored.items()}
    save_file(contiguous, folder / "case.safetensors", entries)


@torch.no_grad()
def write_pipeline(folder: Path) -> None:
    write_weights(folder)
    model = load(folder)
    tensors = {}
    for pool, features in (("bilinear", "all"), ("average", "camera_tokens"), ("none", "all")):
        model.config.pool_mode, model.config.spatial_features = pool, features
        made = record(model, end_token=60)
        made["with_newline"] = model.visual_prefix(pixels())[::2]
        tensors |= {f"fp32/{pool}/{features}/{name}": value for name, value in made.items()}
    model.config.pool_mode, model.config.spatial_features = "bilinear", "all"
    end_token = int(tensors["fp32/bilinear/all/generated_ids"][2])
    name = f"fp16/bilinear/all/generated_ids_eos{end_token}"
    tensors[name] = record(model, end_token)["generated_ids"]

    embeds = model.prompt_embeds(SEVERAL, pixels()[[2, 0, 1]], modality=Modality.IMAGE)
    tensors["multi_image/length"] = torch.tensor(embeds.shape[1])
    tensors["multi_image/embeds_stride5"] = embeds[0, ::5]
    tensors["multi_image/logits_last2"] = model(inputs_embeds=embeds).logits[0, -2:]
    # 5 x 5 patches give 2 x 2 cells by averaging, in each of three frames.
    text, cells = len(PROMPT) - 1, 3 * 4
    newlines = {"no_token": 0, "one_token": 1, "frame": 3, "grid": 6}
    for position, count in newlines.items():
        tensors[f"newline/{position}/length"] = torch.tensor(text + cells + count)
    write_case(
        folder,
        "vlm_pipeline",
        CONFIG | {"eos_override": {name: end_token}},
        tensors,
        subsample={
            "*logits_last3": "-3:",
            "*/with_newline": "::2",
            "multi_image/embeds_stride5": "::5",
            "multi_image/logits_last2": "-2:",
        },
    )


@torch.no_grad()
def write_adapted(folder: Path) -> None:
    """Adapters of two ranks, with a scaling that is not alpha / r."""
    write_weights(folder)
    model = load(folder)
    modules = {
        "model.layers.0.mlp.down_proj": (30, 24, 2),
        "model.layers.1.self_attn.k_proj": (24, 12, 5),
    }
    shapes: dict[str, tuple[int, ...]] = {}
    for module, (inputs, outputs, rank) in modules.items():
        shapes[f"base_model.model.{module}.lora_A.weight"] = (rank, inputs)
        shapes[f"base_model.model.{module}.lora_B.weight"] = (outputs, rank)
    adapter = random_tensors(shapes, seed=7)
    scaling = 1.7
    weights = model.language_model.state_dict()
    for module in modules:
        root = f"base_model.model.{module}"
        product = adapter[f"{root}.lora_B.weight"] @ adapter[f"{root}.lora_A.weight"]
        weights[f"{module}.weight"] += scaling * product
    beside = random_tensors(projector_shapes(vision=20, hidden=24), seed=8)
    model.projector.load_state_dict(
        {name.removeprefix("model.mm_projector."): value for name, value in beside.items()}
    )
    model.config.pool_mode, model.config.spatial_features = "average", "patch_tokens"
    tensors = record(model, end_token=60)
    tensors |= {f"a/{name}": value for name, value in adapter.items()}
    tensors |= {f"n/base_model.model.{name}": value for name, value in beside.items()}
    config = {key: value for key, value in CONFIG.items() if key != "generation"}
    config["lora"] = {"r": 2, "alpha": 9, "scaling": scaling, "targets": list(modules)}
    config["case"] = {
        "pool": "average",
        "select_feature": "patch_tokens",
        "greedy": True,
        "max_new_tokens": 6,
    }
    write_case(
        folder,
        "lora",
        config,
        tensors,
        adapter_prefix="a/",
        non_lora_prefix="n/",
        subsample={"logits_*": "-3:"},
    )


def test_pipelines_of_other_shapes_pass(tmp_path: Path) -> None:
    write_pipeline(tmp_path)
    results = run_conformance(tmp_path)
    assert [result for result in results if not result.passed] == []
    compared = {result.tensor for result in results}
    assert {"newline/frame/length", "multi_image/logits_last2"} <= compared
    assert any("_eos" in name for name in compared)


def test_adapters_of_other_ranks_pass(tmp_path: Path) -> None:
    write_adapted(tmp_path)
    results = run_conformance(tmp_path)
    assert [result for result in results if not result.passed] == []
    assert {result.tensor for result in results} == {"logits_last3", "generated_ids", "gen_logits"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"image_token_index": -9}, "image placeholders"),
        ({"language": {**CONFIG["language"], "qkv_bias": False}}, "qkv_bias"),
        ({"pool": {"stride": 3}}, "stride = 3 is not supported"),
        ({"fusion": {"heads": 5}}, "lacks 'norm_eps'"),
        ({"vision": {**CONFIG["vision"], "layers_used": 3}}, "vision_tower.encoder.layers.2"),
    ],
)
def test_a_pipeline_that_cannot_run_misses_with_a_reason(
    tmp_path: Path, change: dict, reason: str
) -> None:
    write_weights(tmp_path)
    tensors = {"fp32/bilinear/all/generated_ids": torch.tensor([1])}
    write_case(tmp_path, "vlm_pipeline", {**CONFIG, **change}, tensors)
    (result,) = run_conformance(tmp_path)
    assert not result.passed
    assert reason in result.reason
