"""Configuration of the recurrent geometry encoder."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from transformers import PreTrainedConfig


class StateUpdate(StrEnum):
    """How a step turns the old state tokens and the state decoder's output into the new ones."""

    REPLACE = "replace"
    """The output replaces the state, as published."""
    GATED = "gated"
    """The output is mixed in per token by how well the frame matches it (TTT3R); training-free."""


class HeadType(StrEnum):
    """Kind of pointmap head."""

    DPT = "dpt"
    LINEAR = "linear"


def check_reset_interval(frames: int) -> None:
    """Refuses intervals at which no state can be started anew: the new one begins with a frame.

    Raises:
        ValueError: it is neither 0 nor 2 or more.
    """
    if frames < 0 or frames == 1:
        raise ValueError(f"reset_interval is {frames}; use 0 for never, else at least 2 frames")


DPT_PIXELS_PER_PATCH = 16
"""Each patch becomes 4x4 features, doubled twice on the way to full resolution."""


class GeometryEncoderConfig(PreTrainedConfig):
    """Shapes and options of a `GeometryEncoder`; the defaults are CUT3R's 512-pixel DPT model.

    Args:
        patch_size: side of a patch in pixels; images must be a multiple of it.
        encoder_dim, encoder_depth, encoder_heads: the image encoder (a ViT).
        decoder_dim, decoder_depth: shared by the image decoder and the state decoder.
        decoder_heads, state_decoder_heads: attention heads of the one and of the other.
        state_size: number of state tokens.
        memory_size, memory_heads, memory_read_depth, memory_write_depth: the pose memory, whose
            tokens are twice `decoder_dim` wide.
        mlp_ratio: hidden width of every MLP over its input width.
        norm_eps: epsilon of every layer norm.
        rope_base: base of the rotary embedding's frequencies.
        head: `"dpt"` or `"linear"` pointmap heads.
        dpt_feature_dim, dpt_last_dim, dpt_layer_dims: widths of a DPT head.
        dpt_hooks: the four decoder layers that a DPT head reads; 0 is the encoder's output.
        linear_head_mlp_ratio: hidden width of a linear head over `decoder_dim`.
        pose_head_hidden: hidden width of the pose head.
        final_transform_depth, final_transform_heads: blocks that turn self-view tokens into
            world-view tokens, conditioned on the camera token.
        state_update: `"replace"` (published) or `"gated"` (TTT3R).
        reset_interval: frames after which a stream had better start a new state, and chain its
            poses: as many as the network was trained to carry one over; 0 for never.

    Raises:
        ValueError: a width does not suit its number of heads, or an option is unknown.
    """

    model_type = "vlm3r_geometry"
    base_config_key = "geometry_config"

    patch_size: int = 16
    image_channels: int = 3
    encoder_dim: int = 1024
    encoder_depth: int = 24
    encoder_heads: int = 16
    decoder_dim: int = 768
    decoder_depth: int = 12
    decoder_heads: int = 12
    state_decoder_heads: int = 16
    state_size: int = 768
    memory_size: int = 256
    memory_heads: int = 12
    memory_read_depth: int = 2
    memory_write_depth: int = 2
    mlp_ratio: float = 4.0
    norm_eps: float = 1e-6
    rope_base: float = 100.0
    head: str = "dpt"
    dpt_feature_dim: int = 256
    dpt_last_dim: int = 128
    dpt_layer_dims: tuple[int, ...] = (96, 192, 384, 768)
    dpt_hooks: tuple[int, ...] = (0, 6, 9, 12)
    linear_head_mlp_ratio: float = 4.0
    pose_head_hidden: int = 3072
    final_transform_depth: int = 2
    final_transform_heads: int = 12
    state_update: str = "replace"
    reset_interval: int = 0

    def __post_init__(self, **kwargs: Any) -> None:
        super().__post_init__(**kwargs)
        self.dpt_layer_dims = tuple(self.dpt_layer_dims)
        self.dpt_hooks = tuple(self.dpt_hooks)
        self.head = HeadType(self.head).value
        self.state_update = StateUpdate(self.state_update).value
        check_reset_interval(self.reset_interval)
        # RoPE splits a head into (y, x) halves and each half into rotating pairs.
        for part, dim, heads in (
            ("encoder", self.encoder_dim, self.encoder_heads),
            ("decoder", self.decoder_dim, self.decoder_heads),
            ("state_decoder", self.decoder_dim, self.state_decoder_heads),
            ("final_transform", self.decoder_dim, self.final_transform_heads),
        ):
            if dim % (4 * heads):
                raise ValueError(
                    f"{part}: width {dim} over {heads} heads must be a multiple of 4 per head "
                    "for the two-dimensional rotary embedding"
                )
        if self.memory_dim % self.memory_heads:
            raise ValueError(
                f"memory: width {self.memory_dim} does not split into {self.memory_heads} heads"
            )
        if self.head == HeadType.DPT and self.patch_size != DPT_PIXELS_PER_PATCH:
            raise ValueError(
                f"a DPT head gives {DPT_PIXELS_PER_PATCH} pixels a patch, so patch_size cannot be "
                f"{self.patch_size}; use head='linear'"
            )
        if self.head == HeadType.DPT and not (
            len(self.dpt_hooks) == len(self.dpt_layer_dims) == 4
            and all(0 <= hook <= self.decoder_depth for hook in self.dpt_hooks)
        ):
            raise ValueError(
                f"a DPT head reads four layers out of 0..{self.decoder_depth}, "
                f"not {self.dpt_hooks} with widths {self.dpt_layer_dims}"
            )

    @property
    def memory_dim(self) -> int:
        """Width of a pose-memory token: an image feature beside a camera token."""
        return 2 * self.decoder_dim

    @property
    def state_grid_width(self) -> int:
        """Columns of the grid on which the state tokens lie for the rotary embedding: even."""
        width = int(self.state_size**0.5)
        return width + width % 2
