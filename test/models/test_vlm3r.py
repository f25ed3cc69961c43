import copy

import pytest
import torch
import torch.nn.functional as F
from transformers import DynamicCache

from vlm3r_ros.models import Vlm3rForConditionalGeneration, build_model
from vlm3r_ros.models.prompts import (
    chat_prompt,
    image_question,
    plain_question,
    split_at_image,
    video_question,
)


@pytest.fixture
def input_ids(processor):
    return processor.tokenize(chat_prompt(video_question("Where is the sofa?")))


def with_options(model, **options):
    """The same weights under other options of the configuration."""
    config = copy.deepcopy(model.config)
    for name, value in options.items():
        setattr(config, name, value)
    other = Vlm3rForConditionalGeneration(config).eval()
    other.load_state_dict(model.state_dict())
    return other


def test_every_stage_has_its_documented_shape(model, pixels):
    frames, hidden = len(pixels), model.config.text_config.hidden_size
    vision_dim = model.config.vision_config.hidden_size
    geometry_dim = model.config.geometry_config.decoder_dim
    vision = model.encode_vision(pixels)
    camera, patches, state = model.encode_geometry(pixels)
    fused = model.fuse(vision, camera, patches)
    projected = model.project(fused)
    pooled = model.pool(projected)
    tokens = model.add_newlines(pooled)
    assert vision.shape == fused.shape == (frames, 16, vision_dim)
    assert camera.shape == (frames, 1, geometry_dim)
    assert patches.shape == (frames, 16, geometry_dim)
    assert state.step.tolist() == [frames]
    assert projected.shape == (frames, 16, hidden)
    assert pooled.shape == (frames, 4, hidden)
    assert tokens.shape == (frames, 6, hidden)
    assert model.tokens_per_frame == 6
    torch.testing.assert_close(model.frame_tokens(pixels, camera, patches), tokens)
    torch.testing.assert_close(model.visual_prefix(pixels), tokens.flatten(0, 1))


def test_vision_tower_ends_before_its_norm(model, pixels):
    hidden = model.vision_tower(pixels, output_hidden_states=True).hidden_states[-1]
    torch.testing.assert_close(model.encode_vision(pixels), hidden)
    normed = model.vision_tower.post_layernorm(hidden)
    assert (normed - hidden).abs().max() > 0.1


def test_frames_one_by_one_equal_frames_together(model, pixels):
    camera, patches, _ = model.encode_geometry(pixels)
    together = model.frame_tokens(pixels, camera, patches)
    state, parts = None, []
    for frame in pixels.split(1):
        camera, patches, state = model.encode_geometry(frame, state)
        parts.append(model.frame_tokens(frame, camera, patches))
    torch.testing.assert_close(torch.cat(parts), together, rtol=1e-4, atol=1e-5)


def test_geometry_sees_the_frames_at_its_own_size(model, pixels):
    larger = with_options(model, geometry_image_size=96)
    resized = larger.geometry_pixels(pixels)
    expected = F.interpolate(pixels, size=(96, 96), mode="bilinear", align_corners=False)
    torch.testing.assert_close(resized, expected)
    assert larger.encode_geometry(pixels)[1].shape[1] == 36
    assert model.geometry_pixels(pixels) is pixels
    assert larger.visual_prefix(pixels).shape == model.visual_prefix(pixels).shape


def test_spatial_features_choose_what_the_fusion_sees(model, pixels):
    vision = model.encode_vision(pixels)
    camera, patches, _ = model.encode_geometry(pixels)
    both = model.fuse(vision, camera, patches)
    listed = with_options(model, spatial_features="camera_tokens,patch_tokens")
    assert torch.equal(listed.fuse(vision, camera, patches), both)
    for name, tokens in (("camera_tokens", camera), ("patch_tokens", patches)):
        chosen = with_options(model, spatial_features=name).fuse(vision, camera, patches)
        torch.testing.assert_close(chosen, model.fusion(vision, tokens))
        assert (chosen - both).abs().max() > 1e-4
    alone = with_options(model, spatial_features="none").fuse(vision, camera, patches)
    assert torch.equal(alone, vision)


@pytest.mark.parametrize(
    ("position", "length"), [("grid", 30), ("frame", 25), ("one_token", 21), ("no_token", 20)]
)
def test_newline_position_sets_the_length(model, pixels, position, length):
    other = with_options(model, newline_position=position)
    prefix = other.visual_prefix(pixels)
    assert len(prefix) == length
    newlines = (prefix == other.image_newline).all(dim=-1).nonzero().flatten().tolist()
    expected = {
        "grid": list(range(2, 30, 3)),
        "frame": list(range(4, 25, 5)),
        "one_token": [20],
        "no_token": [],
    }
    assert newlines == expected[position]


