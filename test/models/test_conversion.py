import json
import re
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
from transformers import Qwen2Config, SiglipVisionConfig

from vlm3r_ros.models.adapters import adapter_config, merge_adapter, strip_wrapper
from vlm3r_ros.models.configuration import Vlm3rConfig
from vlm3r_ros.models.conversion import (
    ConversionError,
    build_empty,
    convert_geometry_state_dict,
    convert_vlm_state_dict,
    fill_parameters,
    fusion_plan,
    geometry_plan,
    vlm_plan,
)
from vlm3r_ros.models.fusion import SpatialVisualFusion
from vlm3r_ros.models.geometry import GeometryEncoder, GeometryEncoderConfig
from vlm3r_ros.models.published_configs import geometry_config, vlm_config
from vlm3r_ros.models.vlm3r import Vlm3rForConditionalGeneration

SMALL = {
    "encoder_dim": 24,
    "encoder_depth": 1,
    "encoder_heads": 3,
    "decoder_dim": 16,
    "decoder_depth": 4,
    "decoder_heads": 2,
    "state_decoder_heads": 4,
    "state_size": 9,
    "memory_size": 5,
    "memory_heads": 2,
    "memory_read_depth": 1,
    "memory_write_depth": 2,
    "mlp_ratio": 2.0,
    "dpt_feature_dim": 8,
    "dpt_last_dim": 4,
    "dpt_layer_dims": (4, 6, 8, 10),
    "dpt_hooks": (0, 2, 3, 4),
    "pose_head_hidden": 12,
    "final_transform_depth": 1,
    "final_transform_heads": 2,
}


@pytest.fixture(params=["dpt", "linear"])
def config(request: pytest.FixtureRequest) -> GeometryEncoderConfig:
    return GeometryEncoderConfig(head=request.param, **SMALL)


@pytest.fixture
def whole_config() -> Vlm3rConfig:
    return Vlm3rConfig(
        vision_config=SiglipVisionConfig(
            hidden_size=12,
            intermediate_size=20,
            num_hidden_layers=2,
            num_attention_heads=2,
            image_size=58,
            patch_size=14,
            vision_use_head=False,
        ),
        geometry_config=GeometryEncoderConfig(head="linear", **SMALL),
        text_config=Qwen2Config(
            vocab_size=40,
            hidden_size=32,
            intermediate_size=24,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
        ),
        fusion_heads=3,
        geometry_image_size=64,
    )


def whole_shapes(vision_layers: int = 2) -> dict[str, tuple[int, ...]]:
    fusion = {f"model.fusion_block.{name}": shape for name, shape in fusion_shapes(12, 16).items()}
    return (
        language_shapes(vocabulary=40, hidden=32, inner=24, layers=2, kv=16)
        | vision_shapes(dim=12, hidden=20, layers=vision_layers, patch=14, tokens=16)
        | projector_shapes(vision=12, hidden=32)
        | fusion
    )


def read_keys(path: Path) -> dict[str, tuple[int, ...]]:
    return {name: tuple(entry[0]) for name, entry in json.loads(path.read_text()).items()}


def test_fills_every_parameter_of_a_geometry_encoder(config: GeometryEncoderConfig) -> None:
    published = random_tensors(geometry_shapes(config))
    encoder = GeometryEncoder(config)
    encoder.load_state_dict(convert_geometry_state_dict(published, config), strict=True)
    assert torch.equal(encoder.state_embedding.weight, published["register_tokens.weight"])
    assert torch.equal(
        encoder.image_decoder[2].cross_attention.key.weight,
        published["dec_blocks.2.cross_attn.projk.weight"],
    )


def test_every_key_without_a_counterpart_has_a_reason(config: GeometryEncoderConfig) -> None:
    shapes = geometry_shapes(config)
    plan = geometry_plan(shapes, config)
    assert set(plan.filled) | set(plan.unused) | set(plan.duplicates) == set(shapes)
    assert all(plan.unused.values())
    assert "masked_img_token" in plan.unused
    assert len(set(plan.filled.values())) == len(plan.filled)


