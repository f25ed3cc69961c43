"""The named sizes: what each is for, and its shapes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from transformers import Qwen2Config, SiglipVisionConfig

from vlm3r_ros.models.configuration import NumberDecoding, Vlm3rConfig
from vlm3r_ros.models.geometry import GeometryEncoderConfig
from vlm3r_ros.models.image_sizes import IMAGE_SIZES


@dataclass(frozen=True)
class ModelSize:
    """A named size.

    Attributes:
        build_config: makes its configuration.
        tokenizer_size: vocabulary of the built-in tokenizer that goes with random weights.
        summary: what it is for, in a line.
    """

    build_config: Callable[[], Vlm3rConfig]
    tokenizer_size: int
    summary: str


@dataclass(frozen=True)
class SiglipShape:
    """Shape of a small vision tower.

    Attributes:
        dim: width.
        depth: layers.
        heads: of attention.
        patch_size: side of a patch, pixels.
    """

    dim: int
    depth: int
    heads: int
    patch_size: int


def published_config() -> Vlm3rConfig:
    """The published shapes: SigLIP so400m at 384 pixels, Qwen2-7B, CUT3R with DPT heads."""
    return Vlm3rConfig()


def nano_config() -> Vlm3rConfig:
    """A model for embedded computers, all of it live on two CPU cores.

    Frames have 224 pixels; the geometry encoder sees them at 128, which is what it learns at.
    Both make an 8 x 8 grid of patches of them, so that a visual token finds the spatial token of
    its own place at the same number.
    """
    config = _small_config(
        image_size=IMAGE_SIZES["nano"],
        vision=SiglipShape(dim=192, depth=6, heads=3, patch_size=28),
        geometry=GeometryEncoderConfig(
            encoder_dim=128,
            encoder_depth=6,
            encoder_heads=4,
            decoder_dim=128,
            decoder_depth=4,
            decoder_heads=4,
            state_decoder_heads=4,
            # A state token for each patch: what it remembers is compared patch by patch.
            state_size=64,
            memory_size=16,
            memory_heads=4,
            memory_read_depth=1,
            memory_write_depth=1,
            mlp_ratio=2.0,
            head="linear",
            linear_head_mlp_ratio=2.0,
            pose_head_hidden=256,
            final_transform_depth=1,
            final_transform_heads=4,
        ),
        text=Qwen2Config(
            vocab_size=1536,
            hidden_size=256,
            intermediate_size=512,
            # To compare two things and then to find the letter of the answer takes this many.
            num_hidden_layers=6,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=8192,
            # Wide enough for the residual stream of a small width to carry signal at the start.
            initializer_range=256**-0.5,
        ),
        fusion_heads=6,
        geometry_image_size=128,
    )
    # A small model's numbers are spread widely, and their likeliest digits say little.
    config.number_decoding = NumberDecoding.EXPECTED
    # It is trained on sessions of so many, and finds "frame 17" by how far back that is.
    config.numbered_frames = 32
    return config


def tiny_config() -> Vlm3rConfig:
    """A model for tests: every part is there, none takes time."""
    return _small_config(
        image_size=IMAGE_SIZES["tiny"],
        vision=SiglipShape(dim=32, depth=2, heads=2, patch_size=16),
        geometry=GeometryEncoderConfig(
            encoder_dim=32,
            encoder_depth=2,
            encoder_heads=2,
            decoder_dim=32,
            decoder_depth=2,
            decoder_heads=2,
            state_decoder_heads=2,
            state_size=12,
            memory_size=8,
            memory_heads=2,
            memory_read_depth=1,
            memory_write_depth=1,
            mlp_ratio=2.0,
            head="linear",
            linear_head_mlp_ratio=2.0,
            pose_head_hidden=32,
            final_transform_depth=1,
            final_transform_heads=2,
        ),
        text=Qwen2Config(
            vocab_size=512,
            hidden_size=48,
            intermediate_size=96,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=8192,
            initializer_range=48**-0.5,
        ),
        fusion_heads=2,
    )


def _small_config(
    image_size: int,
    vision: SiglipShape,
    geometry: GeometryEncoderConfig,
    text: Qwen2Config,
    fusion_heads: int,
    geometry_image_size: int | None = None,
) -> Vlm3rConfig:
    return Vlm3rConfig(
        vision_config=SiglipVisionConfig(
            hidden_size=vision.dim,
            intermediate_size=3 * vision.dim,
            num_hidden_layers=vision.depth,
            num_attention_heads=vision.heads,
            image_size=image_size,
            patch_size=vision.patch_size,
            vision_use_head=False,
        ),
        geometry_config=geometry,
        text_config=text,
        fusion_heads=fusion_heads,
        geometry_image_size=geometry_image_size or image_size,
    )


SIZES: dict[str, ModelSize] = {
    "vlm3r-7b": ModelSize(published_config, 1536, "the published shapes; wants a GPU"),
    "nano": ModelSize(nano_config, 1536, "live on two CPU cores"),
    "tiny": ModelSize(tiny_config, 512, "for tests"),
}