def test_visual_tokens_stand_in_place_of_the_placeholder(model, processor, pixels, input_ids):
    visual = model.visual_prefix(pixels)
    embeds = model.embed_prompt(input_ids, visual)
    at = input_ids.tolist().index(-200)
    assert len(embeds) == len(input_ids) - 1 + len(visual)
    assert torch.equal(embeds[:at], model.embed_text(input_ids[:at]))
    assert torch.equal(embeds[at : at + len(visual)], visual)
    assert torch.equal(embeds[at + len(visual) :], model.embed_text(input_ids[at + 1 :]))


def test_several_placeholders_take_one_unpooled_image_each(model, processor, pixels):
    ids = processor.tokenize(chat_prompt(image_question("What is it?", len(pixels))))
    embeds = model.prompt_embeds(ids, pixels)[0]
    visual = model.visual_prefix(pixels, modality="image")
    assert len(visual) == len(pixels) * 4 * 5
    assert len(embeds) == len(ids) - len(pixels) + len(visual)
    first = ids.tolist().index(-200)
    assert torch.equal(embeds[first : first + 20], visual[:20])
    # A line break stands between two images.
    assert torch.equal(embeds[first + 20], model.embed_text(ids[first + 1]))
    assert torch.equal(embeds[first + 21 : first + 41], visual[20:40])


@pytest.mark.parametrize(
    ("text", "frames", "message"),
    [
        ("no placeholder", 5, "0 image placeholders for 30 visual tokens"),
        ("<image> a <image> b <image> c <image>", 5, "4 image placeholders for 30"),
    ],
)
def test_placeholders_that_do_not_match_are_refused(
    model, processor, pixels, text, frames, message
):
    with pytest.raises(ValueError, match=message):
        model.embed_prompt(processor.tokenize(text), model.visual_prefix(pixels[:frames]))


def test_placeholder_without_frames_is_refused(model, input_ids):
    with pytest.raises(ValueError, match="1 image placeholders for 0 visual tokens"):
        model.generate(input_ids, max_new_tokens=2)
    with pytest.raises(ValueError, match="input_ids"):
        model.generate(max_new_tokens=2)


@pytest.mark.parametrize("shape", [(3, 64, 64), (1, 3, 32, 32), (1, 1, 64, 64), (0, 3, 64, 64)])
def test_pixels_of_another_shape_are_refused(model, shape):
    with pytest.raises(ValueError, match="pixel_values"):
        model.visual_prefix(torch.zeros(shape))


def test_one_kind_of_geometry_tokens_alone_is_refused(model, pixels):
    camera, _, _ = model.encode_geometry(pixels)
    with pytest.raises(ValueError, match="both"):
        model.visual_prefix(pixels, camera_tokens=camera)


def test_generation_is_the_argmax_of_forward(model, input_ids, pixels):
    generated = model.generate(input_ids, pixels, max_new_tokens=6, min_new_tokens=6)
    embeds = model.prompt_embeds(input_ids, pixels)
    expected = []
    for _ in range(6):
        logits = model(inputs_embeds=embeds).logits[0, -1]
        logits[model.config.text_config.eos_token_id] = -torch.inf
        expected.append(int(logits.argmax()))
        embeds = torch.cat((embeds, model.embed_text(torch.tensor([expected[-1:]]))), dim=1)
    assert generated.tolist() == [expected]


def test_generation_stops_after_the_end_token(model, input_ids, pixels):
    free = model.generate(input_ids, pixels, max_new_tokens=4, min_new_tokens=4)[0].tolist()
    stopped = model.generate(input_ids, pixels, max_new_tokens=4, eos_token_id=free[0])
    assert stopped.tolist() == [free[:1]]


def test_suffix_on_a_kept_prefix_equals_the_whole_prompt(model, processor, pixels):
    prompt = chat_prompt(video_question("Which is nearer?", ["the sofa", "the door"]))
    prefix, suffix = map(processor.tokenize, split_at_image(prompt))
    whole = model(processor.tokenize(prompt)[None], pixel_values=pixels).logits
    cache = DynamicCache(config=model.config.text_config)
    for embeds in (model.embed_text(prefix), *model.visual_prefix(pixels).split(7)):
        model(inputs_embeds=embeds[None], past_key_values=cache, use_cache=True, logits_to_keep=1)
    start = cache.get_seq_length()
    positions = torch.arange(start, start + len(suffix))
    embeds = model.embed_text(suffix)[None]
    last = model(
        inputs_embeds=embeds,
        past_key_values=cache,
        cache_position=positions,
        use_cache=True,
        logits_to_keep=1,
    ).logits
    assert last.shape[1] == 1
    torch.testing.assert_close(last, whole[:, -1:], rtol=1e-4, atol=1e-4)
    cache.crop(-len(suffix))
    again = model(
        inputs_embeds=embeds,
        past_key_values=cache,
        position_ids=positions[None],
        use_cache=True,
    ).logits
    torch.testing.assert_close(again, whole[:, -len(suffix) :], rtol=1e-4, atol=1e-4)


