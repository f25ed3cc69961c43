"""Heads that begin by looking at the frame that a question names.

"In frame 17 of 32 …": which of the visual tokens is meant is told by a number and by nothing that
a frame shows. A network learns that lookup late, and whatever is asked of a frame waits for it. It
is easy to arrange, however, where the videos of training have one length:

* the embedding of "frame 17" is made of waves, as a positional encoding is, with a direction that
  all such names share;
* a head of the first layer looks at what has that direction: each word behind it learns the name;
* in the next layers, a head has keys that are the same everywhere but for the rotary embedding, and
  queries by least squares from what the words now hold: they are turned so that the scores are
  highest in the frame that is named. In the layer that also looks at what is like a word, both
  count: "the chair of frame 17".

What words hold are the network's own hidden states, so that it can be done in the middle of a run.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from vlm3r_ros.training.instruct.corpus import FRAMES_WITH_NAMES
from vlm3r_ros.training.instruct.initialization import (
    least_squares,
    slow_numbers,
    word_embeddings,
)
from vlm3r_ros.training.instruct.network import FrameFeatures, InstructNetwork
from vlm3r_ros.training.instruct.packing import Turn

_NAMED_IN, _FOUND_IN = 0, range(1, 3)  # layers
_SHARED = 0.7  # of a name's embedding, the direction that all names have
_NAME_SIZE = 1.5  # times the size of other words' embeddings
_NAME_SCORE = 12.0  # by which a name stands out for the head that looks for it
_FRAME_SCORE = 0.8  # by which a frame stands out, for each frequency
_KEY = 3.0
_SHORTEST = 1.5  # frames: of the waves that are compared
_RIDGE = 1e-3  # of the hidden states' variance
_HELD_OUT = 4  # every so manieth session measures and does not fit


@dataclass(frozen=True)
class Addressing:
    """How well words find the frame that was named before them, in sessions not fitted to.

    Attributes:
        exact: share that would look at that very frame.
        near: at that or one next to it.
    """

    exact: float
    near: float


@dataclass(frozen=True, eq=False)
class _Words:
    """Question words behind the name of a single frame.

    Attributes:
        hidden: what goes into a layer `[W, H]`.
        back: tokens from the middle of the named frame up to the word `[W]`.
        frame: which is named, from 0 `[W]`.
        session: number of the session `[W]`.
    """

    hidden: Tensor
    back: Tensor
    frame: Tensor
    session: Tensor


@torch.no_grad()
def address_frames(
    network: InstructNetwork, sessions: Sequence[tuple[FrameFeatures, Sequence[Turn]]]
) -> Addressing:
    """Arrange the heads, see the module's text; of the first layer in which frames are found.

    Args:
        network: changed in place; its tokenizer has names of frames.
        sessions: `_HELD_OUT` or more, all of one number of keyframes, with questions of which most
            are asked at the end.
    """
    _make_names(network)
    count = len(network.model.language_model.model.layers)
    frames = len(sessions[0][0].vision)
    found = [
        _find_frames(network, layer, _collect(network, sessions, layer), frames)
        for layer in range(_FOUND_IN.start, min(_FOUND_IN.stop, count))
    ]
    return found[0]


def _name_ids(network: InstructNetwork) -> list[int]:
    tokenizer = network.processor.tokenizer
    names = [f"frame {number}" for number in range(1, FRAMES_WITH_NAMES + 1)]
    return cast(list[int], tokenizer.convert_tokens_to_ids(names))


def _frequencies(network: InstructNetwork) -> tuple[list[int], Tensor]:
    """Numbers of the rotary frequencies that tell frames apart, and these in radians a token.

    The slower half belongs to what is alike (`copy_what_is_seen`).
    """
    model = network.model
    turning = cast(Tensor, model.language_model.model.rotary_emb.inv_freq)
    shortest = _SHORTEST * model.tokens_per_frame
    used = [
        number
        for number in range(len(turning) // 2)
        if 2 * math.pi / float(turning[number]) >= shortest
    ]
    return used, turning[used]


def _make_names(network: InstructNetwork) -> None:
    """Embed frames' names as waves, and let the first layer spread them."""
    model = network.model
    language_model = model.language_model
    embeddings = word_embeddings(language_model)
    layer = language_model.model.layers[_NAMED_IN]
    attention = layer.self_attn
    head_dim, hidden = attention.head_dim, embeddings.shape[1]
    slow = slow_numbers(head_dim)
    _, _, directions = torch.linalg.svd(attention.k_proj.weight[slow], full_matrices=False)
    shared = directions[0]
    _, turning = _frequencies(network)
    count = 2 * len(turning)
    others = torch.nn.init.orthogonal_(embeddings.new_empty(count + 1, hidden))
    others -= (others @ shared)[:, None] * shared
    waves = torch.linalg.qr(others[:count].T).Q.T
    size = _NAME_SIZE * embeddings.norm(dim=1).mean()
    for number, token in enumerate(_name_ids(network), 1):
        angle = turning * model.tokens_per_frame * number
        code = torch.cat((angle.cos(), angle.sin())) / math.sqrt(len(turning))
        own = math.sqrt(1 - _SHARED**2)
        embeddings[token] = size * (_SHARED * shared + own * code @ waves)
    # Of the heads that share the first keys, the second one; it asks for names wherever it is.
    rows = slice(head_dim, 2 * head_dim)
    attention.q_proj.weight[rows] = 0
    attention.q_proj.bias[rows] = 0
    normed = _SHARED * shared * math.sqrt(hidden) * layer.input_layernorm.weight
    key = attention.k_proj.weight[slow] @ normed + attention.k_proj.bias[slow]
    gain = _NAME_SCORE * math.sqrt(head_dim) / key.square().sum()
    attention.q_proj.bias[head_dim + slow] = gain * key