@pytest.mark.parametrize("name", ["enc_norm.bias", "dec_blocks.3.attn.qkv.weight", "pose_token"])
def test_a_missing_key_is_named_by_the_parameter_it_would_fill(
    config: GeometryEncoderConfig, name: str
) -> None:
    shapes = geometry_shapes(config)
    ours = geometry_plan(shapes, config).filled[name]
    del shapes[name]
    with pytest.raises(ConversionError, match=re.escape(ours)):
        geometry_plan(shapes, config)


def test_unknown_and_misshapen_keys_are_named(config: GeometryEncoderConfig) -> None:
    shapes = geometry_shapes(config)
    with pytest.raises(ConversionError, match=r"unknown keys: downstream_head\.novel"):
        geometry_plan({**shapes, "downstream_head.novel": (3,)}, config)
    with pytest.raises(ConversionError, match=r"dec_norm\.weight is \[15\] and should be \[16\]"):
        geometry_plan({**shapes, "dec_norm.weight": (15,)}, config)
    # A layer that the configuration does not have is unknown too.
    with pytest.raises(ConversionError, match=r"enc_blocks\.1\.norm1\.weight"):
        geometry_plan({**shapes, "enc_blocks.1.norm1.weight": (24,)}, config)


def test_second_names_of_a_tensor_must_agree_with_the_first() -> None:
    config = GeometryEncoderConfig(head="dpt", **SMALL)
    published = random_tensors(geometry_shapes(config))
    name = "downstream_head.dpt_rgb.scratch.layer_rn.2.weight"
    published[name] = published[name] + 1
    with pytest.raises(ConversionError, match=r"layer_rn\.2\.weight .* differ"):
        convert_geometry_state_dict(published, config)


def test_the_second_name_alone_will_do() -> None:
    config = GeometryEncoderConfig(head="dpt", **SMALL)
    published = random_tensors(geometry_shapes(config))
    del published["downstream_head.dpt_rgb.scratch.layer3_rn.weight"]
    ours = convert_geometry_state_dict(published, config)
    assert ours.keys() == GeometryEncoder(config).state_dict().keys()


def test_reads_the_configuration_off_the_shapes(config: GeometryEncoderConfig) -> None:
    expression = "Net(enc_num_heads=3, dec_num_heads=2, state_dec_num_heads=4, depth=('exp', -inf))"
    found = geometry_config(geometry_shapes(config), {"model": expression}).to_dict()
    other_head = {
        "dpt": ("linear_head_mlp_ratio",),
        "linear": ("dpt_feature_dim", "dpt_last_dim", "dpt_layer_dims", "dpt_hooks"),
    }
    compared = set(found) - set(other_head[config.head])
    want = config.to_dict()
    assert {name: found[name] for name in compared} == {name: want[name] for name in compared}


