import math

import pytest
import torch
import torch.nn.functional as F

from vlm3r_ros.models.geometry.layers import CrossAttention
from vlm3r_ros.models.geometry.rotary import RotaryTable, grid_positions
from vlm3r_ros.training.geometry.correspondence import (
    AttentionProbe,
    CorrespondenceSupervision,
    FrameTokens,
)
from vlm3r_ros.training.geometry.ground_truth import Matches
from vlm3r_ros.training.geometry.settings import ModelSettings
from vlm3r_ros.training.geometry.stage import build_encoder

TINY = ModelSettings("tiny", {"state_size": 4, "memory_size": 4})


def all_visible(place: torch.Tensor) -> Matches:
    seen = torch.ones(place.shape[:2], dtype=torch.bool)
    return Matches(place, seen, seen)


@pytest.fixture
def supervision() -> CorrespondenceSupervision:
    torch.manual_seed(0)
    return CorrespondenceSupervision(build_encoder(TINY, 0).config, (2, 2))


def test_a_probe_reads_the_logits_that_attention_uses():
    torch.manual_seed(0)
    attention = CrossAttention(16, heads=1)
    sink: list[torch.Tensor] = []
    probe = AttentionProbe(attention, sink)
    x, context = torch.randn(2, 4, 16), torch.randn(2, 6, 16)
    tables = [RotaryTable.build(grid_positions(2, n), 1, 16, 100.0, torch.float32) for n in (2, 3)]
    out = attention(x, context, *tables)
    probe.remove()
    attention(x, context, *tables)
    (logits,) = sink
    value = attention.value(context)
    assert torch.allclose(attention.proj(logits[:, 0].softmax(-1) @ value), out, atol=1e-5)


def test_attention_that_goes_to_the_right_tokens_costs_nothing(supervision):
    shifted = torch.tensor([[[0.0, 1], [0, 0], [1, 1], [1, 0]]])  # columns change places
    right = torch.zeros(1, 1, 4, 4)
    for patch, token in enumerate((1, 0, 3, 2)):
        right[0, 0, patch, token] = 50.0
    home = 50 * torch.eye(4)[None, None]
    unused = torch.zeros(1, 4, 32)
    good = FrameTokens(unused, unused, [right], [home])
    bad = FrameTokens(unused, unused, [home], [right])
    matches = all_visible(shifted)
    assert supervision.attention_loss(good, matches).item() == pytest.approx(0, abs=1e-6)
    assert supervision.attention_loss(bad, matches).item() == pytest.approx(50, rel=0.01)
    assert supervision.attention_loss(good, None).item() == pytest.approx(0, abs=1e-6)


def test_collected_logits_are_those_of_patches_and_their_state_tokens():
    encoder = build_encoder(TINY, 0)
    supervision = CorrespondenceSupervision(encoder.config, (2, 2))
    image = torch.rand(3, 3, 32, 32)
    plain, _ = encoder.step(image, encoder.initial_state(3))
    with supervision.watching(encoder):
        output, _ = encoder.step(image, encoder.initial_state(3))
        tokens = supervision.collect(output.patch_tokens, output.camera_token)
    assert torch.equal(output.patch_tokens, plain.patch_tokens)
    assert [t.shape for t in tokens.image_attention] == [(3, 1, 4, 4)] * 2
    assert [t.shape for t in tokens.state_attention] == [(3, 1, 4, 4)]
    sum(t.sum() for t in tokens.image_attention + tokens.state_attention).backward()
    assert encoder.image_decoder[0].cross_attention.key.weight.grad.abs().sum() > 0
    encoder.step(image, encoder.initial_state(3))
    again = supervision.collect(output.patch_tokens, output.camera_token)
    assert not again.image_attention


