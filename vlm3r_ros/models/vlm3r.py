"""VLM-3R: frames, fused with what a recurrent geometry encoder knows of them, before a causal LM.

Architecture of arXiv 2505.20279, section 3.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import GenerationMixin, PreTrainedModel, Qwen2ForCausalLM, SiglipVisionModel
from transformers import initialization as init
from transformers.cache_utils import Cache
from transformers.modeling_outputs import CausalLMOutputWithPast

from vlm3r_ros.models.configuration import (
    NewlinePosition,
    PoolMode,
    SpatialFeature,
    Vlm3rConfig,
    parse_spatial_features,
)
from vlm3r_ros.models.fusion import SpatialVisualFusion
from vlm3r_ros.models.geometry import GeometryEncoder, GeometryState
from vlm3r_ros.models.grouped_attention import GROUPED_SDPA
from vlm3r_ros.models.pose_readout import PoseReadout
from vlm3r_ros.models.visual_tokens import (
    append_newlines,
    patch_positions,
    pool_grid,
    tokens_per_frame,
)


class Modality(StrEnum):
    """What the frames of a prompt are."""

    VIDEO = "video"
    """Frames of one video: pooled, all in place of one placeholder."""
    IMAGE = "image"
    """Separate images: not pooled, one placeholder each (and still one geometry sequence)."""


class Vlm3rForConditionalGeneration(PreTrainedModel, GenerationMixin):
    """Vision tower, geometry encoder, fusion, projector and language model.

    Each stage is a method of its own, so that a stream can run vision, fusion and projection once
    per keyframe ([`frame_tokens`]) and keep the language model's keys and values across questions.
    """

    config: Vlm3rConfig
    config_class = Vlm3rConfig
    main_input_name = "input_ids"
    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_attention_backend = True

    def __init__(self, config: Vlm3rConfig) -> None:
        super().__init__(config)
        vision_dim = config.vision_config.hidden_size
        hidden = config.text_config.hidden_size
        # The published tower ends after its last layer; the norm that would follow is carried, so
        # that its weights map one to one, but not applied.
        self.vision_tower = SiglipVisionModel(config.vision_config)
        self.geometry_encoder = GeometryEncoder(config.geometry_config)
        self.fusion = SpatialVisualFusion(
            dim=vision_dim,
            spatial_dim=config.geometry_config.decoder_dim,
            heads=config.fusion_heads,
            norm_eps=config.fusion_norm_eps,
            dropout=config.fusion_dropout,
        )
        self.projector = nn.Sequential(
            nn.Linear(vision_dim, hidden), nn.GELU(), nn.Linear(hidden, hidden)
        )
        self.image_newline = nn.Parameter(torch.empty(hidden))
        self.pose_readout: PoseReadout | None = None
        if config.pose_readout:
            self.add_pose_readout()
        self.language_model = Qwen2ForCausalLM(config.text_config)
        self.language_model.set_attn_implementation(GROUPED_SDPA)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, nn.Linear):
            init.xavier_uniform_(module.weight)
            if module.bias is not None:
                init.zeros_(module.bias)
        elif isinstance(module, nn.LayerNorm):
            init.ones_(module.weight)
            init.zeros_(module.bias)
        elif isinstance(module, Vlm3rForConditionalGeneration):
            init.normal_(module.image_newline, std=module.image_newline.shape[0] ** -0.5)

    def add_pose_readout(self) -> PoseReadout:
        """Make it possible to tell camera tokens poses; the readout is yet to be fitted."""
        self.config.pose_readout = True
        self.pose_readout = PoseReadout(self.config.geometry_config.decoder_dim)
        return self.pose_readout

    def keep_geometry_only(self) -> None:
        """Let go of all parts but those of geometry, for a process that only tracks.

        `geometry_pixels`, `encode_geometry` and `place_cameras` go on working.
        """
        for part, _ in list(self.named_children()):
            if part not in ("geometry_encoder", "pose_readout"):
                setattr(self, part, None)
        self.register_parameter("image_newline", None)

    def get_input_embeddings(self) -> nn.Module:
        """The language model's token embedding."""
        return self.language_model.get_input_embeddings()

    def set_input_embeddings(self, value: nn.Module) -> None:
        """Replace the language model's token embedding."""
        self.language_model.set_input_embeddings(value)

    def get_output_embeddings(self) -> nn.Module:
        """The language model's output layer."""
        return self.language_model.get_output_embeddings()

    def set_output_embeddings(self, value: nn.Module) -> None:
        """Replace the language model's output layer."""
        self.language_model.set_output_embeddings(value)

    @property
    def tokens_per_frame(self) -> int:
        """Visual tokens that [`frame_tokens`] returns for one frame."""
        return tokens_per_frame(
            self.config.vision_grid_side,
            PoolMode(self.config.pool_mode),
            NewlinePosition(self.config.newline_position),
        )

    @property
    def patch_positions(self) -> Tensor:
        """Which of a frame's visual tokens show its patches, int64 `[rows, columns]`."""
        return patch_positions(
            self.config.vision_grid_side,
            PoolMode(self.config.pool_mode),
            NewlinePosition(self.config.newline_position),
        )

    def encode_vision(self, pixel_values: Tensor) -> Tensor:
        """Frames `[F, 3, S, S]` in [-1, 1] -> SigLIP patch tokens `[F, N, Dv]`, not normed."""
        self._check_pixels(pixel_values)
        embeddings = self.vision_tower.embeddings(pixel_values.to(self.image_newline.dtype))
        tokens: Tensor = self.vision_tower.encoder(inputs_embeds=embeddings).last_hidden_state
        return tokens

    def geometry_pixels(self, pixel_values: Tensor) -> Tensor:
        """Frames `[F, 3, S, S]` at the geometry encoder's size `[F, 3, G, G]`."""
        size = self.config.geometry_image_size
        if pixel_values.shape[-2:] == (size, size):
            return pixel_values
        return F.interpolate(
            pixel_values, size=(size, size), mode="bilinear", align_corners=False, antialias=False
        )

    def encode_geometry(
        self, pixel_values: Tensor, state: GeometryState | None = None
    ) -> tuple[Tensor, Tensor, GeometryState]:
        """Run the frames through the geometry encoder as one sequence, in their order.

        Args:
            pixel_values: `[F, 3, S, S]` in [-1, 1].
            state: of the frames before; a new sequence if absent.

        Returns:
            Camera tokens `[F, 1, D]`, patch tokens `[F, N, D]`, and the state after the last frame.
        """
        self._check_pixels(pixel_values)
        images = self.geometry_pixels(pixel_values)
        state = self.geometry_encoder.initial_state(1) if state is None else state
        camera_tokens, patch_tokens = [], []
        for image in images.split(1):
            output, state = self.geometry_encoder.step(image, state)
            camera_tokens.append(output.camera_token)
            patch_tokens.append(output.patch_tokens)
        return torch.cat(camera_tokens), torch.cat(patch_tokens), state

    def place_cameras(self, camera_tokens: Tensor, camera_to_first: Tensor) -> Tensor:
        """Tell camera tokens where their cameras are, if the language model can read it.

        Args:
            camera_tokens: `[F, 1, D]`
            camera_to_first: poses of the cameras in the frame of the session's first `[F, 4, 4]`.

        Returns:
            `[F, 1, D]`; as they were where the model has no readout of poses.
        """
        if self.pose_readout is None:
            return camera_tokens
        return self.pose_readout.write(camera_tokens, camera_to_first)

    def fuse(self, vision: Tensor, camera_tokens: Tensor, patch_tokens: Tensor) -> Tensor:
        """Fuse each frame's image tokens with those of its geometry tokens that are configured.

        Args:
            vision: `[F, N, Dv]`
            camera_tokens: `[F, 1, D]`
            patch_tokens: `[F, M, D]`

        Returns:
            `[F, N, Dv]`
        """
        parts = {
            SpatialFeature.CAMERA_TOKENS: camera_tokens,
            SpatialFeature.PATCH_TOKENS: patch_tokens,
        }
        selected = [parts[name] for name in parse_spatial_features(self.config.spatial_features)]
        if not selected:
            return vision
        return self.fusion(vision, torch.cat(selected, dim=1).to(vision.dtype))

    def project(self, fused: Tensor) -> Tensor:
        """Fused tokens `[F, N, Dv]` in the language model's width `[F, N, H]`."""
        projected: Tensor = self.projector(fused)
        return projected

    def pool(self, projected: Tensor, modality: Modality | str = Modality.VIDEO) -> Tensor:
        """Pool each frame's tokens, `[F, N, H]` -> `[F, C, H]`; images are left as they are."""
        mode = PoolMode(self.config.pool_mode)
        return pool_grid(projected, PoolMode.NONE if modality == Modality.IMAGE else mode)

    def add_newlines(self, pooled: Tensor, modality: Modality | str = Modality.VIDEO) -> Tensor:
        """Append the newline embedding per row or frame, `[F, C, H]` -> `[F, T, H]`."""
        position = NewlinePosition(self.config.newline_position)
        if modality == Modality.IMAGE:
            position = NewlinePosition.GRID
        return append_newlines(pooled, self.image_newline, position)

    def frame_tokens(
        self,
        pixel_values: Tensor,
        camera_tokens: Tensor,
        patch_tokens: Tensor,
        modality: Modality | str = Modality.VIDEO,
    ) -> Tensor:
        """Visual tokens of frames whose geometry tokens are known: `[F, T, H]`.

        Args:
            pixel_values: `[F, 3, S, S]` in [-1, 1].
            camera_tokens: `[F, 1, D]`
            patch_tokens: `[F, M, D]`
            modality: whether the frames are pooled as a video's.
        """
        fused = self.fuse(self.encode_vision(pixel_values), camera_tokens, patch_tokens)
        return self.add_newlines(self.pool(self.project(fused), modality), modality)

    def visual_prefix(
        self,
        pixel_values: Tensor,
        camera_tokens: Tensor | None = None,
        patch_tokens: Tensor | None = None,
        modality: Modality | str = Modality.VIDEO,
    ) -> Tensor:
        """All visual tokens of one prompt as one run `[V, H]`.

        Args:
            pixel_values: `[F, 3, S, S]` in [-1, 1].
            camera_tokens: `[F, 1, D]`; computed if absent.
            patch_tokens: `[F, M, D]`; computed if absent.
            modality: whether the frames are one video or separate images.

        Raises:
            ValueError: if only one of the two kinds of geometry tokens is given.
        """
        if (camera_tokens is None) != (patch_tokens is None):
            raise ValueError("give both camera_tokens and patch_tokens, or neither")
        if camera_tokens is None or patch_tokens is None:
            camera_tokens, patch_tokens, _ = self.encode_geometry(pixel_values)
        visual = self.frame_tokens(pixel_values, camera_tokens, patch_tokens, modality)
        visual = visual.flatten(0, 1)
        one_newline = self.config.newline_position == NewlinePosition.ONE_TOKEN
        if one_newline and modality == Modality.VIDEO:
            visual = torch.cat((visual, self.image_newline[None].to(visual.dtype)))
        return visual

    def embed_text(self, input_ids: Tensor) -> Tensor:
        """Token ids `[...]` without placeholders -> embeddings `[..., H]`."""
        embeddings: Tensor = self.get_input_embeddings()(input_ids)
        return embeddings

    def embed_prompt(self, input_ids: Tensor, visual: Tensor | None = None) -> Tensor:
        """Embed a prompt, with the visual tokens in the place of its placeholders.

        Args:
            input_ids: `[L]` or `[1, L]`, with `config.image_token_index` at each placeholder.
            visual: `[V, H]`; with several placeholders, each takes an equal share in order.

        Returns:
            `[L - placeholders + V, H]`

        Raises:
            ValueError: if placeholders and visual tokens do not match.
        """
        ids = self._single_prompt(input_ids)
        places = (ids == self.config.image_token_index).nonzero().flatten().tolist()
        count = 0 if visual is None else len(visual)
        if bool(places) != bool(count) or (places and count % len(places)):
            raise ValueError(
                f"the prompt has {len(places)} image placeholders for {count} visual tokens"
            )
        if visual is None:
            return self.embed_text(ids)
        text = self.embed_text(ids[ids != self.config.image_token_index])
        # With k placeholders before it, the k-th placeholder's text ends k tokens earlier.
        before = torch.tensor_split(text, [place - k for k, place in enumerate(places)])
        pieces = [before[0]]
        for run, after in zip(visual.to(text.dtype).chunk(len(places)), before[1:], strict=True):
            pieces += [run, after]
        return torch.cat(pieces)

    def prompt_embeds(
        self,
        input_ids: Tensor,
        pixel_values: Tensor,
        camera_tokens: Tensor | None = None,
        patch_tokens: Tensor | None = None,
        modality: Modality | str | None = None,
    ) -> Tensor:
        """Embeddings `[1, L', H]` of a prompt with frames.

        Several placeholders mean separate images where `modality` does not say otherwise.
        """
        if modality is None:
            places = int((input_ids == self.config.image_token_index).sum())
            modality = Modality.IMAGE if places > 1 else Modality.VIDEO
        visual = self.visual_prefix(pixel_values, camera_tokens, patch_tokens, Modality(modality))
        return self.embed_prompt(input_ids, visual)[None]

    def forward(
        self,
        input_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        pixel_values: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        past_key_values: Cache | None = None,
        cache_position: Tensor | None = None,
        labels: Tensor | None = None,
        use_cache: bool | None = None,
        logits_to_keep: int | Tensor = 0,
        camera_tokens: Tensor | None = None,
        patch_tokens: Tensor | None = None,
        modality: Modality | str | None = None,
        **kwargs: Any,
    ) -> CausalLMOutputWithPast:
        """Logits of the next token at every position (or the last `logits_to_keep`).

        Args:
            input_ids: `[B, L]`; with `pixel_values` one prompt (`[L]` or `[1, L]`).
            inputs_embeds: `[B, L, H]` instead of `input_ids`.
            pixel_values: frames `[F, 3, S, S]` of the prompt.
            attention_mask: as in the language model.
            position_ids: `[B, L]`; default: counted on from the cache.
            past_key_values: keys and values of what came before.
            cache_position: `[L]` positions in the cache; the same as one row of `position_ids`.
            labels: `[B, L]` for a loss; not with `pixel_values`.
            use_cache: return keys and values.
            logits_to_keep: how many positions from the end get logits; 0 for all.
            camera_tokens: `[F, 1, D]`, of `pixel_values`, where known already.
            patch_tokens: `[F, M, D]`, of `pixel_values`, where known already.
            modality: see [`prompt_embeds`].
            **kwargs: passed on to the language model.

        Raises:
            ValueError: for labels together with frames, whose length differs from the prompt's.
        """
        if pixel_values is not None:
            if labels is not None:
                raise ValueError("labels need inputs_embeds: frames change the prompt's length")
            if input_ids is None:
                raise ValueError("pixel_values need input_ids with an image placeholder")
            inputs_embeds = self.prompt_embeds(
                input_ids, pixel_values, camera_tokens, patch_tokens, modality
            )
            input_ids = None
        if position_ids is None and cache_position is not None:
            position_ids = cache_position[None]
        output: CausalLMOutputWithPast = self.language_model(
            input_ids=input_ids,
            inputs_embeds=inputs_embeds,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=past_key_values,
            labels=labels,
            use_cache=use_cache,
            logits_to_keep=logits_to_keep,
            **kwargs,
        )
        return output

    @torch.no_grad()
    def generate(  # type: ignore[override]
        self,
        input_ids: Tensor | None = None,
        pixel_values: Tensor | None = None,
        *,
        camera_tokens: Tensor | None = None,
        patch_tokens: Tensor | None = None,
        modality: Modality | str | None = None,
        inputs_embeds: Tensor | None = None,
        **kwargs: Any,
    ) -> Any:
        """Continue a prompt, greedily unless told otherwise; returns new token ids only.

        Args:
            input_ids: `[L]` or `[1, L]` with placeholders for the frames.
            pixel_values: frames `[F, 3, S, S]`.
            camera_tokens: `[F, 1, D]`, where known already.
            patch_tokens: `[F, M, D]`, where known already.
            modality: see [`prompt_embeds`].
            inputs_embeds: `[1, L, H]` instead of the above.
            **kwargs: as in `GenerationMixin.generate`, such as `max_new_tokens`.

        Raises:
            ValueError: without a prompt.
        """
        if inputs_embeds is None:
            if input_ids is None:
                raise ValueError("generate() needs input_ids or inputs_embeds")
            if pixel_values is None:
                inputs_embeds = self.embed_prompt(input_ids)[None]
            else:
                inputs_embeds = self.prompt_embeds(
                    input_ids, pixel_values, camera_tokens, patch_tokens, modality
                )
        kwargs.setdefault(
            "attention_mask", inputs_embeds.new_ones(inputs_embeds.shape[:2], dtype=torch.long)
        )
        return super().generate(inputs_embeds=inputs_embeds, **kwargs)  # type: ignore[misc]

    def _check_pixels(self, pixel_values: Tensor) -> None:
        size = self.config.image_size
        if pixel_values.ndim != 4 or pixel_values.shape[1:] != (3, size, size):
            raise ValueError(
                f"pixel_values must be [F, 3, {size}, {size}], got {list(pixel_values.shape)}; "
                "use Vlm3rProcessor.frames"
            )
        if not len(pixel_values):
            raise ValueError("pixel_values hold no frame")

    @staticmethod
    def _single_prompt(input_ids: Tensor) -> Tensor:
        ids = input_ids[0] if input_ids.ndim == 2 and input_ids.shape[0] == 1 else input_ids
        if ids.ndim != 1:
            raise ValueError(
                f"frames belong to one prompt [L] or [1, L], got {list(input_ids.shape)}"
            )
        return ids