def test_nothing_in_the_model_expression_is_evaluated(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    config = GeometryEncoderConfig(head="linear", **{**SMALL, "encoder_heads": 1})
    expression = f"Net(dec_num_heads=2, state_dec_num_heads=4, x=open({str(victim)!r}, 'w'))"
    geometry_config(geometry_shapes(config), {"model": expression})
    assert not victim.exists()


def test_fills_every_parameter_of_the_whole_model(whole_config: Vlm3rConfig) -> None:
    published = random_tensors(whole_shapes())
    ours = convert_vlm_state_dict(published, whole_config)
    model = Vlm3rForConditionalGeneration(whole_config)
    wanted = {name for name in model.state_dict() if not name.startswith("geometry_encoder.")}
    assert ours.keys() == wanted
    assert (
        ours["fusion.attention_in.bias"]
        is published["model.fusion_block.cross_attention.in_proj_bias"]
    )


def test_the_vision_towers_last_layer_is_dropped_and_no_other(whole_config: Vlm3rConfig) -> None:
    plan = vlm_plan(whole_shapes(vision_layers=3), whole_config)
    dropped = [name for name, reason in plan.unused.items() if "last layer" in reason]
    assert dropped
    assert all(".encoder.layers.2." in name for name in dropped)
    with pytest.raises(ConversionError, match=r"layers\.3"):
        vlm_plan(whole_shapes(vision_layers=4), whole_config)


def test_a_model_without_fusion_is_refused(whole_config: Vlm3rConfig) -> None:
    shapes = {name: shape for name, shape in whole_shapes().items() if "fusion" not in name}
    with pytest.raises(ConversionError, match=r"fusion\.visual_norm\.weight"):
        vlm_plan(shapes, whole_config)


def test_fusion_attends_as_torchs_own_multi_head_attention() -> None:
    published = random_tensors(fusion_shapes(12, 8))
    fusion = build_empty(lambda: SpatialVisualFusion(12, 8, heads=3))
    plan = fusion_plan({name: tuple(value.shape) for name, value in published.items()}, fusion)
    fill_parameters(fusion, published.items(), plan)
    attention = torch.nn.MultiheadAttention(12, 3, batch_first=True)
    prefix = "cross_attention."
    attention.load_state_dict(
        {
            name.removeprefix(prefix): value
            for name, value in published.items()
            if name.startswith(prefix)
        }
    )

    def linear(name: str, x: torch.Tensor) -> torch.Tensor:
        weight, bias = published[f"{name}.weight"], published[f"{name}.bias"]
        return torch.nn.functional.linear(x, weight, bias)

    def norm(name: str, x: torch.Tensor) -> torch.Tensor:
        weight, bias = published[f"{name}.weight"], published[f"{name}.bias"]
        return torch.nn.functional.layer_norm(x, weight.shape, weight, bias)

    visual, spatial = torch.randn(2, 5, 12), torch.randn(2, 4, 8)
    normed = norm("spatial_encoder_norm", spatial)
    attended, _ = attention(
        linear("clip_query_proj", norm("clip_norm", visual)),
        linear("spatial_encoder_key_proj", normed),
        linear("spatial_encoder_value_proj", normed),
    )
    want = norm("out_norm", linear("out_proj", attended)) + visual
    torch.testing.assert_close(fusion(visual, spatial), want)


def test_filling_stops_where_the_checkpoint_ends_early(config: GeometryEncoderConfig) -> None:
    published = random_tensors(geometry_shapes(config))
    plan = geometry_plan(geometry_shapes(config), config)
    encoder = build_empty(lambda: GeometryEncoder(config))
    rest = [item for item in published.items() if item[0] != "dec_norm.bias"]
    with pytest.raises(ConversionError, match=r"dec_norm\.bias"):
        fill_parameters(encoder, rest, plan)


def adapter_tensors(modules: dict[str, tuple[int, int, int]]) -> dict[str, torch.Tensor]:
    """Low-rank factors of modules given as (inputs, outputs, rank)."""
    shapes = {}
    for module, (inputs, outputs, rank) in modules.items():
        shapes[f"base_model.model.{module}.lora_A.weight"] = (rank, inputs)
        shapes[f"base_model.model.{module}.lora_B.weight"] = (outputs, rank)
    return random_tensors(shapes, seed=3)


ADAPTED = {
    "model.layers.0.self_attn.q_proj": (32, 32, 3),
    "model.layers.1.self_attn.v_proj": (32, 16, 3),
    "model.layers.1.mlp.down_proj": (24, 32, 5),
}


def test_merging_an_adapter_adds_the_scaled_product(whole_config: Vlm3rConfig) -> None:
    model = Vlm3rForConditionalGeneration(whole_config).language_model
    before = {name: value.clone() for name, value in model.state_dict().items()}
    tensors = adapter_tensors(ADAPTED)
    merge_adapter(model, tensors, adapter_config(tensors, scaling=0.75))
    after = model.state_dict()
    assert after.keys() == before.keys()
    for name, value in before.items():
        module = name.removesuffix(".weight")
        if module in ADAPTED:
            root = f"base_model.model.{module}"
            change = tensors[f"{root}.lora_B.weight"] @ tensors[f"{root}.lora_A.weight"]
            torch.testing.assert_close(after[name], value + 0.75 * change)
        else:
            assert torch.equal(after[name], value)


def test_a_broken_adapter_is_an_error_that_names_the_key(whole_config: Vlm3rConfig) -> None:
    def merge(change: dict[str, torch.Tensor | None]) -> None:
        tensors = adapter_tensors(ADAPTED)
        settings = adapter_config(tensors, 1.0)
        for name, value in change.items():
            if value is None:
                del tensors[name]
            else:
                tensors[name] = value
        merge_adapter(Vlm3rForConditionalGeneration(whole_config).language_model, tensors, settings)

    factor = "base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight"
    with pytest.raises(ConversionError, match=re.escape(factor)):
        merge({factor: None})
    with pytest.raises(ConversionError, match=r"q_proj\.lora_B\.weight is \[31, 3\]"):
        merge({factor: torch.zeros(31, 3)})
    extra = factor.replace("layers.0", "layers.7")
    with pytest.raises(ConversionError, match=re.escape(extra)):
        merge({extra: torch.zeros(32, 3)})
    with pytest.raises(ConversionError, match="not a low-rank factor"):
        merge({"base_model.model.model.norm.weight": torch.zeros(32)})


def test_names_of_what_was_trained_beside_an_adapter_lose_the_wrapper() -> None:
    value = torch.zeros(1)
    assert list(strip_wrapper({"base_model.model.model.fusion_block.x": value})) == [
        "model.fusion_block.x"
    ]
    assert list(strip_wrapper({"base_model.model.mm_projector.x": value})) == [
        "model.mm_projector.x"
    ]


def test_maps_every_key_of_the_published_geometry_checkpoint(shared_dir: Path) -> None:
    shapes = read_keys(shared_dir / "reference" / "keys_cut3r_512_dpt_4_64.json")
    config = geometry_config(shapes)
    assert config.to_dict() == GeometryEncoderConfig().to_dict()
    assert geometry_shapes(config) == shapes
    plan = geometry_plan(shapes, config)
    assert (len(plan.filled), len(plan.unused), len(plan.duplicates)) == (1194, 42, 12)


def test_maps_every_key_of_the_published_vlm_checkpoint(shared_dir: Path) -> None:
    shapes = read_keys(shared_dir / "reference" / "keys_vlm3r_7b_full.json")
    settings = {
        "num_attention_heads": 28,
        "num_key_value_heads": 4,
        "mm_vision_tower": "google/siglip-so400m-patch14-384",
    }
    config = vlm_config(settings, shapes, GeometryEncoderConfig())
    published, found = Vlm3rConfig(), config
    for part in ("vision_config", "text_config", "geometry_config"):
        want = getattr(published, part).to_dict()
        got = getattr(found, part).to_dict()
        token_ids = {key for key in want if key.endswith("token_id")}
        assert {key: got[key] for key in want if key not in token_ids} == {
            key: want[key] for key in want if key not in token_ids
        }
    assert (found.fusion_heads, found.geometry_image_size) == (18, 432)
    plan = vlm_plan(shapes, config)
    assert len(plan.filled) == len(shapes) == 783


def test_every_key_of_the_published_adapter_has_a_place(shared_dir: Path) -> None:
    keys = json.loads((shared_dir / "reference" / "keys_lora_checkpoint_expected.json").read_text())
    full = read_keys(shared_dir / "reference" / "keys_vlm3r_7b_full.json")
    for name, (rank, inputs) in keys["adapter_model"].items():
        if ".lora_A." in name:
            module = name.removeprefix("base_model.model.").removesuffix(".lora_A.weight")
            outputs = keys["adapter_model"][name.replace("lora_A", "lora_B")][0]
            assert (full[f"{module}.weight"], rank) == ((outputs, inputs), keys["r"])
    beside = strip_wrapper(
        {
            name: torch.empty(shape, device="meta")
            for name, shape in keys["non_lora_trainables"].items()
        }
    )
    assert {name: tuple(value.shape) for name, value in beside.items()} == {
        name: full[name] for name in beside
    }
