from dataclasses import replace

import numpy as np
import pytest
import torch
from test_sessions import DATA, TASK

from vlm3r_ros.models.registry import build_model
from vlm3r_ros.training.instruct.corpus import question_tokenizer
from vlm3r_ros.training.instruct.grounding import (
    Looks,
    MentionFinder,
    ShownThings,
    VectorKind,
    WordVectors,
    cell_shares,
    find_looks,
    mean_log_depths,
)
from vlm3r_ros.training.instruct.looking import Looking, LookingSession
from vlm3r_ros.training.instruct.network import InstructNetwork
from vlm3r_ros.training.instruct.packing import Turn
from vlm3r_ros.training.instruct.probes import Probes
from vlm3r_ros.training.instruct.sessions import film_session

FRAMES, STEP = 3, 6
POSITIONS = np.array([0, 1, 3, 4])  # two rows of two, each with a newline behind it


@pytest.fixture(scope="module")
def tokenizer():
    return question_tokenizer(2048)


@pytest.fixture(scope="module")
def finder(tokenizer) -> MentionFinder:
    return MentionFinder(tokenizer)


def shown() -> ShownThings:
    """A chair in the first cell of frame 1 and the last two of frame 2, a table in frame 2."""
    shares = np.zeros((FRAMES, 2, 4), np.float32)
    shares[0, 0, 0] = 0.5
    shares[1, 0, 2:] = 0.6, 0.2
    shares[1, 1, 1] = 0.3
    depths = np.zeros((FRAMES, 2), np.float32)
    depths[0, 0], depths[1] = 0.5, (1.0, 2.0)
    poses = np.tile(np.eye(4, dtype=np.float32), (3, 1, 1))
    poses[2, :3, 3] = 1, 2, 3
    return ShownThings(("chair", "table"), shares, depths, poses)


def looks_of(text: str, tokenizer, finder, frames: int = FRAMES) -> dict[str, dict[int, float]]:
    """By the words up to the looking token, the share of each visual token."""
    ids = tokenizer.encode(text)
    looks = find_looks([Turn(tuple(ids), (), frames)], shown(), finder, POSITIONS, STEP)
    assert (looks.turn == 0).all()
    found: dict[str, dict[int, float]] = {}
    for number, token in enumerate(looks.token.tolist()):
        own = looks.owner == number
        shares = looks.share[own].tolist()
        assert sum(shares) == pytest.approx(1)
        said = tokenizer.decode(ids[: token + 1])
        found[said] = dict(zip(looks.target[own].tolist(), shares, strict=True))
    return found


def test_cells_show_the_share_of_their_pixels():
    instance = np.full((8, 8), -1, np.int32)
    instance[:4, 4:] = 1
    instance[6:, :2] = 0
    shares = cell_shares(instance, 3, 2)
    assert shares.tolist() == [[0, 0, 0.25, 0], [0, 1, 0, 0], [0, 0, 0, 0]]


def test_a_name_looks_for_the_thing_in_all_frames_until_one_is_named(tokenizer, finder):
    found = looks_of("Is the chair in frame 2 of 3 near the table or the chair?", tokenizer, finder)
    assert found == {
        "Is the chair": pytest.approx({0: 0.5 / 1.3, 9: 0.6 / 1.3, 10: 0.2 / 1.3}),
        "Is the chair in frame 2": pytest.approx({9: 0.75, 10: 0.25}),
        "Is the chair in frame 2 of 3 near the table": {7: 1.0},
        "Is the chair in frame 2 of 3 near the table or the chair": pytest.approx(
            {9: 0.75, 10: 0.25}
        ),
    }


def test_a_frame_is_looked_at_as_a_whole_where_nothing_was_named(tokenizer, finder):
    found = looks_of("From frame 1 to frame 3 of 3, how far?", tokenizer, finder)
    assert found == {
        "From frame 1": dict.fromkeys([0, 1, 3, 4], 0.25),
        "From frame 1 to frame 3": dict.fromkeys([12, 13, 15, 16], 0.25),
    }


