from dataclasses import fields

import pytest
import torch

from vlm3r_ros.models.geometry import (
    GeometryEncoder,
    GeometryEncoderConfig,
    GeometryHead,
    GeometryState,
)

TINY = {
    "patch_size": 16,
    "encoder_dim": 32,
    "encoder_depth": 2,
    "encoder_heads": 2,
    "decoder_dim": 24,
    "decoder_depth": 4,
    "decoder_heads": 2,
    "state_decoder_heads": 3,
    "state_size": 10,
    "memory_size": 6,
    "memory_heads": 4,
    "dpt_feature_dim": 16,
    "dpt_last_dim": 8,
    "dpt_layer_dims": (4, 6, 8, 10),
    "dpt_hooks": (0, 2, 3, 4),
    "pose_head_hidden": 32,
    "final_transform_heads": 2,
}


def build(seed: int = 0, **overrides: object) -> GeometryEncoder:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return GeometryEncoder(GeometryEncoderConfig(**(TINY | overrides))).eval()


def frames(count: int, height: int = 48, width: int = 64, batch: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(7)
    return torch.rand(count, batch, 3, height, width, generator=generator) * 2 - 1


@pytest.fixture(scope="module")
def encoder() -> GeometryEncoder:
    return build()


@pytest.fixture(autouse=True)
def no_grad():
    with torch.inference_mode():
        yield


def run(encoder, images, state=None, **options):
    state = state or encoder.initial_state(images.shape[1])
    outputs = []
    for image in images:
        output, state = encoder.step(image, state, **options)
        outputs.append(output)
    return outputs, state


def tensors(state: GeometryState) -> list[torch.Tensor]:
    return [getattr(state, field.name) for field in fields(state)]


def assert_same_state(a: GeometryState, b: GeometryState, **tolerance: float) -> None:
    for left, right in zip(tensors(a), tensors(b), strict=True):
        torch.testing.assert_close(left, right, **tolerance)


def test_heads_are_computed_only_when_asked_for(encoder):
    image = frames(1)[0]
    nothing, _ = encoder.step(image, encoder.initial_state(1))
    pose, _ = encoder.step(image, encoder.initial_state(1), ["pose"])
    everything, _ = encoder.step(image, encoder.initial_state(1), list(GeometryHead))

    assert nothing.pose_encoding is None
    assert nothing.points_self is None
    assert pose.pose_encoding is not None
    assert pose.points_world is None
    assert all(getattr(everything, field.name) is not None for field in fields(everything))
    torch.testing.assert_close(nothing.patch_tokens, everything.patch_tokens, rtol=0, atol=0)


@pytest.mark.parametrize(("height", "width"), [(48, 64), (64, 48), (80, 80), (16, 16)])
def test_any_multiple_of_the_patch_size_works(encoder, height, width):
    image = frames(1, height, width)[0]
    output, _ = encoder.step(image, encoder.initial_state(1), list(GeometryHead))

    assert output.grid == (height // 16, width // 16)
    assert output.patch_tokens.shape == (1, output.grid[0] * output.grid[1], 24)
    assert output.points_self.shape == output.points_world.shape == (1, height, width, 3)
    assert output.confidence_self.shape == (1, height, width)
    assert output.confidence_self.min() >= 1


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((1, 3, 40, 64), "multiples of 16"),
        ((1, 3, 0, 64), "multiples of 16"),
        ((1, 1, 48, 64), r"\[B, 3, H, W\]"),
        ((3, 48, 64), r"\[B, 3, H, W\]"),
        ((2, 3, 48, 64), "2 images for a state of 1"),
    ],
)
def test_an_unsuitable_image_is_refused_by_name(encoder, shape, message):
    with pytest.raises(ValueError, match=message):
        encoder.step(torch.zeros(shape), encoder.initial_state(1))


def test_an_unknown_output_is_refused(encoder):
    with pytest.raises(ValueError, match="normals"):
        encoder.step(frames(1)[0], encoder.initial_state(1), ["normals"])


