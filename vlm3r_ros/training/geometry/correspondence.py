"""Supervision of correspondence, in training only: without it, poses are not learned from scratch.

Five things are asked for. The encoder's patches must tell depth and find each other; the image
decoder must attend to the state tokens that remember the same spot; the decoded tokens must tell
where each patch was before; and the camera token must tell how the camera has moved since.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vlm3r_ros.models.geometry import GeometryEncoder, GeometryEncoderConfig
from vlm3r_ros.models.geometry.layers import CrossAttention, DecoderBlock, Mlp
from vlm3r_ros.models.geometry.rotary import RotaryTable
from vlm3r_ros.models.geometry.state import pose_matrix
from vlm3r_ros.training.geometry.ground_truth import Matches, spread
from vlm3r_ros.training.geometry.initialization import COMPARING_LAYERS, PLACE_DIMS, remembered
from vlm3r_ros.training.geometry.losses import (
    flow_loss,
    masked_mean,
    matching_loss,
    rotation_loss,
    translation_loss,
)

_CELLS = 4  # rows and columns of a patch at whose middles depth is asked for
_DEPTH_HIDDEN = 128
_FLOW_OUTPUTS = 3  # two coordinates and visibility
_FLOW_HIDDEN = 128
_MOTION_HIDDEN = 128
_MOTION_GAIN = 0.05  # the probe begins with a camera that hardly moves
_SUPERVISED_HEADS = 1
_NEAREST = 0.1  # m


@dataclass(eq=False)
class FrameTokens:
    """What a step of the encoder leaves for supervision.

    Attributes:
        decoded: the image decoder's patch tokens `[B, N, D]`.
        camera: its camera token `[B, 1, D]`.
        image_attention: logits of the image's patches over the state's tokens that lie at the
            places of patches, by layer `[B, heads, N, N]`.
        state_attention: logits of those state tokens over the image's patches, likewise.
    """

    decoded: Tensor
    camera: Tensor
    image_attention: list[Tensor] = field(default_factory=list)
    state_attention: list[Tensor] = field(default_factory=list)


class AttentionProbe:
    """Reads the logits of the first heads of a cross-attention as it runs.

    Args:
        attention: what is watched; it computes the same as without.
        sink: takes a tensor `[B, heads, N, M]` a call.
    """

    def __init__(self, attention: CrossAttention, sink: list[Tensor]) -> None:
        self._attention = attention
        self._sink = sink
        self._handle = attention.register_forward_pre_hook(self._read)

    def remove(self) -> None:
        """Stop watching."""
        self._handle.remove()

    def _read(self, module: nn.Module, arguments: tuple[Tensor | RotaryTable | None, ...]) -> None:
        x, context, rotary, context_rotary = arguments[:4]
        assert isinstance(x, Tensor)
        assert isinstance(context, Tensor)
        assert not isinstance(rotary, Tensor)
        assert not isinstance(context_rotary, Tensor)
        self._sink.append(_logits(self._attention, x, context, rotary, context_rotary))


def _logits(
    attention: CrossAttention,
    x: Tensor,
    context: Tensor,
    rotary: RotaryTable | None,
    context_rotary: RotaryTable | None,
) -> Tensor:
    """Attention of the supervised heads before its softmax `[B, heads, N, M]`."""

    def project(layer: nn.Linear, tokens: Tensor, table: RotaryTable | None) -> Tensor:
        head_dim = layer.out_features // attention.heads
        rows = _SUPERVISED_HEADS * head_dim
        heads = F.linear(tokens, layer.weight[:rows], layer.bias[:rows])
        heads = heads.unflatten(-1, (-1, head_dim))
        if table is None:
            return heads
        cos, sin = table.cos[:, :_SUPERVISED_HEADS], table.sin[:, :_SUPERVISED_HEADS]
        return RotaryTable(cos, sin).rotate(heads)

    query = project(attention.query, x, rotary)
    key = project(attention.key, context, context_rotary)
    logits = torch.einsum("bnhd,bmhd->bhnm", query, key)
    return logits.float() / query.shape[-1] ** 0.5


class CorrespondenceSupervision(nn.Module):
    """Training-only modules and probes; see the module's text.

    Args:
        config: of the network that is supervised.
        grid: rows and columns of an image's patches.

    Raises:
        ValueError: the state has no token for some patch.
    """

    state_index: Tensor
    patch_places: Tensor

    def __init__(self, config: GeometryEncoderConfig, grid: tuple[int, int]) -> None:
        super().__init__()
        self.grid = grid
        # Logarithm of the depth in the middle of each cell of a patch.
        self.depth = Mlp(config.encoder_dim, _DEPTH_HIDDEN, _CELLS**2)
        # Where a patch was in the frame before, and in the first one.
        self.flow = Mlp(config.decoder_dim, _FLOW_HIDDEN, 2 * _FLOW_OUTPUTS)
        # Translation and three numbers of the rotation from a camera to the one before.
        self.motion = Mlp(config.decoder_dim, _MOTION_HIDDEN, 6)
        with torch.no_grad():
            for parameter in self.motion.fc2.parameters():
                parameter.mul_(_MOTION_GAIN)
        rows, columns = grid
        width = config.state_grid_width
        at = torch.arange(rows)[:, None] * width + torch.arange(columns)
        if columns > width or int(at.max()) >= config.state_size:
            raise ValueError(
                f"{rows}x{columns} patches and a state of {config.state_size} tokens, {width} in "
                "a row: every patch needs a state token at its place"
            )
        self.register_buffer("state_index", at.flatten(), persistent=False)
        places = torch.cartesian_prod(torch.arange(rows), torch.arange(columns))
        self.register_buffer("patch_places", places.float(), persistent=False)
        self._image_logits: list[Tensor] = []
        self._state_logits: list[Tensor] = []

    @contextmanager
    def watching(self, encoder: GeometryEncoder) -> Iterator[None]:
        """While entered, attention is read as the encoder runs."""
        probes = []
        for sink, blocks in (
            (self._image_logits, list(encoder.image_decoder)[:COMPARING_LAYERS]),
            (self._state_logits, [encoder.state_decoder[-1]]),
        ):
            for block in blocks:
                assert isinstance(block, DecoderBlock)
                probes.append(AttentionProbe(block.cross_attention, sink))
        try:
            yield
        finally:
            for probe in probes:
                probe.remove()
            self._image_logits.clear()
            self._state_logits.clear()

    def collect(self, decoded: Tensor, camera: Tensor) -> FrameTokens:
        """Gather what the step that has just run leaves for supervision."""
        index, count = self.state_index, len(self.patch_places)
        tokens = FrameTokens(decoded, camera)
        # Of the image's tokens the first is the camera's; padding follows the patches.
        for logits in self._image_logits:
            tokens.image_attention.append(logits[:, :, 1 : 1 + count].index_select(3, index))
        for logits in self._state_logits:
            tokens.state_attention.append(logits.index_select(2, index)[..., 1 : 1 + count])
        self._image_logits.clear()
        self._state_logits.clear()
        return tokens

    def feature_logits(self, encoder: GeometryEncoder, here: Tensor, there: Tensor) -> list[Tensor]:
        """What patches `[B, N, E]` would attend to in a state that remembers others `[B, N, E]`.

        Nothing is decoded: tokens enter the comparing layers as the encoder left them.

        Returns:
            Logits `[B, heads, N, N]` by layer.
        """
        config = encoder.config
        head_dim = config.decoder_dim // config.decoder_heads
        table = RotaryTable.build(
            self.patch_places.long(), config.decoder_heads, head_dim, config.rope_base, here.dtype
        )
        # The first numbers are left empty for the places that the comparing layers will tell.
        asking, asked = (
            F.pad(encoder.decoder_embed(tokens)[..., PLACE_DIMS:], (PLACE_DIMS, 0))
            for tokens in (here, there)
        )
        asked = remembered(asked.float(), encoder.initial_state().tokens[:, self.state_index])
        found = []
        for block in list(encoder.image_decoder)[:COMPARING_LAYERS]:
            assert isinstance(block, DecoderBlock)
            x, context = block.norm2(asking), block.norm_context(asked)
            found.append(_logits(block.cross_attention, x, context, table, table))
        return found

    def feature_loss(
        self, encoder: GeometryEncoder, here: Tensor, there: Tensor, matches: Matches
    ) -> Tensor:
        """How well the patches of one frame are found among those of another; see above."""
        target = spread(matches.place, *self.grid)[:, None]
        losses = [
            matching_loss(logits, target, matches.visible[:, None].expand(logits.shape[:3]))
            for logits in self.feature_logits(encoder, here, there)
        ]
        return torch.stack(losses).mean()

    def depth_loss(self, encoded: Tensor, depth: Tensor, valid: Tensor) -> Tensor:
        """What encoded patches tell of depth, against the truth.

        Args:
            encoded: `[B, N, E]`
            depth: `[B, H, W]`, metres.
            valid: bool `[B, H, W]`
        """
        step = depth.shape[-1] // (self.grid[1] * _CELLS)
        middle = slice(step // 2, None, step)
        raw = self.depth(encoded).float().transpose(1, 2).unflatten(2, self.grid)
        said = F.pixel_shuffle(raw, _CELLS)[:, 0]
        target = depth[:, middle, middle].clamp(min=_NEAREST).log()
        return masked_mean((said - target).abs(), valid[:, middle, middle])

    def attention_loss(self, tokens: FrameTokens, matches: Matches | None) -> Tensor:
        """How far attention is from the tokens it should go to.

        State tokens are to look at the patch at their own place, so that they remember the newest
        frame patch by patch; patches at the state token of the place where they were, given by
        the matches with the frame before (None in the first frame).
        """
        losses = []
        for logits in tokens.state_attention:
            at_home = logits.log_softmax(-1).diagonal(dim1=-2, dim2=-1)
            losses.append(-at_home.mean())
        if matches is not None:
            target = spread(matches.place, *self.grid)[:, None]
            losses += [
                matching_loss(logits, target, matches.visible[:, None].expand(logits.shape[:3]))
                for logits in tokens.image_attention
            ]
        return torch.stack(losses).mean()

    def flow_losses(
        self, decoded: Tensor, before: Sequence[Matches]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """What decoded tokens `[B, N, D]` tell of where patches were, against the truth.

        Args:
            decoded: of one frame.
            before: matches with the frame before, and with the first one.

        Returns:
            The error of the displacements where visible, that of visibility where known, and the
            mean distance to the frame before, in patches, for the curves.
        """
        outputs = self.flow(decoded).float().unflatten(-1, (len(before), _FLOW_OUTPUTS))
        flow, visibility, distance = [], [], []
        for index, matches in enumerate(before):
            target = matches.place - self.patch_places
            answer = outputs[..., index, :]
            flow.append(flow_loss(answer[..., :2], target, matches.visible))
            visible = matches.visible.float()
            entropy = F.binary_cross_entropy_with_logits(answer[..., 2], visible, reduction="none")
            visibility.append(masked_mean(entropy, matches.known))
            error = (answer[..., :2].detach() - target).norm(dim=-1)
            distance.append(masked_mean(error, matches.visible))
        return torch.stack(flow).mean(), torch.stack(visibility).mean(), distance[0]

    def motion_loss(self, tokens: Sequence[FrameTokens], moved: Tensor) -> Tensor:
        """What camera tokens tell of the motion since the frame before, against the truth.

        Args:
            tokens: of all frames of the sequences.
            moved: true motions of all frames but the first `[B, T - 1, 4, 4]`.
        """
        raw = self.motion(torch.cat([frame.camera for frame in tokens[1:]], 1)).float()
        translation, rotation = raw.split(3, dim=-1)
        forward = torch.ones_like(rotation[..., :1])
        said = pose_matrix(torch.cat((translation, forward, rotation), -1))
        R, t = slice(None, 3), 3
        turn = rotation_loss(said[..., R, R], moved[..., R, R])
        return turn + translation_loss(said[..., R, t], moved[..., R, t])