def test_places_and_offsets_are_known_at_names_and_motions_at_second_frames(tokenizer, finder):
    texts = (
        "In frame 2 of 3, is the table left of the chair?",
        "From frame 1 to frame 3, how far?",
    )
    turns = [Turn(tuple(tokenizer.encode(text)), (), FRAMES) for text in texts]
    looks = find_looks(turns, shown(), finder, POSITIONS, STEP)
    ids = turns[0].question
    places, offsets = (looks.vectors[kind] for kind in (VectorKind.PLACES, VectorKind.OFFSETS))
    assert places.turn.tolist() == [0, 0]
    assert [tokenizer.decode(ids[: token + 1]) for token in places.token] == [
        "In frame 2 of 3, is the table",
        "In frame 2 of 3, is the table left of the chair",
    ]
    table, chair = np.array([0.5, -0.5, 2.0]), np.array([-0.25, 0.5, 1.0])
    np.testing.assert_allclose(places.vector, [table, chair], rtol=1e-6)
    assert offsets.token.tolist() == places.token[1:].tolist()
    np.testing.assert_allclose(offsets.vector, [chair - table], rtol=1e-6)
    motions = looks.vectors[VectorKind.MOTIONS]
    (token,) = motions.token
    assert motions.turn.tolist() == [1]
    assert tokenizer.decode(turns[1].question[: token + 1]) == "From frame 1 to frame 3"
    np.testing.assert_allclose(motions.vector, [[1, 2, 3]])


def test_what_takes_two_can_be_told_at_the_end_of_a_question(tokenizer, finder):
    texts = (
        "In frame 2 of 3, is the table left of the chair?",
        "From frame 1 to frame 3, far?",
        "In frame 2 of 3, where is the table?",
    )
    turns = [Turn(tuple(tokenizer.encode(text)), (7, 8), FRAMES) for text in texts]
    looks = find_looks(turns, shown(), finder, POSITIONS, STEP)
    offsets, motions = (
        looks.vectors[kind] for kind in (VectorKind.TOLD_OFFSETS, VectorKind.TOLD_MOTIONS)
    )
    assert offsets.turn.tolist() == [0]
    assert offsets.token.tolist() == [len(turns[0].question) - 1]
    np.testing.assert_allclose(offsets.vector, [[-0.75, 1, -1]], rtol=1e-6)
    assert motions.turn.tolist() == [1]
    assert motions.token.tolist() == [len(turns[1].question) - 1]
    np.testing.assert_allclose(motions.vector, [[1, 2, 3]])


def test_depths_are_those_of_a_things_pixels():
    instance = np.array([[-1, 0], [2, 2]], np.int32)
    depth = np.array([[np.inf, 2.0], [1.0, 4.0]], np.float32)
    expected = [np.log(2), 0, np.log(2)]
    np.testing.assert_allclose(mean_log_depths(instance, depth, 3), expected, rtol=1e-6)


def test_what_is_not_shown_or_not_yet_seen_is_not_looked_for(tokenizer, finder):
    text = "The sofa, the table; the chair in frame 2"
    found = looks_of(text, tokenizer, finder, frames=1)
    assert found == {"The sofa, the table; the chair": {0: 1.0}}


def test_names_of_several_words_and_plurals_are_found(tokenizer, finder):
    ids = tokenizer.encode("a trash bin, two bookshelves and the washing machine of frame 12")
    assert [mention for _, mention in finder.find(ids)] == [
        "trash bin",
        "bookshelf",
        "washing machine",
        11,
    ]


def test_sessions_tell_what_their_keyframes_show():
    task = replace(TASK, weights=DATA.weights, cells=4, index=5)
    session = film_session(task)
    told = session.shown
    assert told is not None
    count = len(session.keyframes)
    assert told.shares.shape == (count, len(told.names), 16)
    assert told.poses.shape == (count, 4, 4)
    np.testing.assert_allclose(told.poses[0], np.eye(4), atol=1e-6)
    assert np.abs(told.poses[-1] - np.eye(4)).max() > 0.05
    assert told.shares.sum(1).max() <= 1 + 1e-6
    scene = session.moments[-1].drafts
    assert scene is not None
    for description in session.descriptions:
        for name, _ in description.things:
            rows = [other == name for other in told.names]
            assert told.shares[description.number - 1, rows].sum() > 0


def some_looks(turns: list[Turn], frames: int, positions: np.ndarray, step: int) -> Looks:
    """Every third token of each question looks at one or two tokens of frames it has seen."""
    random = np.random.default_rng(0)
    rows = [(n, k) for n, turn in enumerate(turns) for k in range(1, len(turn), 3)]
    targets, owners, shares = [], [], []
    for owner, (number, _) in enumerate(rows):
        seen = (np.arange(turns[number].frames)[:, None] * step + positions).ravel()
        chosen = random.choice(seen, 2, replace=False)
        targets += chosen.tolist()
        owners += [owner, owner]
        shares += [0.7, 0.3]
    turn, token = np.array(rows).T
    motion = random.normal(size=(len(turns), 3)).astype(np.float32)
    return Looks(
        turn,
        token,
        np.array(owners),
        np.array(targets),
        np.array(shares, np.float32),
        {
            kind: WordVectors(np.arange(len(turns)), np.arange(len(turns)) + place, motion + place)
            for place, kind in enumerate(VectorKind)
        },
    )


