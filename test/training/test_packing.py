import pytest
import torch

from vlm3r_ros.models.registry import build_model
from vlm3r_ros.training.instruct.decoding import write_answers
from vlm3r_ros.training.instruct.network import InstructNetwork
from vlm3r_ros.training.instruct.packing import IGNORED, Turn, pack

FRAMES = 5
CPU = torch.device("cpu")


def some_turns(count: int = 9) -> list[Turn]:
    generator = torch.Generator().manual_seed(0)

    def ids(least: int, most: int) -> tuple[int, ...]:
        length = int(torch.randint(least, most, (), generator=generator))
        return tuple(torch.randint(3, 500, (length,), generator=generator).tolist())

    seen = (5, 2, 5, 3, 2, 5, 4, 5, 3)
    return [Turn(ids(5, 90), ids(1, 6), seen[number]) for number in range(count)]


@pytest.fixture(scope="module")
def network() -> InstructNetwork:
    return InstructNetwork(*build_model("tiny"), train_vision=True).eval()


@pytest.fixture(scope="module")
def prefix(network) -> torch.Tensor:
    count = len(network._header) + FRAMES * network.model.tokens_per_frame
    return torch.randn(count, 48, generator=torch.Generator().manual_seed(1)) * 0.3


def read_alone(network, prefix, turn: Turn) -> torch.Tensor:
    """Logits for one question by the model's own forward, as evaluation and robots call it."""
    visible = len(network._header) + turn.frames * network.model.tokens_per_frame
    words = network.model.embed_text(torch.tensor(turn.question + turn.answer))
    network.model.language_model.set_attn_implementation("grouped_sdpa")
    embeds = torch.cat((prefix[:visible], words))[None]
    logits = network.model(inputs_embeds=embeds).logits[0, visible:]
    network.model.language_model.set_attn_implementation("packed")
    return logits


def test_packed_losses_and_gradients_are_those_of_questions_asked_one_by_one(network, prefix):
    turns = some_turns()
    packed = network.pack(turns, FRAMES)
    assert len(packed.packing.chunks) >= 4
    start = prefix.clone().requires_grad_()
    network.answer_losses(start, packed).mean().backward()
    weight = network.model.language_model.model.layers[0].self_attn.k_proj.weight
    together = (start.grad.clone(), weight.grad.clone())
    network.zero_grad()
    alone = prefix.clone().requires_grad_()
    losses = []
    for turn in turns:
        logits = read_alone(network, alone, turn)
        said = logits[len(turn.question) - 1 : -1]
        losses.append(
            torch.nn.functional.cross_entropy(said, torch.tensor(turn.answer), reduction="none")
        )
    expected = torch.cat([losses[number] for number in packed.order])
    assert torch.allclose(network.answer_losses(prefix, packed), expected, atol=1e-4)
    expected.mean().backward()
    assert torch.allclose(together[0], alone.grad, atol=1e-5)
    assert torch.allclose(together[1], weight.grad, atol=1e-5)
    assert together[0].abs().max() > 1e-4


def test_only_answers_are_learned_and_each_token_by_the_one_before():
    turns = [Turn((7, 8, 9), (1, 2), 2), Turn((5, 6), (3,), 1)]
    packed = pack(turns, 4, 10, 2, CPU)
    assert packed.order == (1, 0)
    assert packed.ids.tolist() == [5, 6, 3, 7, 8, 9, 1, 2]
    assert packed.labels.tolist() == [IGNORED, 3, IGNORED, IGNORED, IGNORED, 1, 2, IGNORED]
    assert packed.positions.tolist() == [14, 15, 16, 24, 25, 26, 27, 28]
    assert packed.ends.tolist() == [2, 7]
    assert [chunk.visible for chunk in packed.packing.chunks] == [14, 24]


def test_a_question_does_not_hear_another_one_or_see_later_frames(network, prefix):
    turns = some_turns()
    packed = network.pack(turns, FRAMES)
    losses = network.answer_losses(prefix, packed)
    other = [turns[0], *(Turn(t.question[::-1], t.answer, t.frames) for t in turns[1:])]
    first = packed.order.index(0)
    lengths = [len(turns[number].answer) for number in packed.order]
    changed = network.answer_losses(prefix, network.pack(other, FRAMES))
    assert torch.allclose(losses.split(lengths)[first], changed.split(lengths)[first], atol=1e-5)
    assert not torch.allclose(losses, changed, atol=1e-3)
    later = prefix.clone()
    later[len(network._header) + 2 * network.model.tokens_per_frame :] = 0
    early = [turn for turn in turns if turn.frames == 2]
    kept = network.answer_losses(later, network.pack(early, FRAMES))
    assert torch.allclose(kept, network.answer_losses(prefix, network.pack(early, FRAMES)))


def test_written_answers_are_those_of_one_question_at_a_time(network, prefix):
    turns = some_turns(4)
    written = write_answers(network, prefix, turns, FRAMES, max_new_tokens=4)
    end = network.processor.tokenizer.eos_token_id
    for turn, answer in zip(turns, written, strict=True):
        alone: list[int] = []
        while len(alone) < 4:
            so_far = Turn(turn.question + tuple(alone), (), turn.frames)
            token = int(read_alone(network, prefix, so_far)[-1].argmax())
            if token == end:
                break
            alone.append(token)
        assert answer == alone


def test_sessions_side_by_side_are_tracked_as_each_by_itself(network):
    generator = torch.Generator().manual_seed(0)
    sessions = [
        torch.randint(256, (length, 64, 64, 3), generator=generator).to(torch.uint8)
        for length in (2, 4, 3)
    ]
    together = network.track(sessions)
    for frames, tokens in zip(sessions, together, strict=True):
        camera, patches, _ = network.model.encode_geometry(network.processor.frames(frames.numpy()))
        assert torch.allclose(tokens.camera, camera, atol=1e-5)
        assert torch.allclose(tokens.patches, patches, atol=1e-5)


def test_what_cannot_be_packed_is_refused():
    with pytest.raises(ValueError, match="no questions"):
        pack([], 4, 10, 2, CPU)
    with pytest.raises(ValueError, match="3 frames of 2"):
        pack([Turn((1,), (2,), 3)], 4, 10, 2, CPU)