def test_a_step_leaves_its_input_state_alone(encoder):
    _, state = run(encoder, frames(2))
    before = [tensor.clone() for tensor in tensors(state)]
    encoder.step(frames(3)[2], state)
    for old, now in zip(before, tensors(state), strict=True):
        assert torch.equal(old, now)


def test_the_same_state_and_image_give_the_same_step_again(encoder):
    _, state = run(encoder, frames(2))
    image = frames(3)[2]
    first, after_first = encoder.step(image, state)
    second, after_second = encoder.step(image, state)
    assert torch.equal(first.patch_tokens, second.patch_tokens)
    assert_same_state(after_first, after_second, rtol=0, atol=0)


def test_what_was_seen_before_matters(encoder):
    images = frames(3)
    (_, _, after_two), _ = run(encoder, images)
    (alone,), _ = run(encoder, images[2:])
    assert not torch.allclose(after_two.camera_token, alone.camera_token, atol=1e-3)


def test_state_size_does_not_grow_with_the_stream(encoder):
    _, after_one = run(encoder, frames(1))
    _, after_many = run(encoder, frames(12))
    assert [t.shape for t in tensors(after_one)] == [t.shape for t in tensors(after_many)]
    assert after_many.step.tolist() == [12]


def test_sequences_of_a_batch_do_not_see_each_other(encoder):
    images = frames(3, batch=2)
    together, state = run(encoder, images)
    for element in range(2):
        alone, _ = run(encoder, images[:, element : element + 1])
        torch.testing.assert_close(
            together[-1].patch_tokens[element : element + 1],
            alone[-1].patch_tokens,
            rtol=1e-4,
            atol=1e-5,
        )
    assert state.step.tolist() == [3, 3]


def test_update_mask_keeps_the_state_of_its_element_only(encoder):
    images = frames(2, batch=2)
    _, state = run(encoder, images[:1])
    _, masked = encoder.step(images[1], state, update=torch.tensor([True, False]))
    _, plain = encoder.step(images[1], state)

    torch.testing.assert_close(masked.tokens[0], plain.tokens[0])
    assert torch.equal(masked.tokens[1], state.tokens[1])
    assert torch.equal(masked.memory[1], state.memory[1])


def test_reset_mask_returns_its_element_to_the_initial_state_after_the_frame(encoder):
    images = frames(2, batch=2)
    _, state = run(encoder, images[:1])
    output, after = encoder.step(images[1], state, reset=torch.tensor([False, True]))
    plain, kept = encoder.step(images[1], state)
    initial = encoder.initial_state(2)

    assert torch.equal(output.patch_tokens, plain.patch_tokens)
    torch.testing.assert_close(after.tokens[0], kept.tokens[0])
    torch.testing.assert_close(after.tokens[1], initial.tokens[1])
    torch.testing.assert_close(after.memory[1], initial.memory[1])
    assert after.fresh.tolist() == [False, True]


def test_gated_update_takes_the_first_frame_whole_and_less_of_the_next():
    replace, gated = build(state_update="replace"), build(state_update="gated")
    images = frames(2)
    _, replaced = run(replace, images[:1])
    _, first = run(gated, images[:1])
    assert_same_state(replaced, first)

    _, whole = replace.step(images[1], first)
    _, mixed = gated.step(images[1], first)
    torch.testing.assert_close(mixed.memory, whole.memory)  # the pose memory is not gated
    share = (mixed.tokens - first.tokens).norm() / (whole.tokens - first.tokens).norm()
    assert 0.05 < share < 0.95


