"""Teaches what questions speak of besides their answers: where to look, and what can be read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from vlm3r_ros.training.errors import ConfigError
from vlm3r_ros.training.instruct.grounding import (
    Grounding,
    ShownThings,
    VectorKind,
    ground,
)
from vlm3r_ros.training.instruct.lesson import Lesson
from vlm3r_ros.training.instruct.looking import Looking
from vlm3r_ros.training.instruct.mentions import MentionFinder, OptionFinder
from vlm3r_ros.training.instruct.network import InstructNetwork
from vlm3r_ros.training.instruct.packing import Turn
from vlm3r_ros.training.instruct.probes import Probes
from vlm3r_ros.training.instruct.settings import GroundingSettings

POSES = "poses"


@dataclass(frozen=True, eq=False)
class Judgement:
    """How far off the network is in what is taught besides answers.

    Attributes:
        loss: sum of all losses by their weights.
        metrics: each loss, and how much of the attention of the best head goes where it should.
    """

    loss: Tensor
    metrics: dict[str, Tensor]


class GroundingTeacher:
    """Watches a network that answers questions, as `grounding` of a configuration wants it.

    Args:
        settings: what is taught.
        network: that learns.
        seed: of the weights of the probes.

    Raises:
        ConfigError: the language model has no such heads or layers.
    """

    def __init__(self, settings: GroundingSettings, network: InstructNetwork, seed: int) -> None:
        _check(settings, network)
        self._settings = settings
        self._network = network
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.probes = Probes(network.model.config.text_config.hidden_size)
            """Learn along with the network; they are no part of what is shipped."""

    def build_ground(self) -> Callable[[Sequence[Turn], ShownThings], Grounding]:
        """Build what finds of what a session's questions speak; for worker processes."""
        model, tokenizer = self._network.model, self._network.processor.tokenizer
        return partial(
            ground,
            named=MentionFinder(tokenizer),
            offered=OptionFinder(tokenizer),
            positions=model.patch_positions.flatten().numpy(),
            tokens_per_frame=model.tokens_per_frame,
        )

    def watch(self, lessons: Sequence[Lesson]) -> Looking | None:
        """What the network has to be shown to; None where lessons do not tell what they show."""
        groundings = [one.grounding for one in lessons if one.grounding is not None]
        if len(groundings) < len(lessons):
            return None
        turns = [one.turns for one in lessons]
        frames = [len(one.geometry.camera) for one in lessons]
        return self._network.watch(turns, groundings, frames, self._settings.watched)

    def judge(self, lessons: Sequence[Lesson], visual: Tensor, looking: Looking) -> Judgement:
        """Compare what the network looked at and made of it with the truth.

        Args:
            lessons: that it has read.
            visual: what the language model reads of their keyframes `[F, T, H]`.
            looking: of `watch`, shown the network's pass.
        """
        settings = self._settings
        losses: dict[str, Tensor] = {kind: looking.loss(kind) for kind in looking.kinds}
        if settings.poses:
            poses = torch.cat([one.poses for one in lessons if one.poses is not None])
            losses[POSES] = self.probes.pose_loss(visual, poses)
        for kind in VectorKind:
            if settings.vector_weights[kind]:
                words, truth = looking.vectors(kind)
                hidden = looking.hidden[settings.vector_layers[kind]][words]
                losses[kind] = self.probes.vector_loss(kind, hidden, truth)
        weights = {POSES: settings.poses, **settings.look_weights, **settings.vector_weights}
        weighted = [weights[name] * loss for name, loss in losses.items()]
        found = {f"{kind}_found": looking.found(kind) for kind in looking.kinds}
        return Judgement(
            torch.stack(weighted).sum() if weighted else visual.new_zeros(()),
            {name: loss.detach() for name, loss in losses.items()} | found,
        )


def _check(settings: GroundingSettings, network: InstructNetwork) -> None:
    text = network.model.config.text_config
    layers, heads = text.num_hidden_layers, text.num_attention_heads
    has = f"the language model has {layers} layers of {heads} heads"
    for kind, watched in settings.watched.items():
        for layer, head in watched:
            if layer >= layers or head >= heads:
                raise ConfigError(
                    f"grounding.heads_{kind}: there is no head {head} in layer {layer}, counted "
                    f"from 0; {has}"
                )
    for name in ("places_after", "relations_after", "told_after"):
        if getattr(settings, name) > layers:
            raise ConfigError(f"grounding.{name} is {getattr(settings, name)}; {has}")
