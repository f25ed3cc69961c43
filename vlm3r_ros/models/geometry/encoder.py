"""The recurrent geometry encoder: one step a frame, the whole past in a state of fixed size.

Architecture of CUT3R (arXiv 2501.12387), section 3; in VLM-3R (arXiv 2505.20279) it yields the
implicit 3D tokens and the camera token of each frame.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers import initialization as init

from .configuration import GeometryEncoderConfig, StateUpdate
from .heads import GeometryHeads
from .layers import DecoderBlock, EncoderBlock
from .pose_memory import PoseMemory
from .rotary import RotaryTable, camera_and_grid_positions, grid_positions, state_positions
from .state import GeometryHead, GeometryOutput, GeometryState


class GeometryEncoder(PreTrainedModel):
    """Turns a stream of images into tokens that know where things are.

    Functional: all memory of earlier frames is in the `GeometryState` that goes in and comes out,
    so that time and space per step do not depend on how many steps came before.

    Example:
        >>> state = encoder.initial_state(batch=1)
        >>> for image in images:  # [1, 3, H, W] in [-1, 1]
        ...     output, state = encoder.step(image, state, outputs=[GeometryHead.POSE])
        ...     output.camera_to_world  # [1, 4, 4]
    """

    config: GeometryEncoderConfig
    config_class = GeometryEncoderConfig
    base_model_prefix = "geometry_encoder"
    main_input_name = "images"
    _no_split_modules = ["EncoderBlock", "DecoderBlock"]  # noqa: RUF012 (the base class sets its type)
    _supports_sdpa = True

    def __init__(self, config: GeometryEncoderConfig) -> None:
        super().__init__(config)
        dim, eps = config.decoder_dim, config.norm_eps

        def decoder(heads: int) -> nn.ModuleList:
            return nn.ModuleList(
                DecoderBlock(dim, heads, config.mlp_ratio, eps) for _ in range(config.decoder_depth)
            )

        self.patch_embed = nn.Conv2d(
            config.image_channels, config.encoder_dim, config.patch_size, stride=config.patch_size
        )
        self.encoder = nn.ModuleList(
            EncoderBlock(config.encoder_dim, config.encoder_heads, config.mlp_ratio, eps)
            for _ in range(config.encoder_depth)
        )
        self.encoder_norm = nn.LayerNorm(config.encoder_dim, eps=eps)
        self.decoder_embed = nn.Linear(config.encoder_dim, dim)
        self.pose_token = nn.Parameter(torch.empty(1, 1, dim))
        self.state_embedding = nn.Embedding(config.state_size, config.encoder_dim)
        self.state_embed = nn.Linear(config.encoder_dim, dim)
        self.image_decoder = decoder(config.decoder_heads)
        self.image_decoder_norm = nn.LayerNorm(dim, eps=eps)
        self.state_decoder = decoder(config.state_decoder_heads)
        self.state_decoder_norm = nn.LayerNorm(dim, eps=eps)
        self.pose_memory = PoseMemory(config)
        self.heads = GeometryHeads(config)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
            init.xavier_uniform_(module.weight)
            if module.bias is not None:
                init.zeros_(module.bias)
        elif isinstance(module, nn.LayerNorm):
            init.ones_(module.weight)
            init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            init.normal_(module.weight, std=0.02)
        elif isinstance(module, PoseMemory):
            init.normal_(module.tokens, std=0.02)
            init.normal_(module.masked_token, std=0.02)
        elif isinstance(module, GeometryEncoder):
            init.normal_(module.pose_token, std=0.02)

    def initial_state(self, batch: int = 1) -> GeometryState:
        """The state before the first frame of each of `batch` sequences."""
        device = self.pose_token.device
        tokens, memory = self._initial_tokens_and_memory()
        return GeometryState(
            tokens=tokens.expand(batch, -1, -1),
            memory=memory.expand(batch, -1, -1),
            step=torch.zeros(batch, dtype=torch.int64, device=device),
            fresh=torch.ones(batch, dtype=torch.bool, device=device),
        )

    def step(
        self,
        images: Tensor,
        state: GeometryState,
        outputs: Collection[GeometryHead] = (),
        *,
        update: Tensor | None = None,
        reset: Tensor | None = None,
        trace: dict[str, Any] | None = None,
    ) -> tuple[GeometryOutput, GeometryState]:
        """Take in one frame of each sequence.

        Args:
            images: `[B, 3, H, W]` in [-1, 1], H and W multiples of the patch size.
            state: as `initial_state` or the last step returned it.
            outputs: heads to compute beside the tokens; a pointmap costs about a sixth of a step.
            update: `[B]` bool; where False the state stays as it was. All True if absent.
            reset: `[B]` bool; where True the state returns to its initial value after this frame.
            trace: if given, intermediate tensors are left in it for inspection: `encoded`,
                `pose_token_in`, `image_layers`, `state_layers`, `image_positions` and
                `state_positions` (row, column).

        Returns:
            The frame's tokens and outputs, and the state for the next frame.

        Raises:
            ValueError: the image's shape does not suit the patch size, or the state's batch.
        """
        grid = self._check_images(images, state)
        device, dtype, config = images.device, state.tokens.dtype, self.config
        positions = camera_and_grid_positions(*grid, device=device)
        places = state_positions(config.state_size, config.state_grid_width, device)

        def table(where: Tensor, dim: int, heads: int) -> RotaryTable:
            padding = -len(where) % _tile(device, dtype)
            return RotaryTable.build(where, heads, dim // heads, config.rope_base, dtype, padding)

        encoded = self._encode(
            images, table(positions[1:], config.encoder_dim, config.encoder_heads)
        )
        query = self.pose_memory.query(encoded.mean(dim=1, keepdim=True))
        pose_token = torch.where(
            (state.step == 0)[:, None, None],
            self.pose_token,
            self.pose_memory.read(state.memory, query),
        )
        image_layers, state_layers, scores = self._decode(
            torch.cat((pose_token, self.decoder_embed(encoded)), dim=1),
            state.tokens,
            (
                table(positions, config.decoder_dim, config.decoder_heads),
                table(places, config.decoder_dim, config.decoder_heads),
            ),
            (
                table(places, config.decoder_dim, config.state_decoder_heads),
                table(positions, config.decoder_dim, config.state_decoder_heads),
            ),
        )
        camera_token, patch_tokens = image_layers[-1][:, :1], image_layers[-1][:, 1:]
        new_state = self._next_state(
            state,
            tokens=_mix(state, state_layers[-1], scores),
            memory=self.pose_memory.write(state.memory, query, camera_token),
            update=update,
            reset=reset,
        )
        if trace is not None:
            trace.update(
                encoded=encoded,
                pose_token_in=pose_token,
                image_layers=[encoded, *image_layers[1:]],
                state_layers=state_layers,
                image_positions=positions,
                state_positions=places,
            )
        hooked = [encoded if h == 0 else image_layers[h][:, 1:] for h in self.heads.hooks]
        results = self._run_heads(outputs, camera_token, hooked, grid, positions[1:])
        return GeometryOutput(camera_token, patch_tokens, grid, **results), new_state

    def encode(self, images: Tensor) -> Tensor:
        """Patch tokens `[B, N, encoder_dim]` of images `[B, 3, H, W]`, without any memory."""
        config, patch = self.config, self.config.patch_size
        positions = grid_positions(
            images.shape[2] // patch, images.shape[3] // patch, images.device
        )
        heads = config.encoder_heads
        table = RotaryTable.build(
            positions, heads, config.encoder_dim // heads, config.rope_base, self.dtype
        )
        return self._encode(images, table)

    def _encode(self, images: Tensor, rotary: RotaryTable) -> Tensor:
        """Images `[B, 3, H, W]` -> normed tokens `[B, N, encoder_dim]`."""
        x = self.patch_embed(images.to(self.patch_embed.weight.dtype)).flatten(2).transpose(1, 2)
        count = x.shape[1]
        x = _pad(x, rotary)
        for block in self.encoder:
            x = block(x, rotary)
        return self.encoder_norm(x[:, :count])

    def _decode(
        self,
        image_tokens: Tensor,
        state_tokens: Tensor,
        image_tables: tuple[RotaryTable, RotaryTable],
        state_tables: tuple[RotaryTable, RotaryTable],
    ) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
        """Run both decoders side by side; each layer reads what the other's last layer gave.

        Returns:
            Image tokens (camera token first) and state tokens after 0, 1, ... layers, the last
            ones normed, and with gated updates the state's mean attention logits by layer.
        """
        gated = self.config.state_update == StateUpdate.GATED
        scores: list[Tensor] = []
        counts = image_tokens.shape[1], state_tokens.shape[1]
        image_layers = [_pad(image_tokens, image_tables[0])]
        state_layers = [_pad(state_tokens, state_tables[0])]
        for image_block, state_block in zip(self.image_decoder, self.state_decoder, strict=True):
            image, state = image_layers[-1], state_layers[-1]
            image_layers.append(image_block(image, state, *image_tables))
            state_layers.append(
                state_block(state, image, *state_tables, score_sink=scores if gated else None)
            )
        image_layers = [tokens[:, : counts[0]] for tokens in image_layers]
        state_layers = [tokens[:, : counts[1]] for tokens in state_layers]
        image_layers[-1] = self.image_decoder_norm(image_layers[-1])
        state_layers[-1] = self.state_decoder_norm(state_layers[-1])
        return image_layers, state_layers, [score[:, : counts[1]] for score in scores]

    def _next_state(
        self,
        old: GeometryState,
        tokens: Tensor,
        memory: Tensor,
        update: Tensor | None,
        reset: Tensor | None,
    ) -> GeometryState:
        fresh = torch.zeros_like(old.fresh)
        if update is not None:
            kept = ~update.to(fresh.device)
            tokens = torch.where(kept[:, None, None], old.tokens, tokens)
            memory = torch.where(kept[:, None, None], old.memory, memory)
            fresh = kept & old.fresh
        if reset is not None:
            reset = reset.to(fresh.device)
            first_tokens, first_memory = self._initial_tokens_and_memory()
            tokens = torch.where(reset[:, None, None], first_tokens, tokens)
            memory = torch.where(reset[:, None, None], first_memory, memory)
            fresh = reset | fresh
        return GeometryState(tokens, memory, old.step + 1, fresh)

    def _run_heads(
        self,
        outputs: Collection[GeometryHead],
        camera_token: Tensor,
        layers: list[Tensor],
        grid: tuple[int, int],
        positions: Tensor,
    ) -> dict[str, Tensor]:
        wanted = {GeometryHead(name) for name in outputs}
        results: dict[str, Tensor] = {}
        if GeometryHead.POSE in wanted:
            results["pose_encoding"] = self.heads.read_pose(camera_token)
        if GeometryHead.SELF_POINTS in wanted:
            points, confidence = self.heads.read_self_points(layers, grid)
            results |= {"points_self": points, "confidence_self": confidence}
        if GeometryHead.WORLD_POINTS in wanted:
            head_dim = self.config.decoder_dim // self.config.final_transform_heads
            rotary = RotaryTable.build(
                positions,
                self.config.final_transform_heads,
                head_dim,
                self.config.rope_base,
                camera_token.dtype,
            )
            points, confidence = self.heads.read_world_points(layers, grid, camera_token, rotary)
            results |= {"points_world": points, "confidence_world": confidence}
        if GeometryHead.COLOR in wanted:
            results["color"] = self.heads.read_color(layers, grid)
        return results

    def _initial_tokens_and_memory(self) -> tuple[Tensor, Tensor]:
        """Initial state tokens `[1, S, D]` and pose memory `[1, M, 2D]`."""
        return self.state_embed(self.state_embedding.weight)[None], self.pose_memory.tokens

    def _check_images(self, images: Tensor, state: GeometryState) -> tuple[int, int]:
        patch, channels = self.config.patch_size, self.config.image_channels
        if images.ndim != 4 or images.shape[1] != channels:
            raise ValueError(f"images must be [B, {channels}, H, W], not {list(images.shape)}")
        rows, columns = images.shape[2] // patch, images.shape[3] // patch
        if not rows or not columns or images.shape[2:] != (rows * patch, columns * patch):
            raise ValueError(
                f"image height and width must be multiples of {patch} pixels, not "
                f"{images.shape[2]}x{images.shape[3]}; resize or crop the image"
            )
        if images.shape[0] != state.tokens.shape[0]:
            raise ValueError(
                f"{images.shape[0]} images for a state of {state.tokens.shape[0]} sequences; "
                "make one with initial_state(batch)"
            )
        return rows, columns


def _tile(device: torch.device, dtype: torch.dtype) -> int:
    """Tokens to whose multiple sequences are padded.

    A CPU's bfloat16 attention works on tiles of 32 keys and loses a quarter of its speed on a
    sequence that does not fill the last one, such as the 27x27 patches of a 432-pixel image.
    """
    return 32 if device.type == "cpu" and dtype == torch.bfloat16 else 1


def _pad(tokens: Tensor, rotary: RotaryTable) -> Tensor:
    """Tokens `[B, N, D]`, followed by as much padding as the table expects."""
    padding = len(rotary.cos) - tokens.shape[1]
    return F.pad(tokens, (0, 0, 0, padding)) if padding else tokens


def _mix(state: GeometryState, tokens: Tensor, scores: list[Tensor]) -> Tensor:
    """TTT3R's update: each state token moves as far as the frame's keys answer its queries.

    The gate is the sigmoid of the mean logit over layers, heads and keys; a state that is still
    the initial one is adopted whole. Without scores the new tokens replace the old.
    """
    if not scores:
        return tokens
    gate = torch.sigmoid(torch.stack(scores).mean(dim=0))[..., None]
    gate = torch.where(state.fresh[:, None, None], 1.0, gate).to(tokens.dtype)
    return torch.lerp(state.tokens, tokens, gate)