def test_gate_is_the_sigmoid_of_the_mean_attention_logit():
    gated = build(state_update="gated")
    _, state = run(gated, frames(1))
    image = frames(2)[1]
    logits: list[torch.Tensor] = []

    def remember_logits(module, inputs, _output):
        x, context, rotary, context_rotary, *_ = inputs
        query = rotary.rotate(module.query(x).unflatten(-1, (module.heads, -1)))
        key = context_rotary.rotate(module.key(context).unflatten(-1, (module.heads, -1)))
        scores = torch.einsum("bnhd,bmhd->bhnm", query, key) / query.shape[-1] ** 0.5
        logits.append(scores.mean(dim=(1, 3)))

    hooks = [
        block.cross_attention.register_forward_hook(remember_logits)
        for block in gated.state_decoder
    ]
    trace: dict = {}
    _, mixed = gated.step(image, state, trace=trace)
    for hook in hooks:
        hook.remove()

    gate = torch.sigmoid(torch.stack(logits).mean(0))[..., None]
    expected = gate * trace["state_layers"][-1] + (1 - gate) * state.tokens
    torch.testing.assert_close(mixed.tokens, expected, rtol=1e-4, atol=1e-5)


def test_pose_is_a_rigid_transform(encoder):
    outputs, _ = run(encoder, frames(4), outputs=[GeometryHead.POSE])
    for output in outputs:
        T_world_camera = output.camera_to_world[0]
        rotation = T_world_camera[:3, :3]
        torch.testing.assert_close(rotation @ rotation.T, torch.eye(3), rtol=1e-5, atol=1e-5)
        assert torch.linalg.det(rotation) > 0
        assert T_world_camera[3].tolist() == [0, 0, 0, 1]
        assert output.pose_encoding[0, 3] >= 0


def test_camera_to_world_says_what_is_missing(encoder):
    output, _ = encoder.step(frames(1)[0], encoder.initial_state(1))
    with pytest.raises(ValueError, match="POSE"):
        _ = output.camera_to_world


def test_linear_head_sees_nothing_behind_the_camera():
    encoder = build(head="linear")
    outputs, _ = run(encoder, frames(2), outputs=list(GeometryHead))
    assert all((output.points_self[..., 2] >= 0).all() for output in outputs)
    assert (outputs[0].points_world[..., 2] < 0).any()


def test_bfloat16_stays_close_to_float32():
    outputs, _ = run(build(), frames(3), outputs=[GeometryHead.POSE])
    rough, state = run(build().bfloat16(), frames(3), outputs=[GeometryHead.POSE])
    assert state.tokens.dtype == torch.bfloat16
    assert rough[-1].pose_encoding.dtype == torch.float32
    torch.testing.assert_close(
        rough[-1].patch_tokens.float(), outputs[-1].patch_tokens, rtol=0.05, atol=0.08
    )


def test_save_and_load_give_the_same_network(encoder, tmp_path):
    encoder.save_pretrained(tmp_path)
    assert (tmp_path / "model.safetensors").is_file()
    loaded = GeometryEncoder.from_pretrained(tmp_path)
    assert loaded.config.dpt_layer_dims == encoder.config.dpt_layer_dims
    image = frames(1)[0]
    expected, _ = encoder.step(image, encoder.initial_state(1), list(GeometryHead))
    output, _ = loaded.step(image, loaded.initial_state(1), list(GeometryHead))
    assert torch.equal(expected.points_world, output.points_world)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ({"encoder_heads": 3}, "encoder: width 32 over 3 heads"),
        ({"state_decoder_heads": 4}, "state_decoder: width 24 over 4 heads"),
        ({"memory_heads": 5}, "memory: width 48"),
        ({"dpt_hooks": (0, 2, 3, 9)}, "four layers out of 0..4"),
        ({"patch_size": 14}, "16 pixels a patch"),
        ({"head": "mlp"}, "mlp"),
        ({"state_update": "sometimes"}, "sometimes"),
        ({"reset_interval": 1}, "reset_interval is 1"),
    ],
)
def test_an_impossible_configuration_is_refused_by_name(override, message):
    with pytest.raises(ValueError, match=message):
        GeometryEncoderConfig(**(TINY | override))
