"""Where instruction tuning starts: what looks where, and how large things are."""

import torch

from vlm3r_ros.models.fusion import SpatialVisualFusion
from vlm3r_ros.training.instruct.initialization import copy_what_is_seen, look_at_own_place
from vlm3r_ros.training.instruct.network import build_network
from vlm3r_ros.training.instruct.settings import ModelSettings
from vlm3r_ros.training.settings import Precision

SIDE = 6


def tokens_that_know_their_place(dim: int, seed: int) -> torch.Tensor:
    """Tokens `[8, N, dim]`: a mixture of row, column and much else."""
    generator = torch.Generator().manual_seed(seed)
    places = torch.cartesian_prod(torch.arange(SIDE), torch.arange(SIDE)).float() / SIDE - 0.5
    waves = torch.cat([(k * places).sin() for k in (1, 2, 4, 6)], -1)
    mixed = waves @ torch.randn(waves.shape[1], dim, generator=generator)
    return 2 * mixed + 0.3 * torch.randn(8, SIDE**2, dim, generator=generator)


def test_image_tokens_look_at_the_geometry_of_their_own_place():
    torch.manual_seed(0)
    fusion = SpatialVisualFusion(dim=48, spatial_dim=32, heads=2, dropout=0).eval()
    visual, spatial = tokens_that_know_their_place(48, 1), tokens_that_know_their_place(32, 2)

    def at_home() -> float:
        with torch.no_grad():
            _, attention = fusion(visual, spatial, return_attention=True)
        return float(attention.diagonal(dim1=1, dim2=2).mean())

    assert at_home() < 2 / SIDE**2
    look_at_own_place(fusion, visual, spatial)
    # One of the two heads looks there.
    assert at_home() > 5 / SIDE**2


def test_a_word_looks_at_where_it_stood_before():
    network = build_network(ModelSettings(size="tiny", vocabulary=512), 0, Precision.FLOAT32)
    language_model = network.model.language_model
    copy_what_is_seen(language_model)
    assert torch.equal(language_model.lm_head.weight, language_model.model.embed_tokens.weight)
    language_model.set_attn_implementation("eager")
    ids = torch.arange(300, 320)[None]
    ids[0, -1] = ids[0, 5]
    with torch.no_grad():
        attention = language_model(input_ids=ids, output_attentions=True).attentions[0]
    before = attention[0, 0, -1, :-1]
    assert int(before.argmax()) == 5
    assert float(before[5]) > 3 * float(before.median())
