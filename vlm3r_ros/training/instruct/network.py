"""The whole model as instruction tuning builds it, and what packed questions cost it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import Qwen2Config, SiglipVisionModel

from vlm3r_ros.models.configuration import (
    NewlinePosition,
    Vlm3rConfig,
    parse_spatial_features,
)
from vlm3r_ros.models.geometry import GeometryEncoder, GeometryOutput, GeometryState
from vlm3r_ros.models.processing import Vlm3rProcessor
from vlm3r_ros.models.prompts import IMAGE_PLACEHOLDER, chat_prompt, split_at_image
from vlm3r_ros.models.registry import ModelFolderError, load_model
from vlm3r_ros.models.sizes import SIZES
from vlm3r_ros.models.vlm3r import Vlm3rForConditionalGeneration
from vlm3r_ros.training.errors import ConfigError, TrainingError
from vlm3r_ros.training.instruct.adapters import add_adapters
from vlm3r_ros.training.instruct.attention import PACKED
from vlm3r_ros.training.instruct.corpus import question_tokenizer
from vlm3r_ros.training.instruct.grounding import Grounding, LookKind
from vlm3r_ros.training.instruct.looking import Looking, LookingSession
from vlm3r_ros.training.instruct.packing import (
    IGNORED,
    PackedTurns,
    Packing,
    Turn,
    pack,
    split_by_turn,
)
from vlm3r_ros.training.instruct.settings import LoraSettings, ModelSettings
from vlm3r_ros.training.instruct.side_by_side import SideBySide
from vlm3r_ros.training.instruct.tracking import StepGraph
from vlm3r_ros.training.settings import Precision

_SHARE_OF_NAMES, _SHARE_OF_VISION = 0.2, 0.1  # of the learning rate


@dataclass(frozen=True, eq=False)
class GeometryTokens:
    """What the geometry encoder makes of a session's frames.

    Attributes:
        camera: `[T, 1, D]`
        patches: `[T, M, D]`
    """

    camera: Tensor
    patches: Tensor

    def keyframes(self, stride: int) -> GeometryTokens:
        """Those of every so many frames alone."""
        return GeometryTokens(self.camera[::stride], self.patches[::stride])


@dataclass(frozen=True, eq=False)
class FrameFeatures:
    """What the parts that see frames make of a session's keyframes.

    Attributes:
        vision: `[F, N, Dv]`
        camera_tokens: `[F, 1, D]`
        patch_tokens: `[F, M, D]`
    """

    vision: Tensor
    camera_tokens: Tensor
    patch_tokens: Tensor

    def to(self, device: torch.device) -> FrameFeatures:
        """The same on another device."""
        parts = (self.vision, self.camera_tokens, self.patch_tokens)
        return FrameFeatures(*(part.to(device) for part in parts))


class InstructNetwork(nn.Module):
    """The model with losses of packed questions.

    Args:
        model: the whole model.
        processor: its processor.
        train_vision: whether gradients reach the vision tower.
        lora: adapters that the language model gets; without, all of it is trained.

    Raises:
        ConfigError: the model puts one newline behind all frames, which moments have no place for.
    """

    def __init__(
        self,
        model: Vlm3rForConditionalGeneration,
        processor: Vlm3rProcessor,
        train_vision: bool = False,
        lora: LoraSettings | None = None,
    ) -> None:
        super().__init__()
        if model.config.newline_position == NewlinePosition.ONE_TOKEN:
            raise ConfigError("newline_position one_token cannot be trained: use grid or frame")
        self.model = model
        self.processor = processor
        self._train_vision = train_vision
        self._graph: StepGraph | None = None
        model.requires_grad_(True)
        model.geometry_encoder.requires_grad_(False)
        model.vision_tower.requires_grad_(train_vision)
        # The model leaves the norm after the last layer out.
        model.vision_tower.post_layernorm.requires_grad_(False)
        if model.config.spatial_features == "none":
            model.fusion.requires_grad_(False)
        if lora is None:
            # Visual tokens hold words' embeddings: at the full rate, the two drift apart before
            # anything is made of it, and names drown in what else is learned.
            for part in (model.projector, model.language_model.get_input_embeddings()):
                _learn_slowly(part, _SHARE_OF_NAMES)
            # What it was trained for first must not be lost while answers are guesses.
            _learn_slowly(model.vision_tower, _SHARE_OF_VISION)
        else:
            model.image_newline.requires_grad_(False)
            add_adapters(model.language_model, lora)
        header, _ = split_at_image(chat_prompt(IMAGE_PLACEHOLDER))
        self._header = processor.tokenize(header)
        model.language_model.set_attn_implementation(PACKED)

    def _apply(self, *args: Any, **kwargs: Any) -> InstructNetwork:
        # A recorded step reads weights where they were.
        self._graph = None
        return super()._apply(*args, **kwargs)

    def forward(
        self,
        frames: Tensor,
        stride: int,
        turns: Sequence[Turn],
        geometry: GeometryTokens | None = None,
    ) -> Tensor:
        """Losses of a session's answers, see `answer_losses`; one call, as wrappers want it.

        Args:
            frames: RGB, uint8 `[T, S, S, 3]`.
            stride: every so many of them is a keyframe.
            turns: at least one question with its answer.
            geometry: of the frames, where known already.
        """
        prefix = self.prefix(self.look(frames, stride, geometry))
        return self.answer_losses(prefix, self.pack(turns, -(-len(frames) // stride)))

    def side_by_side(
        self,
        visual: Sequence[Tensor],
        turns: Sequence[Sequence[Turn]],
        looking: Looking | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Losses as `forward` gives them, of several sessions read in one pass: far faster.

        Args:
            visual: tokens of each session's keyframes, see `visual_tokens`.
            turns: at least one question with its answer about each.
            looking: of `watch`, shown the attention.

        Returns:
            Cross entropy of the tokens of all answers `[A]`, and which question of all of them
            each belongs to, int64 `[A]`.
        """
        counts = [len(tokens) for tokens in visual]
        prefixes = [self._behind_header(tokens) for tokens in visual]
        if self._in_few_operations:
            return self._batched_losses(prefixes, turns, counts, looking)
        packed = [self.pack(own, count) for own, count in zip(turns, counts, strict=True)]
        losses = self._answer_losses(prefixes, packed, looking)
        numbers = list(accumulate(map(len, turns), initial=0))
        which = [
            torch.full((len(part),), first + number, device=part.device)
            for own, of_tokens, first in zip(turns, losses, numbers, strict=False)
            for number, part in split_by_turn(of_tokens, own)
        ]
        return torch.cat(losses), torch.cat(which)

    def watch(
        self,
        turns: Sequence[Sequence[Turn]],
        groundings: Sequence[Grounding],
        frames: Sequence[int],
        heads: Mapping[LookKind, Sequence[tuple[int, int]]],
    ) -> Looking:
        """Watch heads while `side_by_side` reads sessions.

        Args:
            turns: the questions about each session.
            groundings: what their words speak of.
            frames: of each session.
            heads: layer and head of each that is watched, by what it should look at.
        """
        header, step = len(self._header), self.model.tokens_per_frame
        prefixes = np.array([header + count * step for count in frames])
        words = np.array([sum(map(len, own)) for own in turns])
        if self._in_few_operations:
            starts = np.cumsum(prefixes) - prefixes
            asked = prefixes.sum() + np.cumsum(words) - words
        else:
            starts = np.cumsum(prefixes + words) - prefixes - words
            asked = starts + prefixes
        sessions = [
            LookingSession.of(
                own,
                grounding,
                header=header,
                tokens_per_frame=step,
                frames=frames[number],
                start=int(starts[number]),
                asked=int(asked[number]),
                device=self._device,
            )
            for number, (own, grounding) in enumerate(zip(turns, groundings, strict=True))
        ]
        return Looking(heads, sessions)

    @property
    def _device(self) -> torch.device:
        return self.model.image_newline.device

    @property
    def _in_few_operations(self) -> bool:
        return self._device.type == "cuda"

    def look(
        self,
        frames: Tensor,
        stride: int,
        geometry: GeometryTokens | None = None,
        odometry: NDArray[np.float32] | None = None,
    ) -> FrameFeatures:
        """Run vision tower and geometry encoder, each frame once for all questions.

        Args:
            frames: RGB, uint8 `[T, S, S, 3]`, one session in its order.
            stride: every so many of them is a keyframe; the geometry encoder sees all of them.
            geometry: of the frames, where known already.
            odometry: poses that camera tokens of keyframes are told, see `place`.
        """
        if geometry is None:
            (geometry,) = self.track([frames])
        own = self.place(geometry.keyframes(stride), odometry)
        return FrameFeatures(self.see(frames[::stride]), own.camera, own.patches)

    def place(
        self, keyframes: GeometryTokens, odometry: NDArray[np.float32] | None
    ) -> GeometryTokens:
        """Tell camera tokens where visual odometry takes cameras to be.

        Args:
            keyframes: tokens of F keyframes.
            odometry: poses in the frame of the first one `[F, 4, 4]`; None for as they are.
        """
        if odometry is None:
            return keyframes
        poses = torch.from_numpy(odometry).to(keyframes.camera.device)
        return replace(keyframes, camera=self.model.place_cameras(keyframes.camera, poses))

    def see(self, frames: Tensor) -> Tensor:
        """Run the vision tower: image tokens `[F, N, Dv]` of uint8 frames `[F, S, S, 3]`."""
        with torch.set_grad_enabled(self._train_vision and torch.is_grad_enabled()):
            vision: Tensor = self.model.encode_vision(self.processor.normalize(frames))
        return vision

    @torch.no_grad()
    def track(self, sessions: Sequence[Tensor]) -> list[GeometryTokens]:
        """Run the geometry encoder over sessions side by side: far faster than one by one.

        Args:
            sessions: RGB, uint8 `[T, S, S, 3]` each; they may be of different lengths.
        """
        if sessions[0].device.type == "cuda" and len({len(frames) for frames in sessions}) == 1:
            return self._track_by_graph(torch.stack(list(sessions)))
        # The longest first, so that those still going on are the first ones.
        order = sorted(range(len(sessions)), key=lambda number: -len(sessions[number]))
        state = self.model.geometry_encoder.initial_state(len(sessions))
        steps: list[GeometryOutput] = []
        for moment in range(len(sessions[order[0]])):
            frames = [sessions[n][moment] for n in order if len(sessions[n]) > moment]
            images = self.model.geometry_pixels(self.processor.normalize(torch.stack(frames)))
            going_on = slice(len(frames))
            state = GeometryState(
                # In float32 the state loses nothing from step to step.
                state.tokens[going_on].float(),
                state.memory[going_on].float(),
                state.step[going_on],
                state.fresh[going_on],
            )
            output, state = self.model.geometry_encoder.step(images, state)
            steps.append(output)
        tokens: dict[int, GeometryTokens] = {}
        for place, number in enumerate(order):
            own = steps[: len(sessions[number])]
            tokens[number] = GeometryTokens(
                torch.stack([output.camera_token[place] for output in own]),
                torch.stack([output.patch_tokens[place] for output in own]),
            )
        return [tokens[number] for number in range(len(sessions))]

    def _track_by_graph(self, sessions: Tensor) -> list[GeometryTokens]:
        """`track` for frames `[B, T, S, S, 3]`."""
        images = self.model.geometry_pixels(self.processor.normalize(sessions.flatten(0, 1)))
        images = images.unflatten(0, sessions.shape[:2])
        # In float32 the state loses nothing from step to step.
        with torch.autocast(images.device.type, enabled=False):
            if self._graph is None or self._graph.batch != len(sessions):
                self._graph = StepGraph(self.model.geometry_encoder, images[:, 0])
            cameras, patches = self._graph.run(images)
        return [GeometryTokens(*own) for own in zip(cameras, patches, strict=True)]

    def prefix(self, features: FrameFeatures) -> Tensor:
        """Header and visual tokens of all keyframes `[P, H]`."""
        return self._behind_header(*self.visual_tokens([features]))

    def visual_tokens(self, features: Sequence[FrameFeatures]) -> list[Tensor]:
        """What the language model reads of each session's keyframes `[F, T, H]`."""
        together = FrameFeatures(
            torch.cat([own.vision for own in features]),
            torch.cat([own.camera_tokens for own in features]),
            torch.cat([own.patch_tokens for own in features]),
        )
        projected = self.model.project(self.fuse(together))
        tokens: Tensor = self.model.add_newlines(self.model.pool(projected))
        return list(tokens.split([len(own.vision) for own in features]))

    def fuse(self, features: FrameFeatures) -> Tensor:
        """Image tokens of frames that have attended to geometry tokens `[F, N, Dv]`."""
        return self.model.fuse(features.vision, features.camera_tokens, features.patch_tokens)

    def _behind_header(self, visual: Tensor) -> Tensor:
        header = self.model.embed_text(self._header.to(visual.device))
        return torch.cat((header.to(visual.dtype), visual.flatten(0, 1)))

    def pack(self, turns: Sequence[Turn], frames: int) -> PackedTurns:
        """Pack questions about a session of so many keyframes."""
        step = self.model.tokens_per_frame
        return pack(turns, len(self._header), step, frames, self._device)

    def read(
        self,
        prefixes: Sequence[Tensor],
        packed: Sequence[PackedTurns],
        looking: Looking | None = None,
    ) -> list[Tensor]:
        """What the language model makes of the question tokens `[S, H]` of each session.

        The sessions, each with its prefix `[P, H]`, lie one behind the other in one pass.
        """
        sessions = list(zip(prefixes, packed, strict=True))
        words = self.model.embed_text(torch.cat([one.ids for one in packed])).to(prefixes[0].dtype)
        asked = words.split([len(one.ids) for one in packed])
        positions = [
            torch.cat((torch.arange(len(prefix), device=prefix.device), one.positions))
            for prefix, one in sessions
        ]
        hidden = self._run_layers(
            torch.cat(list(chain(*zip(prefixes, asked, strict=True)))),
            torch.cat(positions),
            [one.packing for one in packed],
            looking,
        )
        whole = hidden.split([len(one.packing) for one in packed])
        return [hidden[len(prefix) :] for hidden, prefix in zip(whole, prefixes, strict=True)]

    def _run_layers(
        self,
        embeds: Tensor,
        positions: Tensor,
        packing: Sequence[Packing] | SideBySide,
        looking: Looking | None,
    ) -> Tensor:
        """What the language model makes of a sequence `[L, H]`, shown to `looking` on the way."""
        output = self.model.language_model.model(
            inputs_embeds=embeds[None],
            position_ids=positions[None],
            packing=packing,
            looking=looking,
            output_hidden_states=looking is not None,
            use_cache=False,
        )
        if looking is not None:
            looking.hidden = tuple(hidden[0] for hidden in output.hidden_states)
        last: Tensor = output.last_hidden_state[0]
        return last

    def _batched_losses(
        self,
        prefixes: Sequence[Tensor],
        turns: Sequence[Sequence[Turn]],
        frames: Sequence[int],
        looking: Looking | None = None,
    ) -> tuple[Tensor, Tensor]:
        """`side_by_side` in few large operations."""
        model, device = self.model, prefixes[0].device
        layout = SideBySide.of(turns, len(self._header), model.tokens_per_frame, frames, device)
        words = model.embed_text(layout.ids).to(prefixes[0].dtype)
        hidden = self._run_layers(torch.cat((*prefixes, words)), layout.positions, layout, looking)
        asking = hidden.index_select(0, layout.prefix + layout.asking)
        logits = model.language_model.lm_head(asking).float()
        return F.cross_entropy(logits, layout.labels, reduction="none"), layout.turn

    def answer_losses(self, prefix: Tensor, packed: PackedTurns) -> Tensor:
        """Cross entropy of each answer token `[A]`, question by question in packed order."""
        (losses,) = self._answer_losses([prefix], [packed])
        return losses

    def _answer_losses(
        self,
        prefixes: Sequence[Tensor],
        packed: Sequence[PackedTurns],
        looking: Looking | None = None,
    ) -> list[Tensor]:
        hidden = torch.cat(self.read(prefixes, packed, looking))
        labels = torch.cat([one.labels for one in packed])
        taught = labels != IGNORED
        logits = self.model.language_model.lm_head(hidden[taught])
        losses = F.cross_entropy(logits.float(), labels[taught], reduction="none")
        return list(losses.split([int((one.labels != IGNORED).sum()) for one in packed]))


