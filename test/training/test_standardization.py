"""Standardized tokens: the same ones, moved and scaled."""

import torch
from transformers import SiglipVisionConfig, SiglipVisionModel

from vlm3r_ros.training.vision.standardization import standardize_tokens


def test_tokens_are_moved_and_scaled_and_nothing_else():
    torch.manual_seed(0)
    config = SiglipVisionConfig(
        hidden_size=24,
        intermediate_size=48,
        num_hidden_layers=3,
        num_attention_heads=2,
        image_size=32,
        patch_size=8,
        vision_use_head=False,
    )
    tower = SiglipVisionModel(config).eval()
    images = torch.rand(6, 3, 32, 32) * 2 - 1

    def tokens() -> torch.Tensor:
        with torch.no_grad():
            return tower.encoder(inputs_embeds=tower.embeddings(images)).last_hidden_state

    before = tokens()
    standardize_tokens(tower, images)
    after = tokens()
    assert after.flatten(0, 1).mean(0).abs().max() < 1e-4
    assert abs(float(after.square().mean()) - 1) < 1e-3
    centred = before - before.flatten(0, 1).mean(0)
    # The norms' epsilon is a larger share of a smaller stream.
    torch.testing.assert_close(after, centred / centred.square().mean().sqrt(), atol=2e-2, rtol=0)