def test_features_that_differ_find_their_own_copies(supervision):
    torch.manual_seed(1)
    encoder = build_encoder(TINY, 0)
    encoded = 3 * torch.randn(1, 4, 32)
    same = all_visible(supervision.patch_places[None])
    swapped = all_visible(supervision.patch_places.flip(0)[None])
    loss = supervision.feature_loss(encoder, encoded, encoded, same)
    assert loss < 0.9 * math.log(4)
    assert supervision.feature_loss(encoder, encoded, encoded, swapped) > math.log(4)


def test_feature_logits_are_those_of_a_state_that_remembers():
    encoder = build_encoder(TINY, 0)
    supervision = CorrespondenceSupervision(encoder.config, (2, 2))
    images = torch.rand(2, 3, 32, 32) * 2 - 1
    with torch.no_grad():
        state = encoder.initial_state(1)
        for image in images.split(1):
            with supervision.watching(encoder):
                output, state = encoder.step(image, state)
                tokens = supervision.collect(output.patch_tokens, output.camera_token)
        before, now = encoder.encode(images).split(1)
        predicted = supervision.feature_logits(encoder, now, before)
    a, b = (
        logits.flatten() - logits.mean() for logits in (predicted[0], tokens.image_attention[0])
    )
    assert torch.cosine_similarity(a, b, dim=0) > 0.7


def test_depth_loss_by_hand(supervision):
    for parameter in supervision.depth.parameters():
        torch.nn.init.zeros_(parameter)
    depth = torch.full((1, 32, 32), math.e)
    depth[0, 0, 0] = 0
    loss = supervision.depth_loss(torch.zeros(1, 4, 32), depth, depth > 0)
    assert loss.item() == pytest.approx(1)


def test_flow_losses_by_hand(supervision):
    for parameter in supervision.flow.parameters():
        torch.nn.init.zeros_(parameter)
    # Answers: to the frame before one column to the left, to the first nowhere; surely visible.
    supervision.flow.fc2.bias.data = torch.tensor([0.0, -1, 9, 0, 0, 9])
    home = supervision.patch_places[None]
    before = all_visible(home + torch.tensor([0.0, -1]))
    first = all_visible(home + torch.tensor([3.0, 4]))
    flow, visibility, distance = supervision.flow_losses(torch.zeros(1, 4, 32), (before, first))
    assert flow.item() == pytest.approx((0.01 + 5) / 2, rel=1e-3)
    assert visibility.item() == pytest.approx(F.softplus(torch.tensor(-9.0)).item(), rel=1e-3)
    assert distance.item() == pytest.approx(0, abs=1e-6)


def test_a_camera_token_that_tells_the_motion_costs_nothing(supervision):
    for parameter in supervision.motion.parameters():
        torch.nn.init.zeros_(parameter)
    half = math.tan(0.1)  # of a turn by 0.2 rad about x
    supervision.motion.fc2.bias.data = torch.tensor([0.3, 0.0, 0.4, half, 0.0, 0.0])
    unused = torch.zeros(2, 4, 32)
    tokens = [FrameTokens(unused, torch.zeros(2, 1, 32)) for _ in range(3)]
    moved = torch.eye(4).repeat(2, 2, 1, 1)
    moved[..., :3, 3] = torch.tensor([0.3, 0.0, 0.4])
    moved[..., 1:3, 1:3] = torch.tensor(
        [[math.cos(0.2), -math.sin(0.2)], [math.sin(0.2), math.cos(0.2)]]
    )
    assert supervision.motion_loss(tokens, moved).item() == pytest.approx(0, abs=0.01)
    standing = torch.eye(4).repeat(2, 2, 1, 1)
    # Half a metre against standing still counts as against 0.15 m, 0.2 rad as against 0.1 rad.
    expected = 0.5 / 0.15 + 0.2 / 0.1
    assert supervision.motion_loss(tokens, standing).item() == pytest.approx(expected, rel=0.05)


def test_a_state_without_a_token_for_every_patch_is_refused():
    config = build_encoder(TINY, 0).config
    with pytest.raises(ValueError, match="every patch needs a state token"):
        CorrespondenceSupervision(config, (3, 3))