def test_known_geometry_tokens_give_the_same_answer(model, input_ids, pixels):
    camera, patches, _ = model.encode_geometry(pixels)
    given = model.generate(
        input_ids, pixels, camera_tokens=camera, patch_tokens=patches, max_new_tokens=5
    )
    assert torch.equal(given, model.generate(input_ids, pixels, max_new_tokens=5))


@pytest.mark.parametrize("size", ["tiny", "nano"])
def test_random_weights_tell_images_and_questions_apart(size):
    model, processor = build_model(size)
    model.eval()
    generator = torch.Generator().manual_seed(0)
    side = processor.image_size
    noise = torch.rand(2, 3, side, side, generator=generator) * 2 - 1
    ids = [
        processor.tokenize(chat_prompt(plain_question(question)))[None]
        for question in ("Where is the sofa?", "How many chairs are there?")
    ]
    first = model(ids[0], pixel_values=noise[:1], logits_to_keep=1).logits
    other_image = model(ids[0], pixel_values=noise[1:], logits_to_keep=1).logits
    other_question = model(ids[1], pixel_values=noise[:1], logits_to_keep=1).logits
    assert 0.1 < first.std() < 10
    assert (first - other_image).abs().max() > 0.02
    assert (first - other_question).abs().max() > 0.02


def test_save_and_load_round_trip(model, input_ids, pixels, tmp_path):
    model.save_pretrained(tmp_path)
    assert (tmp_path / "model.safetensors").is_file()
    loaded = Vlm3rForConditionalGeneration.from_pretrained(tmp_path, local_files_only=True).eval()
    ours, theirs = model.state_dict(), loaded.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert any(name.startswith("geometry_encoder.") for name in ours)
    expected = model(input_ids, pixel_values=pixels).logits
    torch.testing.assert_close(loaded(input_ids, pixel_values=pixels).logits, expected)
    for part in ("vision_config", "geometry_config", "text_config"):
        assert getattr(loaded.config, part).to_diff_dict() == (
            getattr(model.config, part).to_diff_dict()
        )


def test_bfloat16_stays_close_to_float32(model, input_ids, pixels):
    half = copy.deepcopy(model).to(torch.bfloat16)
    logits = half(input_ids, pixel_values=pixels, logits_to_keep=1).logits
    assert logits.dtype == torch.bfloat16
    expected = model(input_ids, pixel_values=pixels, logits_to_keep=1).logits
    similarity = F.cosine_similarity(logits.float().flatten(), expected.flatten(), dim=0)
    assert similarity > 0.99
    assert half.generate(input_ids, pixels, max_new_tokens=2).shape[0] == 1


def test_a_loss_reaches_fusion_projector_and_newline(pixels, input_ids):
    model, _ = build_model("tiny")
    with torch.enable_grad():
        embeds = model.prompt_embeds(input_ids, pixels)
        labels = torch.full(embeds.shape[:2], -100)
        labels[0, -3:] = torch.tensor([5, 6, 7])
        loss = model(inputs_embeds=embeds, labels=labels).loss
        loss.backward()
    for parameter in (
        model.fusion.attention_in.weight,
        model.projector[0].weight,
        model.image_newline,
        model.geometry_encoder.patch_embed.weight,
        model.vision_tower.embeddings.patch_embedding.weight,
    ):
        assert parameter.grad is not None
        assert parameter.grad.abs().max() > 0
    with pytest.raises(ValueError, match="labels need inputs_embeds"):
        model(input_ids, pixel_values=pixels, labels=input_ids)


def test_cameras_are_placed_only_where_there_is_a_readout(model, pixels, tmp_path):
    camera, _, _ = model.encode_geometry(pixels)
    poses = torch.eye(4).repeat(len(pixels), 1, 1)
    poses[:, 0, 3] = torch.arange(len(pixels))
    assert model.place_cameras(camera, poses) is camera

    placing = copy.deepcopy(model)
    placing.add_pose_readout().fit(torch.randn(300, 1, camera.shape[-1]), torch.randn(300, 4, 4))
    placed = placing.place_cameras(camera, poses)
    assert not torch.allclose(placed, camera)
    placing.save_pretrained(tmp_path)
    loaded = Vlm3rForConditionalGeneration.from_pretrained(tmp_path)
    torch.testing.assert_close(loaded.place_cameras(camera, poses), placed)
    loaded.keep_geometry_only()
    torch.testing.assert_close(loaded.place_cameras(camera, poses), placed)
