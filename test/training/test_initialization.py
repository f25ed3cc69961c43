import pytest
import torch

from vlm3r_ros.models.geometry import GeometryEncoder
from vlm3r_ros.training.geometry.correspondence import CorrespondenceSupervision
from vlm3r_ros.training.geometry.initialization import PLACE_DIMS
from vlm3r_ros.training.geometry.settings import ModelSettings
from vlm3r_ros.training.geometry.stage import build_encoder

NANO = ModelSettings("nano", {"state_size": 64, "memory_size": 8})
HEADS = ("pose", "self_points", "world_points")


@pytest.fixture(scope="module")
def encoder() -> GeometryEncoder:
    return build_encoder(NANO, 0)


@torch.no_grad()
def test_state_tokens_begin_by_looking_at_their_own_patch_and_patches_at_what_looks_alike(encoder):
    generator = torch.Generator().manual_seed(0)
    supervision = CorrespondenceSupervision(encoder.config, (8, 8))
    image = torch.rand(2, 3, 128, 128, generator=generator) * 2 - 1
    state = encoder.initial_state(2)
    for frame in (image, image.roll(16, 3)):  # everything moves one patch to the right
        with supervision.watching(encoder):
            output, state = encoder.step(frame, state)
            tokens = supervision.collect(output.patch_tokens, output.camera_token)
    (home,) = tokens.state_attention
    assert home.softmax(-1).diagonal(dim1=-2, dim2=-1).mean() > 0.8
    source = torch.arange(64).view(8, 8).roll(1, 1).flatten()
    for logits in tokens.image_attention:
        found = logits[:, 0].softmax(-1)[:, torch.arange(64), source]
        assert found.mean() > 5 / 64


@torch.no_grad()
def test_patches_begin_by_knowing_their_place_however_long_the_state_has_been_carried(encoder):
    generator = torch.Generator().manual_seed(0)
    state = encoder.initial_state(1)
    for _ in range(12):
        output, state = encoder.step(torch.rand(1, 3, 128, 128, generator=generator), state)
    places = torch.cartesian_prod(torch.arange(8), torch.arange(8)).float()
    told = output.patch_tokens[0, :, PLACE_DIMS // 2 : PLACE_DIMS]
    for axis in range(2):
        both = torch.stack((told[:, axis], places[:, axis]))
        assert torch.corrcoef(both)[0, 1] > 0.95


@torch.no_grad()
def test_the_pose_memory_begins_by_keeping_the_newest_camera_token(encoder):
    memory, dim = encoder.pose_memory, encoder.config.decoder_dim
    generator = torch.Generator().manual_seed(0)
    held = memory.tokens.expand(2, -1, -1)
    query = torch.randn(2, 1, dim, generator=generator)
    for _ in range(30):
        camera = torch.randn(2, 1, dim, generator=generator)
        held = memory.write(held, query, camera)
    assert torch.cosine_similarity(memory.read(held, query), camera, dim=-1).min() > 0.9


@torch.no_grad()
def test_answers_begin_with_a_camera_that_stands_before_a_wall(encoder):
    output, _ = encoder.step(torch.rand(1, 3, 128, 128), encoder.initial_state(1), HEADS)
    assert torch.allclose(output.camera_to_world, torch.eye(4)[None], atol=0.1)
    assert output.points_self is not None
    assert output.points_self[..., 2].mean().item() == pytest.approx(2, abs=0.4)


def test_the_same_seed_gives_the_same_weights_and_leaves_other_random_numbers_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    first, second, other = (build_encoder(NANO, seed) for seed in (3, 3, 4))
    assert torch.equal(torch.rand(1), expected)
    for name, weight in first.state_dict().items():
        assert torch.equal(weight, second.state_dict()[name])
    assert not torch.equal(first.patch_embed.weight, other.patch_embed.weight)
