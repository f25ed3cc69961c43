"""Where instruction tuning starts: what looks where, and how large things are."""

import torch

from vlm3r_ros.models.fusion import SpatialVisualFusion
from vlm3r_ros.training.instruct.initialization import (
    call_several_as_one,
    copy_what_is_seen,
    look_at_own_place,
    tell_where_it_is,
)
from vlm3r_ros.training.instruct.network import build_network
from vlm3r_ros.training.instruct.settings import ModelSettings
from vlm3r_ros.training.settings import Precision
from vlm3r_ros.training.vision.filming import FilmTask, Patches, film
from vlm3r_ros.training.vision.settings import DataSettings
from vlm3r_ros.worlds.world import Split

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


def test_several_are_looked_for_by_the_name_of_one():
    network = build_network(ModelSettings(size="tiny", vocabulary=2048), 0, Precision.FLOAT32)
    words = network.model.language_model.get_input_embeddings().weight
    tokenizer = network.processor.tokenizer
    one, several = (tokenizer.encode(f"how many {name}")[-1] for name in ("chair", "chairs"))
    other = words[tokenizer.encode(" lamp")].clone()
    assert one != several
    assert not torch.equal(words[one], words[several])
    call_several_as_one(network)
    assert torch.equal(words[one], words[several])
    assert torch.equal(words[tokenizer.encode(" lamp")], other)


def test_visual_tokens_say_where_they_are_and_how_far():
    settings = ModelSettings(size="tiny", vocabulary=768, text={"hidden_size": 128})
    network = build_network(settings, 0, Precision.FLOAT32).eval()
    model = network.model
    # A trained tower's tokens know their place; random ones hardly do.
    torch.nn.init.normal_(model.vision_tower.embeddings.position_embedding.weight, std=2.0)
    size, patch = network.processor.image_size, model.config.vision_config.patch_size
    patches = Patches.concatenate(
        [
            film(FilmTask(Split.TRAIN, 0, room, 4, size, patch, DataSettings(), augment=False))
            for room in range(6)
        ]
    )
    words = model.language_model.get_input_embeddings().weight

    def told(word: str) -> torch.Tensor:
        """How much of a word is in each token `[F, rows, columns]`."""
        meaning = words[network.processor.tokenizer.encode(f" {word}")].mean(0)
        looks = [network.look(torch.from_numpy(patches.color[k : k + 4]), 1) for k in (0, 4, 8)]
        tokens = torch.cat(
            [model.project(model.fuse(o.vision, o.camera_tokens, o.patch_tokens)) for o in looks]
        )
        side = size // patch
        return (tokens @ meaning).unflatten(1, (side, side))

    with torch.no_grad():
        before = told("left")
        tell_where_it_is(network, patches)
        left, top = told("left"), told("top")
    assert left[..., 0].mean() > left[..., -1].mean() + before.std()
    assert top[:, 0].mean() > top[:, -1].mean() + before.std()
