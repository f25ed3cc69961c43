"""The geometry stage: film, run the encoder over the sequences, compare."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from vlm3r_ros.models.devices import resolve_device
from vlm3r_ros.models.geometry import (
    GeometryEncoder,
    GeometryEncoderConfig,
    GeometryHead,
    GeometryOutput,
)
from vlm3r_ros.models.sizes import SIZES
from vlm3r_ros.training.background import OrderedWorkers
from vlm3r_ros.training.checkpoint import load_final_weights
from vlm3r_ros.training.computing import computing, prepare_device
from vlm3r_ros.training.cuda_graphs import GraphedLosses
from vlm3r_ros.training.errors import ConfigError, TrainingError
from vlm3r_ros.training.geometry.correspondence import (
    CorrespondenceSupervision,
    FrameTokens,
)
from vlm3r_ros.training.geometry.evaluation import Evaluation, evaluation_tasks
from vlm3r_ros.training.geometry.filming import FilmTask, Sequences, film
from vlm3r_ros.training.geometry.ground_truth import (
    GeometryBatch,
    Matches,
    find_matches,
    step_motion,
)
from vlm3r_ros.training.geometry.initialization import initialize
from vlm3r_ros.training.geometry.losses import (
    pointmap_loss,
    rotation_angle,
    rotation_loss,
    translation_loss,
)
from vlm3r_ros.training.geometry.settings import GeometryConfig, LossSettings, ModelSettings
from vlm3r_ros.training.loop import LOSS
from vlm3r_ros.worlds.world import Split

_VIEWS = {"self": GeometryHead.SELF_POINTS, "world": GeometryHead.WORLD_POINTS}
# Poses are told in hundredths; at the full rate, a step of Adam would change them by tenths.
_POSE_SHARE = 0.5
_NEAREST = 0.1  # m: of what is nearer, errors count as if it were there
_STEPS_AHEAD = 3
"""Steps whose data the workers make while one is computed."""


class GeometryNetwork(nn.Module):
    """The encoder with the modules that exist in training only."""

    def __init__(self, encoder: GeometryEncoder, supervision: CorrespondenceSupervision) -> None:
        super().__init__()
        self.encoder = encoder
        self.supervision = supervision
        for layer in (encoder.heads.pose.fc2, supervision.motion.fc2):
            for parameter in layer.parameters():
                parameter.learning_rate_share = _POSE_SHARE  # type: ignore[attr-defined]


def build_encoder(settings: ModelSettings, seed: int) -> GeometryEncoder:
    """A randomly weighted encoder; the same seed gives the same weights.

    Raises:
        ConfigError: there is no such size, or a setting of the encoder is unknown or wrong.
    """
    if settings.size not in SIZES:
        raise ConfigError(f"model.size is {settings.size!r}; there are {', '.join(SIZES)}")
    values = SIZES[settings.size].build_config().geometry_config.to_dict()
    unknown = sorted(set(settings.geometry) - set(values))
    if unknown:
        raise ConfigError(f"model.geometry.{unknown[0]} is no setting of the geometry encoder")
    try:
        config = GeometryEncoderConfig(**(values | dict(settings.geometry)))
    except (ValueError, TypeError) as error:
        raise ConfigError(f"model.geometry: {error}") from error
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = GeometryEncoder(config)
        initialize(encoder)
    # The heads' colour is the image itself: it teaches nothing here.
    encoder.heads.color.requires_grad_(False)
    return encoder


class GeometryStage:
    """Stage 1, for the `Trainer`.

    Raises:
        ConfigError: the configuration does not fit the model or the machine.
        TrainingError: the weights to start from cannot be read.
    """

    def __init__(self, config: GeometryConfig) -> None:
        self.config = config
        self.device = resolve_device(config.run.device)
        encoder = build_encoder(config.model, config.run.seed)
        patch, size = encoder.config.patch_size, config.data.image_size
        if size % patch:
            raise ConfigError(f"data.image_size is {size}; it must be a multiple of {patch}")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.run.seed + 1)
            try:
                supervision = CorrespondenceSupervision(
                    encoder.config, (size // patch, size // patch)
                )
            except ValueError as error:
                raise ConfigError(f"model.geometry.state_size: {error}") from error
        self.module = GeometryNetwork(encoder, supervision).to(self.device)
        if config.init_from:
            self._take_over(Path(config.init_from).expanduser())
        self._workers: OrderedWorkers[FilmTask, Sequences] | None = None
        self._films: Iterator[Sequences] = iter(())
        self._evaluation: Evaluation | None = None
        self._graphed: GraphedLosses | None = None

    @property
    def encoder(self) -> GeometryEncoder:
        """The network that is shipped."""
        return self.module.encoder

    def start(self, step: int) -> None:
        """Begin to film for `step` and those after it."""
        run = self.config.run
        prepare_device(self.device, run.threads)
        ahead = _STEPS_AHEAD * max(
            phase.sequences // self.config.data.sequences_per_world
            for phase in self.config.curriculum
        )
        self._workers = OrderedWorkers(film, run.workers, ahead)
        short, walks = evaluation_tasks(self.config.evaluation, self.config.data)
        self._evaluation = Evaluation(
            list(self._workers.map(short)),
            list(self._workers.map(walks)),
            self.config.data.max_depth,
        )
        self._films = self._workers.map(self._tasks(step))

    def close(self) -> None:
        """End the workers."""
        if self._workers is not None:
            self._workers.close()

    def _tasks(self, step: int) -> Iterator[FilmTask]:
        data, most = self.config.data, max(p.sequences for p in self.config.curriculum)
        while True:
            phase = self.config.phase(step)
            for room in range(phase.sequences // data.sequences_per_world):
                yield FilmTask(
                    Split.TRAIN,
                    self.config.run.seed,
                    step * most + room,
                    data.sequences_per_world,
                    phase.frames,
                    phase.interval,
                    data,
                    augment=True,
                )
            step += 1

    def losses(self, step: int) -> dict[str, Tensor]:
        """Film and compare; see `Stage`."""
        count = self.config.phase(step).sequences // self.config.data.sequences_per_world
        films = [next(self._films) for _ in range(count)]
        batch = GeometryBatch.of(
            Sequences.concatenate(films), self.config.data.max_depth, self.device
        )
        # Every so many pixels, from a random one, so that each pixel of a patch has its turn.
        first_pixel = torch.randint(self.config.data.pixel_stride, (2,), device=self.device)
        return self._comparison(step)(*batch.tensors, first_pixel)

    def _comparison(self, step: int) -> Callable[..., dict[str, Tensor]]:
        """`compare` as this phase has it, of tensors alone; recorded where that is faster."""
        truncate, weights = self.config.phase(step).truncate, self.config.weights(step)

        def compare(*tensors: Tensor) -> dict[str, Tensor]:
            *batch, first_pixel = tensors
            return self.compare(GeometryBatch(*batch), first_pixel, truncate, weights)

        if self.device.type != "cuda":
            return compare
        if self._graphed is None or self.config.begins(step):
            self._graphed = GraphedLosses(self.module, compare)
        return self._graphed

    def compare(
        self, batch: GeometryBatch, first_pixel: Tensor, truncate: int, weights: LossSettings
    ) -> dict[str, Tensor]:
        """Run the network over a batch and compare it with the truth.

        Args:
            batch: the sequences.
            first_pixel: int64 `[2]`, row and column of the first pixel at which pointmaps are
                compared; others follow at `data.pixel_stride`.
            truncate: frames after which no gradient flows back through the state.
            weights: of the losses.
        """
        matches = self._find_matches(batch)
        terms = self._encoder_terms(batch, matches, weights)
        if weights.decode:
            terms |= self._decoder_terms(batch, first_pixel, matches, truncate, weights)
        total = sum(getattr(weights, name) * term for name, term in terms.items() if name[0] != "_")
        assert isinstance(total, Tensor)
        return {LOSS: total, **{name.lstrip("_"): term for name, term in terms.items()}}

    def _encoder_terms(
        self, batch: GeometryBatch, matches: list[tuple[Matches, Matches]], weights: LossSettings
    ) -> dict[str, Tensor]:
        """What is asked of the encoder alone, over all frames at once."""
        if not (weights.features or weights.depth):
            return {}
        supervision, frames = self.module.supervision, batch.images.shape[1]
        terms: dict[str, Tensor] = {}
        with self._computing():
            encoded = self.encoder.encode(batch.images.flatten(0, 1))
            if weights.depth:
                depth, valid = batch.depth.flatten(0, 1), batch.valid.flatten(0, 1)
                terms["depth"] = supervision.depth_loss(encoded, depth, valid)
            if weights.features:
                each = encoded.unflatten(0, (-1, frames)).unbind(1)
                losses = []
                for frame, (before, first) in enumerate(matches, 1):
                    pairs = [(frame - 1, before), *([(0, first)] if frame > 1 else [])]
                    losses += [
                        supervision.feature_loss(self.encoder, each[frame], each[other], found)
                        for other, found in pairs
                    ]
                terms["features"] = torch.stack(losses).mean()
        return terms

    def _decoder_terms(
        self,
        batch: GeometryBatch,
        first_pixel: Tensor,
        matches: list[tuple[Matches, Matches]],
        truncate: int,
        weights: LossSettings,
    ) -> dict[str, Tensor]:
        """What is asked of the whole network, frame after frame."""
        views = [view for view in _VIEWS if getattr(weights, f"points_{view}")]
        with self._computing(), self._watching(weights):
            outputs, tokens = self._run(batch, truncate, views)
        terms = self._pointmap_terms(batch, first_pixel, outputs, views)
        terms |= self._pose_terms(batch, outputs)
        with self._computing():
            terms |= self._correspondence_terms(tokens, matches, weights)
            if weights.motion:
                terms["motion"] = self.module.supervision.motion_loss(tokens, batch.step_motion)
        return terms

    def _computing(self) -> ExitStack:
        return computing(self.device, self.config.run.precision, short_attention=True)

    def _watching(self, weights: LossSettings) -> AbstractContextManager[None]:
        if weights.attention:
            return self.module.supervision.watching(self.encoder)
        return nullcontext()

    def _run(
        self, batch: GeometryBatch, truncate: int, views: list[str]
    ) -> tuple[list[GeometryOutput], list[FrameTokens]]:
        heads = [GeometryHead.POSE, *(_VIEWS[view] for view in views)]
        outputs, tokens = [], []
        state = self.encoder.initial_state(len(batch.images))
        for number, frame in enumerate(batch.images.unbind(1)):
            # In float32 the state loses nothing from step to step, and tokens are not padded.
            state = state.to(dtype=torch.float32)
            if number and number % truncate == 0:
                state = replace(state, tokens=state.tokens.detach(), memory=state.memory.detach())
            output, state = self.encoder.step(frame, state, heads)
            outputs.append(output)
            tokens.append(self.module.supervision.collect(output.patch_tokens, output.camera_token))
        return outputs, tokens

    def _pointmap_terms(
        self,
        batch: GeometryBatch,
        first_pixel: Tensor,
        outputs: list[GeometryOutput],
        views: list[str],
    ) -> dict[str, Tensor]:
        stride = self.config.data.pixel_stride
        rows, columns = (
            at + torch.arange(0, size - stride + 1, stride, device=at.device)
            for at, size in zip(first_pixel, batch.depth.shape[2:], strict=True)
        )

        def some(maps: Tensor) -> Tensor:
            return maps.index_select(2, rows).index_select(3, columns)

        # Errors count in proportion to the distance from the camera that took the frame.
        scale = some(batch.points_self).norm(dim=-1).clamp(min=_NEAREST)
        terms: dict[str, Tensor] = {}
        for view in views:
            points = torch.stack([getattr(o, f"points_{view}") for o in outputs], 1)
            confidence = torch.stack([getattr(o, f"confidence_{view}") for o in outputs], 1)
            loss, error = pointmap_loss(
                some(points),
                some(confidence),
                some(getattr(batch, f"points_{view}")),
                some(batch.valid),
                scale,
                self.config.losses.confidence,
            )
            terms |= {f"points_{view}": loss, f"_error_{view}": error}
        return terms

    def _pose_terms(self, batch: GeometryBatch, outputs: list[GeometryOutput]) -> dict[str, Tensor]:
        estimated = torch.stack([output.camera_to_world for output in outputs], 1)
        true = batch.T_world_camera
        said, moved = step_motion(estimated), batch.step_motion
        R, t = slice(None, 3), 3
        turned = rotation_angle(moved[..., R, R])
        missed = rotation_angle(moved[..., R, R].mT @ said.detach()[..., R, R])
        shift = (said.detach() - moved)[..., R, t].norm(dim=-1).sum()
        return {
            # Of a camera taken to stand still these two would be 1.
            "_turn_share": missed.sum() / turned.sum(),
            "_shift_share": shift / moved[..., R, t].norm(dim=-1).sum(),
            "rotation": rotation_loss(estimated[..., R, R], true[..., R, R]),
            "translation": translation_loss(estimated[..., R, t], true[..., R, t]),
            "step_rotation": rotation_loss(said[..., R, R], moved[..., R, R]),
            "step_translation": translation_loss(said[..., R, t], moved[..., R, t]),
        }

    def _find_matches(self, batch: GeometryBatch) -> list[tuple[Matches, Matches]]:
        """Where each frame's patches were in the one before and in the first; not of the first."""
        patch = self.encoder.config.patch_size
        found = []
        for frame in range(1, batch.images.shape[1]):
            before = find_matches(batch, frame, frame - 1, patch)
            found.append((before, find_matches(batch, frame, 0, patch) if frame > 1 else before))
        return found

    def _correspondence_terms(
        self,
        tokens: list[FrameTokens],
        matches: list[tuple[Matches, Matches]],
        weights: LossSettings,
    ) -> dict[str, Tensor]:
        supervision = self.module.supervision
        parts: dict[str, list[Tensor]] = {}

        def add(name: str, value: Tensor) -> None:
            parts.setdefault(name, []).append(value)

        if weights.attention:
            add("attention", supervision.attention_loss(tokens[0], None))
        for frame, (before, first) in enumerate(matches, 1):
            if weights.attention:
                add("attention", supervision.attention_loss(tokens[frame], before))
            if weights.flow or weights.visibility:
                flow, visibility, distance = supervision.flow_losses(
                    tokens[frame].decoded, (before, first)
                )
                add("flow", flow)
                add("visibility", visibility)
                add("_flow_error", distance)
        return {name: torch.stack(values).mean() for name, values in parts.items()}

    def evaluate(self) -> dict[str, float]:
        """Metrics on held-out rooms; see `Stage`."""
        assert self._evaluation is not None, "start() films the rooms"
        return self._evaluation.measure(self.encoder, self._computing)

    def export(self, folder: Path) -> None:
        """Write the encoder in the form of transformers."""
        self.encoder.save_pretrained(folder)

    def _take_over(self, path: Path) -> None:
        """Start from a checkpoint's averaged weights, or from an exported folder."""
        if path.is_dir():
            try:
                weights = GeometryEncoder.from_pretrained(path).state_dict()
            except (OSError, ValueError, RuntimeError) as error:
                raise TrainingError(f"init_from: {path}: cannot be read ({error})") from error
            missing = self.encoder.load_state_dict(weights, strict=False)
        else:
            weights = load_final_weights(path)
            missing = self.module.load_state_dict(weights, strict=False)
            # What exists in training only may begin anew.
            new = [name for name in missing.missing_keys if name.startswith("supervision.")]
            missing.missing_keys[:] = [n for n in missing.missing_keys if n not in new]
        if missing.missing_keys or missing.unexpected_keys:
            raise TrainingError(
                f"init_from: {path}: is of another network "
                f"({', '.join((missing.missing_keys + missing.unexpected_keys)[:3])})"
            )