def build_network(settings: ModelSettings, seed: int, precision: Precision) -> InstructNetwork:
    """A model with the given parts, the rest random; the same seed gives the same weights.

    Args:
        settings: which parts.
        seed: of random weights.
        precision: of matrix products; what stays as it is beside adapters is kept no finer.

    Raises:
        ConfigError: there is no such size, or a setting does not fit.
        TrainingError: a part cannot be read.
    """
    if settings.base:
        model, processor = _read_base(settings, precision)
    else:
        model, processor = _build_model(settings, seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = InstructNetwork(model, processor, settings.train_vision, settings.lora)
    if settings.recompute:
        model.language_model.gradient_checkpointing_enable({"use_reentrant": False})
    return network


def _read_base(
    settings: ModelSettings, precision: Precision
) -> tuple[Vlm3rForConditionalGeneration, Vlm3rProcessor]:
    half = settings.lora is not None and precision is Precision.BFLOAT16
    dtype = torch.bfloat16 if half else torch.float32
    try:
        model, processor = load_model(settings.base, device="cpu", dtype=dtype)
        parse_spatial_features(settings.spatial_features)
    except ModelFolderError as error:
        raise TrainingError(f"model.base: {error}") from error
    except ValueError as error:
        raise ConfigError(f"model.spatial_features: {error}") from error
    model.config.spatial_features = settings.spatial_features
    for part in (model.fusion, model.projector):
        part.float()
    return model, processor


def _build_model(
    settings: ModelSettings, seed: int
) -> tuple[Vlm3rForConditionalGeneration, Vlm3rProcessor]:
    if settings.size not in SIZES:
        raise ConfigError(f"model.size is {settings.size!r}; there are {', '.join(SIZES)}")
    try:
        tokenizer = question_tokenizer(settings.vocabulary)
    except ValueError as error:
        raise ConfigError(f"model.vocabulary: {error}") from error
    geometry = _read_part(GeometryEncoder, settings.geometry_from, "model.geometry_from")
    vision = _read_part(SiglipVisionModel, settings.vision_from, "model.vision_from")
    config = _build_config(settings, geometry, vision)
    # The end of a turn ends the answer.
    config.text_config.eos_token_id = tokenizer.eos_token_id
    config.text_config.pad_token_id = tokenizer.pad_token_id
    config.text_config.bos_token_id = tokenizer.pad_token_id
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Vlm3rForConditionalGeneration(config)
    if geometry is not None:
        model.geometry_encoder.load_state_dict(geometry.state_dict())
    if vision is not None:
        model.vision_tower.load_state_dict(vision.state_dict())
    processor = Vlm3rProcessor(
        config.image_size, tokenizer, image_token_index=config.image_token_index
    )
    return model, processor


def _learn_slowly(part: nn.Module, share: float) -> None:
    for parameter in part.parameters():
        parameter.learning_rate_share = share  # type: ignore[attr-defined]


def _build_config(
    settings: ModelSettings, geometry: GeometryEncoder | None, vision: SiglipVisionModel | None
) -> Vlm3rConfig:
    config = SIZES[settings.size].build_config()
    values: dict[str, Any] = config.text_config.to_dict()
    unknown = sorted(set(settings.text) - set(values))
    if unknown:
        raise ConfigError(f"model.text.{unknown[0]} is no setting of the language model")
    values |= {**settings.text, "vocab_size": settings.vocabulary}
    size = config.geometry_image_size
    if vision is not None and vision.config.image_size != config.image_size:
        size = int(vision.config.image_size)  # type: ignore[arg-type]
    try:
        return Vlm3rConfig(
            **{
                **config.to_dict(),
                "vision_config": config.vision_config if vision is None else vision.config,
                "geometry_config": config.geometry_config if geometry is None else geometry.config,
                "text_config": Qwen2Config(**values),
                "spatial_features": settings.spatial_features,
                "geometry_image_size": settings.geometry_image_size or size,
            }
        )
    except (ValueError, TypeError) as error:
        raise ConfigError(f"model: {error}") from error


def _read_part(kind: Any, folder: str, setting: str) -> Any:
    """A part that an earlier stage exported; None where none is named."""
    if not folder:
        return None
    path = Path(folder).expanduser()
    if not (path / "config.json").is_file():
        raise TrainingError(f"{setting}: {path} holds no exported model; give a run's model folder")
    try:
        return kind.from_pretrained(path)
    except (OSError, ValueError, RuntimeError) as error:
        raise TrainingError(f"{setting}: {path}: cannot be read ({error})") from error
