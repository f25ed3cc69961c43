"""The vision tower with the heads that exist in training only."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import SiglipVisionConfig, SiglipVisionModel

from vlm3r_ros.models.sizes import SIZES
from vlm3r_ros.training.errors import ConfigError
from vlm3r_ros.training.vision.filming import CLASSES
from vlm3r_ros.training.vision.settings import ModelSettings

_RARE = -4.0  # logit


@dataclass
class PatchOutput:
    """What the heads say of each patch.

    Attributes:
        classes: logits of which class a pixel of it shows `[B, N, C]`.
        presence: logits of which categories it shows at all `[B, N, C - 1]`.
        embedding: of length 1 `[B, N, E]`; alike where two patches show one thing.
        log_depth: logarithm of the depth of its middle in metres `[B, N]`.
    """

    classes: Tensor
    presence: Tensor
    embedding: Tensor
    log_depth: Tensor


class PatchNetwork(nn.Module):
    """A SigLIP tower whose patch tokens, not normed, as the whole model takes them, feed heads.

    Args:
        tower: the vision tower.
        embedding_dim: width of the embedding.
    """

    def __init__(self, tower: SiglipVisionModel, embedding_dim: int) -> None:
        super().__init__()
        dim = tower.config.hidden_size
        self.tower = tower
        self.norm = nn.LayerNorm(dim)
        self.classes = nn.Linear(dim, len(CLASSES))
        self.presence = nn.Linear(dim, len(CLASSES) - 1)
        self.embedding = nn.Linear(dim, embedding_dim)
        self.log_depth = nn.Linear(dim, 1)
        # Few patches show any one category.
        nn.init.constant_(self.presence.bias, _RARE)

    def forward(self, images: Tensor) -> PatchOutput:
        """Look at images `[B, 3, S, S]` in [-1, 1]."""
        embedded = self.tower.embeddings(images)
        tokens = self.norm(self.tower.encoder(inputs_embeds=embedded).last_hidden_state)
        return PatchOutput(
            self.classes(tokens),
            self.presence(tokens),
            F.normalize(self.embedding(tokens).float(), dim=-1),
            self.log_depth(tokens)[..., 0],
        )


def build_network(settings: ModelSettings, seed: int) -> PatchNetwork:
    """A randomly weighted network; the same seed gives the same weights.

    Raises:
        ConfigError: there is no such size, or a setting of the tower is unknown or wrong.
    """
    if settings.size not in SIZES:
        raise ConfigError(f"model.size is {settings.size!r}; there are {', '.join(SIZES)}")
    values = SIZES[settings.size].build_config().vision_config.to_dict()
    unknown = sorted(set(settings.vision) - set(values))
    if unknown:
        raise ConfigError(f"model.vision.{unknown[0]} is no setting of the vision tower")
    try:
        config = SiglipVisionConfig(**(values | dict(settings.vision)))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = PatchNetwork(SiglipVisionModel(config), settings.embedding_dim)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"model.vision: {error}") from error
    # The model leaves the norm after the last layer out.
    network.tower.post_layernorm.requires_grad_(False)
    return network
