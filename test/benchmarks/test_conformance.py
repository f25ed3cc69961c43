import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from published_checkpoints import fusion_shapes, geometry_shapes
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from vlm3r_ros.benchmarks.conformance import run_conformance
from vlm3r_ros.benchmarks.conformance_data import (
    TensorResult,
)
from vlm3r_ros.benchmarks.formula_weights import (
    formula_fingerprint,
    formula_tensors,
)
from vlm3r_ros.commands.conformance import conformance
from vlm3r_ros.models.conversion import (
    build_empty,
    fill_parameters,
    fusion_plan,
    geometry_plan,
)
from vlm3r_ros.models.fusion import SpatialVisualFusion
from vlm3r_ros.models.geometry import GeometryEncoder, GeometryEncoderConfig, GeometryHead

FULL_SIZE = 100_000_000
PROMPTS = "prompts_and_sampling.json"


def missed(results: list[TensorResult]) -> list[TensorResult]:
    return [result for result in results if not result.passed]


def only(results: list[TensorResult], case: str) -> list[TensorResult]:
    return [result for result in results if result.case == case]


def rewrite(path: Path, change: Callable[[dict, dict], None]) -> None:
    """Change tensors and metadata of a stored file in place."""
    with safe_open(path, framework="pt") as file:
        metadata = dict(file.metadata())
    tensors = load_file(path)
    change(tensors, metadata)
    path.unlink()
    save_file({name: value.contiguous() for name, value in tensors.items()}, path, metadata)


# --- recorded folder -------------------------------------------------------------------------


def is_full_size(path: Path) -> bool:
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    if metadata.get("weights") != "formula":
        return False
    keys = json.loads((path.parent / metadata["weights_keys"]).read_text())
    return sum(int(np.prod(shape)) for shape, _ in keys.values()) > FULL_SIZE