@pytest.fixture(scope="module")
def network() -> InstructNetwork:
    return InstructNetwork(*build_model("tiny")).eval()


def asked_sessions(network) -> tuple[list[list[Turn]], list[Looks], list[int], list[torch.Tensor]]:
    generator = torch.Generator().manual_seed(0)
    turns, looks, frames, visual = [], [], [4, 5], []
    model = network.model
    positions, step = model.patch_positions.flatten().numpy(), model.tokens_per_frame
    for count in frames:
        own = []
        for number in range(5):
            ids = torch.randint(3, 500, (8 + 3 * number,), generator=generator).tolist()
            own.append(Turn(tuple(ids), (7, 8), 2 + number % (count - 1)))
        turns.append(own)
        looks.append(some_looks(own, count, positions, step))
        width = model.config.text_config.hidden_size
        visual.append(torch.randn(count, step, width, generator=generator) * 0.3)
    return turns, looks, frames, visual


def test_the_loss_is_that_of_the_model_asked_one_by_one(network):
    turns, looks, frames, visual = asked_sessions(network)
    heads = [(0, 1), (1, 0)]
    looking = network.watch(turns, looks, frames, heads)
    with torch.no_grad():
        network.side_by_side(visual, turns, looking)
        language_model = network.model.language_model
        language_model.set_attn_implementation("eager")
        header, step = len(network._header), network.model.tokens_per_frame
        expected = []
        for own, look, tokens in zip(turns, looks, visual, strict=True):
            prefix = network._behind_header(tokens)
            for number, turn in enumerate(own):
                visible = header + turn.frames * step
                words = network.model.embed_text(torch.tensor(turn.question + turn.answer))
                weights = language_model.model(
                    inputs_embeds=torch.cat((prefix[:visible], words))[None],
                    output_attentions=True,
                ).attentions
                for row in np.nonzero(look.turn == number)[0]:
                    at = look.owner == row
                    share = torch.from_numpy(look.share[at])
                    place = header + look.target[at]
                    for layer, head in heads:
                        given = weights[layer][0, head, visible + look.token[row], place]
                        expected.append((share * (share / given).log()).sum())
        language_model.set_attn_implementation("packed")
    torch.testing.assert_close(looking.loss(), torch.stack(expected).mean(), atol=1e-4, rtol=1e-4)


def test_both_ways_of_reading_questions_look_alike(network, monkeypatch):
    turns, looks, frames, visual = asked_sessions(network)
    weight = network.model.language_model.model.layers[1].self_attn.q_proj.weight
    found = []
    for few in (True, False):
        monkeypatch.setattr(InstructNetwork, "_in_few_operations", few)
        network.zero_grad()
        looking = network.watch(turns, looks, frames, [(1, 0)])
        network.side_by_side(visual, turns, looking)
        looking.loss().backward()
        hidden = [looking.hidden[2][looking.vectors(kind)[0]].detach() for kind in VectorKind]
        truth = [looking.vectors(kind)[1] for kind in VectorKind]
        told = (looking.loss().detach(), looking.found(), weight.grad.clone())
        found.append((*told, *hidden, *truth))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)
    assert found[0][2].abs().max() > 1e-4


def test_a_head_that_looks_as_it_should_loses_nothing():
    query, key = torch.zeros(1, 4, 2), torch.zeros(1, 4, 2)
    query[0, 3] = torch.tensor([1.0, 0.0])
    key[0, 1] = torch.tensor([60.0, 0.0])
    session = LookingSession(
        rows=torch.tensor([3]),
        first=torch.tensor([3]),
        longest=1,
        visible=torch.tensor([3]),
        start=0,
        shares=torch.tensor([[0.0, 1.0, 0.0]]),
        vectors={},
    )
    looking = Looking([(2, 0)], [session])
    looking.see(2, query, key, 1.0)
    assert looking.loss().item() == pytest.approx(0, abs=1e-6)
    assert looking.found().item() == pytest.approx(1)


def test_a_probe_learns_poses_that_a_linear_map_can_read():
    torch.manual_seed(0)
    angle = torch.rand(40) * 2
    poses = torch.eye(4).repeat(40, 1, 1)
    poses[:, :3, 3] = torch.randn(40, 3)
    poses[:, 0, 2], poses[:, 2, 2] = angle.sin(), angle.cos()
    visual = torch.cat((poses[:, :3, 3], angle.sin()[:, None], angle.cos()[:, None]), 1)
    visual = visual[:, None].expand(-1, 4, -1)
    probes = Probes(5)
    optimizer = torch.optim.Adam(probes.parameters(), 0.05)
    before = probes.pose_loss(visual, poses).item()
    for _ in range(200):
        optimizer.zero_grad()
        loss = probes.pose_loss(visual, poses)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.01 < before
