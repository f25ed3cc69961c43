"""Names and shapes of published checkpoints of any size, for tests that write such files."""

from collections.abc import Mapping

import torch
from torch import Tensor

from vlm3r_ros.models.geometry import GeometryEncoderConfig

Shapes = dict[str, tuple[int, ...]]
RAY_CHANNELS = 6


def random_tensors(shapes: Mapping[str, tuple[int, ...]], seed: int = 0) -> dict[str, Tensor]:
    """Weights of a useful scale; second names of one tensor share its values."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for name, shape in shapes.items():
        values = torch.randn(shape, generator=generator)
        if len(shape) > 1:
            values /= values[0].numel() ** 0.5
        elif "norm" in name and name.endswith("weight"):
            values = 1 + 0.1 * values
        tensors[name] = values
    for name in shapes:
        for level in range(4):
            if f".scratch.layer_rn.{level}." in name:
                original = name.replace(f"layer_rn.{level}.", f"layer{level + 1}_rn.")
                tensors[name] = tensors[original]
    return tensors


def geometry_shapes(config: GeometryEncoderConfig) -> Shapes:
    """State dict of a CUT3R network."""
    enc, dec, memory = config.encoder_dim, config.decoder_dim, 2 * config.decoder_dim
    patch, ratio = config.patch_size, config.mlp_ratio
    shapes: Shapes = {
        "pose_token": (1, 1, dec),
        "masked_img_token": (1, enc),
        "masked_ray_map_token": (1, enc),
        "patch_embed.proj.weight": (enc, config.image_channels, patch, patch),
        "patch_embed.proj.bias": (enc,),
        "patch_embed_ray_map.proj.weight": (enc, RAY_CHANNELS, patch, patch),
        "patch_embed_ray_map.proj.bias": (enc,),
        "register_tokens.weight": (config.state_size, enc),
        "pose_retriever.masked_token": (1, 1, dec),
        "pose_retriever.mem": (1, config.memory_size, memory),
    }
    for i in range(config.encoder_depth):
        shapes |= _block(f"enc_blocks.{i}", enc, ratio)
    for i in range(2):
        shapes |= _block(f"enc_blocks_ray_map.{i}", enc, ratio)
    for i in range(config.decoder_depth):
        shapes |= _decoder_block(f"dec_blocks.{i}", dec, ratio)
        shapes |= _decoder_block(f"dec_blocks_state.{i}", dec, ratio)
    for i in range(config.memory_write_depth):
        shapes |= _decoder_block(f"pose_retriever.write_blocks.{i}", memory, ratio)
    for i in range(config.memory_read_depth):
        shapes |= _decoder_block(f"pose_retriever.read_blocks.{i}", memory, ratio)
    shapes |= _norm("enc_norm", enc) | _norm("enc_norm_ray_map", enc)
    shapes |= _norm("dec_norm", dec) | _norm("dec_norm_state", dec)
    shapes |= _linear("decoder_embed", enc, dec) | _linear("decoder_embed_state", enc, dec)
    shapes |= _linear("pose_retriever.proj_q", enc, dec)
    return shapes | _head_shapes(config)


def _head_shapes(config: GeometryEncoderConfig) -> Shapes:
    dec, hidden, head = config.decoder_dim, config.pose_head_hidden, "downstream_head"
    shapes = _linear(f"{head}.pose_head.mlp.fc1", dec, hidden)
    shapes |= _linear(f"{head}.pose_head.mlp.fc2", hidden, 7)
    for i in range(config.final_transform_depth):
        block = f"{head}.final_transform.{i}"
        shapes |= _attention(f"{block}.attn", dec) | _mlp(f"{block}.mlp", dec, config.mlp_ratio)
        for norm in ("norm1", "norm2"):
            shapes |= _norm(f"{block}.{norm}.norm", dec)
            shapes |= _linear(f"{block}.{norm}.mlp.1", dec, 2 * dec)
    outputs = {"dpt_self": 4, "dpt_cross": 4, "dpt_rgb": 3}
    if config.head == "dpt":
        for name, channels in outputs.items():
            shapes |= _dpt_shapes(f"{head}.{name}", config, channels)
        return shapes
    hidden = int(dec * config.linear_head_mlp_ratio)
    for name, channels in {"proj": 4, "cross_proj": 4, "rgb_proj": 3}.items():
        shapes |= _linear(f"{head}.{name}.fc1", dec, hidden)
        shapes |= _linear(f"{head}.{name}.fc2", hidden, channels * config.patch_size**2)
    return shapes


def _dpt_shapes(prefix: str, config: GeometryEncoderConfig, channels: int) -> Shapes:
    feature, last = config.dpt_feature_dim, config.dpt_last_dim
    shapes: Shapes = {}
    kernels = (4, 2, None, 3)
    for i, (width, kernel) in enumerate(zip(config.dpt_layer_dims, kernels, strict=True)):
        source = config.encoder_dim if config.dpt_hooks[i] == 0 else config.decoder_dim
        shapes |= _conv(f"{prefix}.act_postprocess.{i}.0", source, width, 1)
        if kernel:
            shapes |= _conv(f"{prefix}.act_postprocess.{i}.1", width, width, kernel)
        shapes[f"{prefix}.scratch.layer{i + 1}_rn.weight"] = (feature, width, 3, 3)
        shapes[f"{prefix}.scratch.layer_rn.{i}.weight"] = (feature, width, 3, 3)
        fusion = f"{prefix}.scratch.refinenet{i + 1}"
        shapes |= _conv(f"{fusion}.out_conv", feature, feature, 1)
        for unit in ("resConfUnit1", "resConfUnit2"):
            for conv in ("conv1", "conv2"):
                shapes |= _conv(f"{fusion}.{unit}.{conv}", feature, feature, 3)
    shapes |= _conv(f"{prefix}.head.0", feature, last, 3)
    shapes |= _conv(f"{prefix}.head.2", last, last, 3)
    return shapes | _conv(f"{prefix}.head.4", last, channels, 1)


def fusion_shapes(dim: int, spatial_dim: int) -> Shapes:
    """State dict of a fusion block."""
    shapes = _norm("clip_norm", dim) | _norm("spatial_encoder_norm", spatial_dim)
    shapes |= _norm("out_norm", dim) | _linear("out_proj", dim, dim)
    shapes |= _linear("clip_query_proj", dim, dim)
    shapes |= _linear("spatial_encoder_key_proj", spatial_dim, dim)
    shapes |= _linear("spatial_encoder_value_proj", spatial_dim, dim)
    shapes |= _linear("cross_attention.out_proj", dim, dim)
    shapes["cross_attention.in_proj_weight"] = (3 * dim, dim)
    shapes["cross_attention.in_proj_bias"] = (3 * dim,)
    return shapes


def vision_shapes(dim: int, hidden: int, layers: int, patch: int, tokens: int) -> Shapes:
    """State dict of SigLIP inside the published model."""
    prefix = "model.vision_tower.vision_tower.vision_model"
    shapes: Shapes = {
        f"{prefix}.embeddings.patch_embedding.weight": (dim, 3, patch, patch),
        f"{prefix}.embeddings.patch_embedding.bias": (dim,),
        f"{prefix}.embeddings.position_embedding.weight": (tokens, dim),
    }
    for i in range(layers):
        layer = f"{prefix}.encoder.layers.{i}"
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            shapes |= _linear(f"{layer}.self_attn.{name}", dim, dim)
        shapes |= _norm(f"{layer}.layer_norm1", dim) | _norm(f"{layer}.layer_norm2", dim)
        shapes |= _linear(f"{layer}.mlp.fc1", dim, hidden)
        shapes |= _linear(f"{layer}.mlp.fc2", hidden, dim)
    return shapes | _norm(f"{prefix}.post_layernorm", dim)


def language_shapes(vocabulary: int, hidden: int, inner: int, layers: int, kv: int) -> Shapes:
    """State dict of Qwen2 inside the published model, with projection widths kv for key, value."""
    shapes: Shapes = {
        "model.embed_tokens.weight": (vocabulary, hidden),
        "model.norm.weight": (hidden,),
        "model.image_newline": (hidden,),
        "lm_head.weight": (vocabulary, hidden),
    }
    for i in range(layers):
        layer = f"model.layers.{i}"
        for name, width in (("q_proj", hidden), ("k_proj", kv), ("v_proj", kv)):
            shapes |= _linear(f"{layer}.self_attn.{name}", hidden, width)
        shapes[f"{layer}.self_attn.o_proj.weight"] = (hidden, hidden)
        shapes[f"{layer}.mlp.gate_proj.weight"] = (inner, hidden)
        shapes[f"{layer}.mlp.up_proj.weight"] = (inner, hidden)
        shapes[f"{layer}.mlp.down_proj.weight"] = (hidden, inner)
        shapes[f"{layer}.input_layernorm.weight"] = (hidden,)
        shapes[f"{layer}.post_attention_layernorm.weight"] = (hidden,)
    return shapes


def projector_shapes(vision: int, hidden: int) -> Shapes:
    """State dict of the projector."""
    first = _linear("model.mm_projector.0", vision, hidden)
    return first | _linear("model.mm_projector.2", hidden, hidden)


def _norm(name: str, dim: int) -> Shapes:
    return {f"{name}.weight": (dim,), f"{name}.bias": (dim,)}


def _linear(name: str, source: int, target: int) -> Shapes:
    return {f"{name}.weight": (target, source), f"{name}.bias": (target,)}


def _conv(name: str, source: int, target: int, kernel: int) -> Shapes:
    return {f"{name}.weight": (target, source, kernel, kernel), f"{name}.bias": (target,)}


def _attention(name: str, dim: int) -> Shapes:
    return _linear(f"{name}.qkv", dim, 3 * dim) | _linear(f"{name}.proj", dim, dim)


def _mlp(name: str, dim: int, ratio: float) -> Shapes:
    hidden = int(dim * ratio)
    return _linear(f"{name}.fc1", dim, hidden) | _linear(f"{name}.fc2", hidden, dim)


def _block(name: str, dim: int, ratio: float) -> Shapes:
    shapes = _attention(f"{name}.attn", dim) | _mlp(f"{name}.mlp", dim, ratio)
    return shapes | _norm(f"{name}.norm1", dim) | _norm(f"{name}.norm2", dim)


def _decoder_block(name: str, dim: int, ratio: float) -> Shapes:
    shapes = _block(name, dim, ratio) | _norm(f"{name}.norm3", dim) | _norm(f"{name}.norm_y", dim)
    for projection in ("projq", "projk", "projv", "proj"):
        shapes |= _linear(f"{name}.cross_attn.{projection}", dim, dim)
    return shapes