@pytest.fixture(scope="session")
def small_folder(golden_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recorded folder without the cases of the published size."""
    folder = tmp_path_factory.mktemp("small")
    cases = [file for file in golden_dir.glob("*.safetensors") if not is_full_size(file)]
    tables = [file for file in golden_dir.glob("*.json") if file.name != "INDEX.json"]
    for file in (*cases, *tables):
        (folder / file.name).symlink_to(file)
    return folder


@pytest.fixture(scope="session")
def small_results(small_folder: Path) -> list[TensorResult]:
    return run_conformance(small_folder)


def test_small_recorded_cases_pass(small_results: list[TensorResult], small_folder: Path) -> None:
    assert missed(small_results) == []
    cases = {result.case for result in small_results}
    stored = {
        file.name for file in small_folder.glob("*.safetensors") if "weights" not in file.name
    }
    assert cases == stored | {PROMPTS}


def test_every_stored_tensor_is_compared_read_or_weights(
    small_results: list[TensorResult], small_folder: Path
) -> None:
    given = ("w.", "adapter/", "non_lora/")
    inputs = {"images", "clip", "spatial", "frames_u8_raw", "input_ids", "multi_image/input_ids"}
    for file in small_folder.glob("*.safetensors"):
        if "weights" in file.name:
            continue
        with safe_open(file, framework="pt") as stored:
            names = set(stored.keys())
        compared = {result.tensor for result in only(small_results, file.name)}
        rest = {name for name in names - compared if not name.startswith(given)}
        assert rest <= inputs


@pytest.mark.timeout(1200)  # 0.8 billion parameters in float32: minutes on a slow core
def test_recorded_cases_of_the_published_size_pass(golden_dir: Path, tmp_path: Path) -> None:
    large = [file for file in golden_dir.glob("*.safetensors") if is_full_size(file)]
    if not large:
        pytest.skip("the recorded folder has no case of the published size")
    for file in [*large, *golden_dir.glob("keys_*.json")]:
        (tmp_path / file.name).symlink_to(file)
    for file in large:
        with safe_open(file, framework="pt") as stored:
            inputs = json.loads(stored.metadata()["inputs"])
        for reference in inputs.values():
            source = golden_dir / reference["file"]
            if not (tmp_path / source.name).exists():
                # Only as a source of frames: its own cases need weights that are not here.
                (tmp_path / source.name).symlink_to(source)
    results = run_conformance(tmp_path)
    for file in large:
        assert only(results, file.name)
        assert missed(only(results, file.name)) == []


@pytest.mark.parametrize(
    ("weights", "tensor"),
    [
        ("cut3r_tiny_dpt_small.weights", "dec_blocks_state.1.cross_attn.projk.weight"),
        ("cut3r_tiny_dpt_small.weights", "pose_retriever.write_blocks.1.mlp.fc2.bias"),
        ("vlm3r_tiny.weights", "model.layers.1.mlp.up_proj.weight"),
    ],
)
def test_a_perturbed_weight_misses(
    golden_dir: Path, tmp_path: Path, weights: str, tensor: str
) -> None:
    case, needed = {
        "cut3r_tiny_dpt_small.weights": ("cut3r_tiny_dpt_small.land", ()),
        "vlm3r_tiny.weights": ("vlm3r_lora", ("cut3r_tiny_dpt_small.weights", "vlm3r_tower")),
    }[weights]
    for name in (weights, case, *needed):
        shutil.copy(golden_dir / f"{name}.safetensors", tmp_path)
    before = only(run_conformance(tmp_path), f"{case}.safetensors")
    assert before
    assert missed(before) == []

    def nudge(tensors: dict, _: dict) -> None:
        tensors[tensor] = tensors[tensor] + 0.01

    rewrite(tmp_path / f"{weights}.safetensors", nudge)
    assert missed(only(run_conformance(tmp_path), f"{case}.safetensors"))


def test_prompts_must_be_equal_byte_for_byte(golden_dir: Path, tmp_path: Path) -> None:
    content = json.loads((golden_dir / PROMPTS).read_text())
    content["prompts"]["video_demo_plain"] += " "
    content["prompts"]["image_demo_2_images"] = content["prompts"]["image_demo_3_images"]
    content["prompts"]["novel"] = "text"
    content["frame_sampling"][0]["demo_frame_idx"][1] += 1
    content["extra"] = 1
    (tmp_path / PROMPTS).write_text(json.dumps(content))
    assert {result.tensor for result in missed(run_conformance(tmp_path))} == {
        "prompts/video_demo_plain",
        "prompts/image_demo_2_images",
        "prompts/novel",
        "frame_sampling/0/demo_frame_idx",
        "extra",
    }


# --- cases written by the test itself --------------------------------------------------------

VARIANTS: dict[str, dict[str, Any]] = {
    "linear": {
        "head": "linear",
        "patch_size": 8,
        "state_size": 9,
        "linear_head_mlp_ratio": 2.0,
        "frames": 4,
        "grid": (5, 3),
        "update": [0, 1, 0, 1],
        "reset": [1, 0, 1, 0],
        "salt": 2**32 + 7,
    },
    "dpt": {
        "head": "dpt",
        "patch_size": 16,
        "state_size": 30,
        "dpt_feature_dim": 8,
        "dpt_last_dim": 4,
        "dpt_layer_dims": [4, 6, 8, 10],
        "dpt_hooks": [0, 1, 2, 3],
        "frames": 2,
        "grid": (3, 7),
        "salt": 99,
    },
}
SETTINGS = {
    "enc_dim": 96,
    "enc_depth": 2,
    "enc_heads": 6,
    "dec_dim": 72,
    "dec_depth": 3,
    "dec_heads": 3,
    "state_dec_heads": 6,
    "mem_size": 5,
    "mem_heads": 9,
    "mem_write_depth": 1,
    "mem_read_depth": 3,
    "mlp_ratio": 2,
    "norm_eps": 1e-5,
    "rope_base": 50.0,
    "final_transform_depth": 1,
    "final_transform_heads": 2,
    "pose_head_hidden": 20,
    "gelu": "erf",
}


def geometry_of(variant: dict[str, Any]) -> GeometryEncoderConfig:
    fields = ("head", "patch_size", "state_size", "linear_head_mlp_ratio")
    dpt = ("dpt_feature_dim", "dpt_last_dim", "dpt_layer_dims", "dpt_hooks")
    return GeometryEncoderConfig(
        encoder_dim=96,
        encoder_depth=2,
        encoder_heads=6,
        decoder_dim=72,
        decoder_depth=3,
        decoder_heads=3,
        state_decoder_heads=6,
        memory_size=5,
        memory_heads=9,
        memory_write_depth=1,
        memory_read_depth=3,
        mlp_ratio=2.0,
        norm_eps=1e-5,
        rope_base=50.0,
        final_transform_depth=1,
        final_transform_heads=2,
        pose_head_hidden=20,
        **{name: variant[name] for name in (*fields, *dpt) if name in variant},
    )


def write_geometry_case(folder: Path, name: str) -> Path:
    """Record a sequence on weights by formula with our own encoder, in the recorded format."""
    variant = VARIANTS[name]
    config, salt = geometry_of(variant), variant["salt"]
    shapes = geometry_shapes(config)
    keys = {key: [list(shape), "float32"] for key, shape in shapes.items()}
    (folder / f"keys_{name}.json").write_text(json.dumps(keys))
    encoder = build_empty(lambda: GeometryEncoder(config))
    stream = ((key, torch.from_numpy(value)) for key, value in formula_tensors(shapes, salt))
    fill_parameters(encoder, stream, geometry_plan(shapes, config))

    rows, columns = variant["grid"]
    size = (rows * config.patch_size, columns * config.patch_size)
    images = torch.rand(variant["frames"], 3, *size, generator=torch.Generator().manual_seed(1))
    images = 2 * images - 1
    state = encoder.initial_state(1)
    stored = {"images": images, "fp32/init.state": state.tokens[0].contiguous()}
    for i, image in enumerate(images.split(1)):
        flags = {
            key: torch.tensor(variant[key][i : i + 1], dtype=torch.bool)
            for key in ("update", "reset")
            if key in variant
        }
        with torch.no_grad():
            output, state = encoder.step(image, state, list(GeometryHead), **flags)
        stored[f"fp32/f{i}.F"] = output.patch_tokens[0, 1:-1:2]
        stored[f"fp16/f{i}.F"] = output.patch_tokens[0] + 0.004
        stored[f"fp32/f{i}.state"] = state.tokens[0]
        stored[f"fp32/f{i}.mem"] = state.memory[0, 0]
        stored[f"fp32/f{i}.c2w"] = output.camera_to_world[0]
        stored[f"fp32/f{i}.pts3d_in_other_view"] = output.points_world[0, ::3, 1::4]
        stored[f"fp32/f{i}.rgb"] = output.color[0]
    side = int(config.state_size**0.5)
    side += side % 2
    index = torch.arange(config.state_size)
    stored["state_pos"] = torch.stack((index // side, index % side), dim=1)
    path = folder / f"{name}.safetensors"
    metadata: dict[str, Any] = {
        "kind": "cut3r",
        "role": "case",
        "set": "own",
        "salt": salt,
        "weights": "formula",
        "weights_keys": f"keys_{name}.json",
        "weights_sha256_first64": formula_fingerprint(shapes, salt),
        "config": {
            **SETTINGS,
            **{
                key: variant[key]
                for key in variant
                if key not in ("grid", "update", "reset", "salt")
            },
        },
        "inputs": {"images": {"file": path.name, "tensor": "images"}},
        "subsample": {"*.mem": "0", "fp32/*.F": "1:-1:2", "*_view": "::3, 1::4"},
        "tolerance": {"*.F": {"rtol": 0, "atol": 1e-5}, "fp16/*.F": {"rtol": 0, "atol": 5e-3}},
        **{key: variant[key] for key in ("update", "reset") if key in variant},
    }
    text = {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in metadata.items()
    }
    save_file({key: value.contiguous() for key, value in stored.items()}, path, text)
    return path


def write_fusion_case(folder: Path) -> Path:
    """Record a fusion whose weights lie beside its result, with a prefix."""
    shapes = fusion_shapes(24, 20)
    weights = {name: torch.from_numpy(value) for name, value in formula_tensors(shapes, 5)}
    fusion = build_empty(lambda: SpatialVisualFusion(24, 20, heads=4, norm_eps=1e-3))
    fill_parameters(fusion, weights.items(), fusion_plan(shapes, fusion))
    clip, spatial = torch.randn(4, 7, 24), torch.randn(4, 3, 20)
    with torch.no_grad():
        out, attention = fusion(clip[1:3], spatial[::2], return_attention=True)
    path = folder / "fusion.safetensors"
    metadata = {
        "kind": "fusion",
        "role": "case",
        "weights": path.name,
        "weights_prefix": "given.",
        "config": json.dumps({"dim": 24, "spatial_dim": 20, "heads": 4, "norm_eps": 1e-3}),
        "inputs": json.dumps(
            {
                "clip": {"file": path.name, "tensor": "clip", "slice": "1:3"},
                "spatial": {"file": path.name, "tensor": "spatial", "slice": "::2"},
            }
        ),
        "subsample": json.dumps({"out": ":, -3:"}),
    }
    stored = {f"given.{name}": value for name, value in weights.items()}
    stored |= {"clip": clip, "spatial": spatial, "attn_mean_over_heads": attention}
    save_file({**stored, "out": out[:, -3:].contiguous()}, path, metadata)
    return path


@pytest.fixture(params=[*VARIANTS, "fusion"])
def own_case(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == "fusion":
        return write_fusion_case(tmp_path)
    return write_geometry_case(tmp_path, request.param)


def test_cases_of_other_shapes_run(own_case: Path) -> None:
    results = run_conformance(own_case.parent)
    assert missed(results) == []
    assert len(results) > 1
    assert conformance(own_case.parent) == 0


def test_a_changed_result_misses_alone(own_case: Path) -> None:
    name = "out" if own_case.stem == "fusion" else "fp32/f1.state"

    def change(tensors: dict, _: dict) -> None:
        tensors[name].view(-1)[-1] += 0.01

    rewrite(own_case, change)
    assert [result.tensor for result in missed(run_conformance(own_case.parent))] == [name]
    assert conformance(own_case.parent) == 1


def test_an_unknown_tensor_is_a_miss(own_case: Path) -> None:
    def change(tensors: dict, _: dict) -> None:
        tensors["fp32/f0.novel"] = torch.zeros(2)

    rewrite(own_case, change)
    (miss,) = missed(run_conformance(own_case.parent))
    assert miss.tensor == "fp32/f0.novel"
    assert "not a tensor" in miss.reason


def change_metadata(path: Path, key: str, value: Any) -> None:
    def change(_: dict, metadata: dict) -> None:
        metadata[key] = value if isinstance(value, str) else json.dumps(value)

    rewrite(path, change)


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("kind", "novel", "unknown kind"),
        ("weights", "absent.safetensors", "no (readable) file absent.safetensors"),
        ("weights_keys", "keys_absent.json", "keys_absent.json cannot be read"),
        ("weights_sha256_first64", "0" * 64, "another checksum"),
        ("salt", "1", "another checksum"),
        ("inputs", {"images": {"file": "dpt.safetensors", "tensor": "no"}}, "no tensor no"),
        ("inputs", {}, "no input images"),
        ("config", "{", "not JSON"),
        ("config", {**SETTINGS, "gelu": "tanh"}, "gelu = 'tanh' is not supported"),
        ("config", {**SETTINGS, "state_size": 31, "head": "linear"}, "register_tokens.weight"),
        ("update", [1], "1 flags in update for 2 frames"),
        ("subsample", {"*.F": "a:b"}, "not a slice"),
    ],
)
def test_a_broken_case_is_a_miss_with_a_reason(
    tmp_path: Path, key: str, value: Any, reason: str
) -> None:
    path = write_geometry_case(tmp_path, "dpt")
    change_metadata(path, key, value)
    results = missed(run_conformance(tmp_path))
    assert results
    assert reason in results[0].reason


def test_a_broken_file_is_a_miss_and_the_others_still_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_fusion_case(tmp_path)
    broken = write_geometry_case(tmp_path, "linear")
    broken.write_bytes(broken.read_bytes()[:1000])
    results = run_conformance(tmp_path)
    assert [result.case for result in missed(results)] == ["linear.safetensors"]
    assert "cannot be read" in missed(results)[0].reason
    assert len(only(results, "fusion.safetensors")) == 2
    assert conformance(tmp_path) == 1
    printed = capsys.readouterr().out
    assert "attn_mean_over_heads" in printed
    assert "2 of 3 comparisons in 2 cases passed" in printed


def test_what_the_index_lists_must_be_there(tmp_path: Path) -> None:
    path = write_fusion_case(tmp_path)
    index = {path.name: {"tensors": {"out": [], "gone": []}}, "lost.safetensors": {"tensors": {}}}
    (tmp_path / "INDEX.json").write_text(json.dumps(index))
    misses = {(result.case, result.tensor) for result in missed(run_conformance(tmp_path))}
    assert misses == {(path.name, "gone"), ("lost.safetensors", "")}
    (tmp_path / "INDEX.json").write_text("{")
    assert [result.case for result in missed(run_conformance(tmp_path))] == ["INDEX.json"]


def test_an_empty_or_absent_folder_does_not_pass(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert conformance(tmp_path) == 1
    assert conformance(tmp_path / "nowhere") == 2
    assert "nowhere" in capsys.readouterr().out