def _collect(
    network: InstructNetwork,
    sessions: Sequence[tuple[FrameFeatures, Sequence[Turn]]],
    layer: int,
) -> _Words:
    model = network.model
    names = {token: number for number, token in enumerate(_name_ids(network))}
    caught: list[Tensor] = []
    norm = model.language_model.model.layers[layer].input_layernorm
    hook = norm.register_forward_hook(lambda _module, _inputs, output: caught.append(output[0]))
    hidden, back, frame, owner = [], [], [], []
    try:
        for session, (features, turns) in enumerate(sessions):
            frames = len(features.vision)
            last = [turn for turn in turns if turn.frames == frames]
            prefix = network.prefix(features)
            packed = network.pack(last, frames)
            caught.clear()
            network.read([prefix], [packed])
            begin = len(prefix) - frames * model.tokens_per_frame
            named: set[int] = set()
            chosen = []
            places = zip(packed.ids.tolist(), packed.positions.tolist(), strict=True)
            for number, (token, position) in enumerate(places):
                if position == len(prefix):
                    named = set()
                if token in names:
                    named.add(names[token])
                if len(named) == 1:
                    (which,) = named
                    middle = begin + (which + 0.5) * model.tokens_per_frame
                    chosen.append(number)
                    back.append(position - middle)
                    frame.append(which)
                    owner.append(session)
            hidden.append(caught[0][len(prefix) :][chosen].float())
    finally:
        hook.remove()
    return _Words(torch.cat(hidden), torch.tensor(back), torch.tensor(frame), torch.tensor(owner))


def _find_frames(network: InstructNetwork, layer: int, words: _Words, frames: int) -> Addressing:
    """Let the first head of a layer look at the named frame, as well as the words allow."""
    used, turning = _frequencies(network)
    turning = turning.cpu()
    angle = words.back[:, None] * turning
    target = torch.cat((angle.cos(), -angle.sin()), -1)
    fitted = words.session % _HELD_OUT != 0
    states = words.hidden.cpu()
    weight, bias = least_squares(states[fitted], target[fitted], _RIDGE)
    attention = network.model.language_model.model.layers[layer].self_attn
    half = attention.head_dim // 2
    gain = _FRAME_SCORE * math.sqrt(attention.head_dim) / _KEY
    for number, low in enumerate(used):
        for part, row in enumerate((low, low + half)):
            attention.k_proj.weight[row] = 0
            attention.k_proj.bias[row] = _KEY * (1 - part)
            attention.q_proj.weight[row] = gain * weight[number + part * len(used)]
            attention.q_proj.bias[row] = gain * bias[number + part * len(used)]
    # How far from each word every frame's middle is, and which of them would be looked at.
    said = states[~fitted] @ weight.T + bias
    real, imaginary = said.chunk(2, -1)
    step = network.model.tokens_per_frame
    named = words.frame[~fitted]
    to_frames = words.back[~fitted][:, None] + (named[:, None] - torch.arange(frames)) * step
    turned = to_frames[..., None] * turning
    scores = (real[:, None] * turned.cos() - imaginary[:, None] * turned.sin()).sum(-1)
    missed = (scores.argmax(-1) - named).abs()
    return Addressing(float((missed == 0).float().mean()), float((missed <= 1).float().mean()))
