"""Questions that name a frame look at it, before anything was learned."""

from random import Random

import pytest
import torch
from transformers.models.qwen2.modeling_qwen2 import apply_rotary_pos_emb

from vlm3r_ros.training.config import ConfigError, parse
from vlm3r_ros.training.instruct.addressing import address_frames
from vlm3r_ros.training.instruct.initialization import copy_what_is_seen
from vlm3r_ros.training.instruct.network import FrameFeatures, InstructNetwork, build_network
from vlm3r_ros.training.instruct.packing import Turn
from vlm3r_ros.training.instruct.settings import ModelSettings, Phase
from vlm3r_ros.training.settings import Precision

FRAMES = 8
TEXT = {"hidden_size": 128, "num_attention_heads": 4, "num_key_value_heads": 2}


@pytest.fixture(scope="module")
def network() -> InstructNetwork:
    settings = ModelSettings(size="tiny", vocabulary=600, text=TEXT)
    network = build_network(settings, 0, Precision.FLOAT32).eval()
    torch.manual_seed(0)
    copy_what_is_seen(network.model.language_model)
    return network


def sessions(network: InstructNetwork) -> list[tuple[FrameFeatures, list[Turn]]]:
    """Frames of noise with questions about one of them each."""
    random, generator = Random(0), torch.Generator().manual_seed(0)
    made = []
    for _ in range(8):
        size = network.processor.image_size
        frames = torch.randint(256, (FRAMES, size, size, 3), generator=generator).byte()
        turns = []
        for _ in range(24):
            text = f" In frame {random.randint(1, FRAMES)} of {FRAMES}, where is the chair?"
            turns.append(Turn(tuple(network.processor.tokenize(text).tolist()), (5,), FRAMES))
        with torch.no_grad():
            made.append((network.look(frames, 1), turns))
    return made


def test_words_behind_a_frames_name_look_at_that_frame(network):
    torch.manual_seed(0)
    asked = sessions(network)
    addressing = address_frames(network, asked)
    assert addressing.exact > 0.5  # by chance, one in eight
    assert addressing.near > 0.8
    features, turns = asked[0]
    named = torch.tensor([frame_named(network, turn) for turn in turns])
    shares = torch.stack([attention_by_frame(network, features, turn) for turn in turns])
    # The head also looks at what is like a word, which in noise is any frame, but the same one
    # whatever the name: what counts is how names move the attention.
    by_name = torch.stack([shares[named == frame][0] for frame in named.unique()]).log()
    moved = (by_name - by_name.mean(0)).argmax(1)
    near = (moved - named.unique()).abs() <= 1
    assert float(near.float().mean()) > 0.8  # by chance, a third


def frame_named(network: InstructNetwork, turn: Turn) -> int:
    words = network.processor.tokenizer.convert_ids_to_tokens(list(turn.question))
    (number,) = [int(word.split()[1]) for word in words if word.startswith("frame ")]
    return number - 1


def attention_by_frame(
    network: InstructNetwork, features: FrameFeatures, turn: Turn
) -> torch.Tensor:
    """Of a question's last word, in the first head of the second layer `[FRAMES]`."""
    model = network.model.language_model.model
    layer = model.layers[1].self_attn
    caught: list[torch.Tensor] = []
    hook = model.layers[1].input_layernorm.register_forward_hook(
        lambda _module, _inputs, output: caught.append(output[0])
    )
    with torch.no_grad():
        prefix = network.prefix(features)
        packed = network.pack([turn], FRAMES)
        network.read([prefix], [packed])
        hook.remove()
        positions = torch.cat((torch.arange(len(prefix)), packed.positions))[None]
        cos, sin = model.rotary_emb(caught[0][None], positions)
        heads = (
            projection(caught[0])[None, None, :, : layer.head_dim]
            for projection in (layer.q_proj, layer.k_proj)
        )
        query, key = (x[0, 0] for x in apply_rotary_pos_emb(*heads, cos, sin))
        attention = (query[-1] @ key[: len(prefix)].T / layer.head_dim**0.5).softmax(-1)
    begin = len(prefix) - FRAMES * network.model.tokens_per_frame
    return attention[begin:].reshape(FRAMES, -1).sum(-1)


def test_sessions_of_several_lengths_cannot_be_addressed():
    phase = {"until": 4, "videos": 1, "frames": [4, 8], "questions": 4, "addressed": True}
    with pytest.raises(ConfigError, match="it must be one length"):
        parse(phase, Phase)
