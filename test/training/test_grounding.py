from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from test_sessions import DATA, TASK

from vlm3r_ros.models.registry import build_model
from vlm3r_ros.training.instruct.corpus import question_tokenizer
from vlm3r_ros.training.instruct.grounding import (
    Grounding,
    LookKind,
    Looks,
    ShownThings,
    VectorKind,
    WordVectors,
    cell_shares,
    ground,
    mean_log_depths,
)
from vlm3r_ros.training.instruct.looking import Looking, LookingSession, WatchedTokens
from vlm3r_ros.training.instruct.mentions import MentionFinder, OptionFinder
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
def find(tokenizer) -> Callable[[Sequence[Turn]], Grounding]:
    named, offered = MentionFinder(tokenizer), OptionFinder(tokenizer)
    return lambda turns: ground(turns, shown(), named, offered, POSITIONS, STEP)


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


def looks_of(text: str, tokenizer, find, frames: int = FRAMES) -> dict[str, dict[int, float]]:
    """By the words up to the looking token, the share of each visual token."""
    ids = tokenizer.encode(text)
    looks = find([Turn(tuple(ids), (), frames)]).looks[LookKind.SHOWN]
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


def test_a_name_looks_for_the_thing_in_all_frames_until_one_is_named(tokenizer, find):
    found = looks_of("Is the chair in frame 2 of 3 near the table or the chair?", tokenizer, find)
    assert found == {
        "Is the chair": pytest.approx({0: 0.5 / 1.3, 9: 0.6 / 1.3, 10: 0.2 / 1.3}),
        "Is the chair in frame 2": pytest.approx({9: 0.75, 10: 0.25}),
        "Is the chair in frame 2 of 3 near the table": {7: 1.0},
        "Is the chair in frame 2 of 3 near the table or the chair": pytest.approx(
            {9: 0.75, 10: 0.25}
        ),
    }


def test_a_frame_is_looked_at_as_a_whole_where_nothing_was_named(tokenizer, find):
    found = looks_of("From frame 1 to frame 3 of 3, how far?", tokenizer, find)
    assert found == {
        "From frame 1": dict.fromkeys([0, 1, 3, 4], 0.25),
        "From frame 1 to frame 3": dict.fromkeys([12, 13, 15, 16], 0.25),
    }


def test_places_and_offsets_are_known_at_names_and_motions_at_second_frames(tokenizer, find):
    texts = (
        "In frame 2 of 3, is the table left of the chair?",
        "From frame 1 to frame 3, how far?",
    )
    turns = [Turn(tuple(tokenizer.encode(text)), (), FRAMES) for text in texts]
    vectors = find(turns).vectors
    ids = turns[0].question
    places, offsets = (vectors[kind] for kind in (VectorKind.PLACES, VectorKind.OFFSETS))
    assert places.turn.tolist() == [0, 0]
    assert [tokenizer.decode(ids[: token + 1]) for token in places.token] == [
        "In frame 2 of 3, is the table",
        "In frame 2 of 3, is the table left of the chair",
    ]
    table, chair = np.array([0.5, -0.5, 2.0]), np.array([-0.25, 0.5, 1.0])
    np.testing.assert_allclose(places.vector, [table, chair], rtol=1e-6)
    assert offsets.token.tolist() == places.token[1:].tolist()
    np.testing.assert_allclose(offsets.vector, [chair - table], rtol=1e-6)
    motions = vectors[VectorKind.MOTIONS]
    (token,) = motions.token
    assert motions.turn.tolist() == [1]
    assert tokenizer.decode(turns[1].question[: token + 1]) == "From frame 1 to frame 3"
    np.testing.assert_allclose(motions.vector, [[1, 2, 3]])


def test_where_cameras_stood_is_known_where_their_frames_are_named(tokenizer):
    things = shown()
    turned = things.poses.copy()
    turned[0, :3, :3] = [[0, 0, 1], [1, 0, 0], [0, 1, 0]]
    turned[0, :3, 3] = [0, 1, 0]
    text = "From frame 1 to frame 3, how far?"
    turn = Turn(tuple(tokenizer.encode(text)), (7,), FRAMES)
    finders = MentionFinder(tokenizer), OptionFinder(tokenizer)
    vectors = ground([turn], replace(things, poses=turned), *finders, POSITIONS, STEP).vectors
    stands, facings, shifts, motions, lengths = (
        vectors[kind]
        for kind in (
            *(VectorKind.STANDS, VectorKind.FACINGS, VectorKind.SHIFTS),
            *(VectorKind.MOTIONS, VectorKind.TOLD_LENGTHS),
        )
    )
    np.testing.assert_allclose(stands.vector, turned[[0, 2], :3, 3])
    np.testing.assert_allclose(facings.vector, turned[[0, 2], :3, 2])
    assert [tokenizer.decode(turn.question[: token + 1]) for token in stands.token] == [
        "From frame 1",
        "From frame 1 to frame 3",
    ]
    assert shifts.token.tolist() == stands.token[1:].tolist()
    np.testing.assert_allclose(shifts.vector, [turned[2, :3, 3] - turned[0, :3, 3]])
    assert not np.allclose(shifts.vector, motions.vector)
    length = np.linalg.norm(motions.vector)
    assert length == pytest.approx(np.linalg.norm(shifts.vector))
    assert lengths.token.tolist() == [len(turn.question) - 1]
    np.testing.assert_allclose(lengths.vector, [[length, length**0.5, np.log(length)]], rtol=1e-6)


def test_a_thing_named_before_its_frame_is_known_where_that_is_named(tokenizer, find):
    texts = (
        "Is the chair in frame 2 left of the table?",
        "Is the chair left of the table in frame 2?",
    )
    turns = [Turn(tuple(tokenizer.encode(text)), (), FRAMES) for text in texts]
    vectors = find(turns).vectors
    places, offsets = (vectors[kind] for kind in (VectorKind.PLACES, VectorKind.OFFSETS))
    assert places.turn.tolist() == [0, 0]
    assert [tokenizer.decode(turns[0].question[: token + 1]) for token in places.token] == [
        "Is the chair in frame 2",
        "Is the chair in frame 2 left of the table",
    ]
    chair, table = np.array([-0.25, 0.5, 1.0]), np.array([0.5, -0.5, 2.0])
    np.testing.assert_allclose(places.vector, [chair, table], rtol=1e-6)
    assert offsets.token.tolist() == places.token[1:].tolist()
    np.testing.assert_allclose(offsets.vector, [table - chair], rtol=1e-6)


def test_what_takes_two_can_be_told_at_the_end_of_a_question(tokenizer, find):
    texts = (
        "In frame 2 of 3, is the table left of the chair?",
        "From frame 1 to frame 3, far?",
        "In frame 2 of 3, where is the table?",
    )
    turns = [Turn(tuple(tokenizer.encode(text)), (7, 8), FRAMES) for text in texts]
    vectors = find(turns).vectors
    offsets, motions = (
        vectors[kind] for kind in (VectorKind.TOLD_OFFSETS, VectorKind.TOLD_MOTIONS)
    )
    assert offsets.turn.tolist() == [0]
    assert offsets.token.tolist() == [len(turns[0].question) - 1]
    np.testing.assert_allclose(offsets.vector, [[-0.75, 1, -1]], rtol=1e-6)
    assert motions.turn.tolist() == [1]
    assert motions.token.tolist() == [len(turns[1].question) - 1]
    np.testing.assert_allclose(motions.vector, [[1, 2, 3]])


@pytest.mark.parametrize(
    ("text", "related", "told"),
    [
        (
            "In frame 2 of 3, is the table left of the chair? Options: A. table",
            ("In frame 2 of 3, is the table left of the chair", "In frame 2 of 3, is the table"),
            "In frame 2 of 3, is the table left of the chair",
        ),
        (
            "From frame 1 to frame 3, how far?",
            ("From frame 1 to frame 3", "From frame 1"),
            "From frame 1 to frame 3",
        ),
        ("How far is the chair in frame 3?", None, "How far is the chair in frame 3"),
        (
            "How far is the chair in frame 2 from the table?",
            ("How far is the chair in frame 2 from the table", "How far is the chair in frame 2"),
            "How far is the chair in frame 2 from the table",
        ),
        (
            "Is the chair left of the table in frame 2?",
            None,
            "Is the chair left of the table in frame 2",
        ),
        ("How many chairs are there?", None, None),
        ("In frame 2, which is nearest: chair, table or sofa?", None, None),
    ],
)
def test_what_answers_follow_from_is_fetched_from_names(text, related, told, tokenizer, find):
    ids = tokenizer.encode(text)
    turn = Turn(tuple(ids), tuple(tokenizer.encode(" the table")), FRAMES)
    looks = find([turn]).looks

    def said(kind: LookKind) -> list[tuple[str, str]]:
        own = looks[kind]
        assert own.share.tolist() == [1] * len(own.turn)
        words = own.target - FRAMES * STEP
        pairs = zip(own.token.tolist(), words.tolist(), strict=True)
        return [(tokenizer.decode(ids[: a + 1]), tokenizer.decode(ids[: b + 1])) for a, b in pairs]

    assert said(LookKind.RELATED) == ([related] if related else [])
    assert said(LookKind.TOLD) == ([(text, told)] if told else [])


def test_the_end_of_a_question_looks_at_the_option_that_is_right(tokenizer, find):
    text = "Which is nearer?\nOptions:\nA. washing machine\nB. chair\nAnswer.\n"
    question = tuple(tokenizer.encode(text))
    turns = [Turn(question, tuple(tokenizer.encode(answer)), FRAMES) for answer in ("A", "B", "2")]
    looks = find(turns).looks[LookKind.CHOSEN]
    assert looks.turn.tolist() == [0, 1]
    assert looks.token.tolist() == [len(question) - 1] * 2
    said = [tokenizer.decode(question[: k + 1]) for k in (looks.target - FRAMES * STEP).tolist()]
    assert said == [text[: text.index("\nB")], text[: text.index("\nAnswer")]]


def test_depths_are_those_of_a_things_pixels():
    instance = np.array([[-1, 0], [2, 2]], np.int32)
    depth = np.array([[np.inf, 2.0], [1.0, 4.0]], np.float32)
    expected = [np.log(2), 0, np.log(2)]
    np.testing.assert_allclose(mean_log_depths(instance, depth, 3), expected, rtol=1e-6)


def test_what_is_not_shown_or_not_yet_seen_is_not_looked_for(tokenizer, find):
    text = "The sofa, the table; the chair in frame 2"
    found = looks_of(text, tokenizer, find, frames=1)
    assert found == {"The sofa, the table; the chair": {0: 1.0}}


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


def some_grounding(turns: list[Turn], frames: int, positions: np.ndarray, step: int) -> Grounding:
    """Some tokens look at two tokens of frames, some at two of the question's own."""
    random = np.random.default_rng(0)
    looks = {}
    for kind, every in zip(LookKind, (3, 2, 4, 5), strict=True):
        rows = [(n, k) for n, turn in enumerate(turns) for k in range(2, len(turn), every)]
        targets, owners = [], []
        for owner, (number, token) in enumerate(rows):
            candidates = frames * step + np.arange(token)
            if kind == LookKind.SHOWN:
                candidates = (np.arange(turns[number].frames)[:, None] * step + positions).ravel()
            targets += random.choice(candidates, 2, replace=False).tolist()
            owners += [owner, owner]
        turn, token = np.array(rows).T
        shares = np.array([0.7, 0.3] * len(rows), np.float32)
        looks[kind] = Looks(turn, token, np.array(owners), np.array(targets), shares)
    motion = random.normal(size=(len(turns), 3)).astype(np.float32)
    vectors = {
        kind: WordVectors(np.arange(len(turns)), np.arange(len(turns)) + place, motion + place)
        for place, kind in enumerate(VectorKind)
    }
    return Grounding(looks, vectors)


@pytest.fixture(scope="module")
def network() -> InstructNetwork:
    return InstructNetwork(*build_model("tiny")).eval()


def asked_sessions(
    network,
) -> tuple[list[list[Turn]], list[Grounding], list[int], list[torch.Tensor]]:
    generator = torch.Generator().manual_seed(0)
    turns, groundings, frames, visual = [], [], [4, 5], []
    model = network.model
    positions, step = model.patch_positions.flatten().numpy(), model.tokens_per_frame
    for count in frames:
        own = []
        for number in range(5):
            ids = torch.randint(3, 500, (8 + 3 * number,), generator=generator).tolist()
            own.append(Turn(tuple(ids), (7, 8), 2 + number % (count - 1)))
        turns.append(own)
        groundings.append(some_grounding(own, count, positions, step))
        width = model.config.text_config.hidden_size
        visual.append(torch.randn(count, step, width, generator=generator) * 0.3)
    return turns, groundings, frames, visual


HEADS = {
    LookKind.SHOWN: [(0, 1), (1, 0)],
    LookKind.RELATED: [(1, 1)],
    LookKind.TOLD: [(0, 0)],
    LookKind.CHOSEN: [(1, 2)],
}


def test_the_loss_is_that_of_the_model_asked_one_by_one(network):
    turns, groundings, frames, visual = asked_sessions(network)
    looking = network.watch(turns, groundings, frames, HEADS)
    expected: dict[LookKind, list[torch.Tensor]] = {kind: [] for kind in LookKind}
    with torch.no_grad():
        network.side_by_side(visual, turns, looking)
        language_model = network.model.language_model
        language_model.set_attn_implementation("eager")
        header, step = len(network._header), network.model.tokens_per_frame
        for own, grounding, tokens in zip(turns, groundings, visual, strict=True):
            prefix = network._behind_header(tokens)
            for number, turn in enumerate(own):
                visible = header + turn.frames * step
                words = network.model.embed_text(torch.tensor(turn.question + turn.answer))
                weights = language_model.model(
                    inputs_embeds=torch.cat((prefix[:visible], words))[None],
                    output_attentions=True,
                ).attentions
                # Frames that a question does not see are left out here.
                unseen = len(prefix) - visible
                for kind, look in grounding.looks.items():
                    for row in np.nonzero(look.turn == number)[0]:
                        at = look.owner == row
                        share = torch.from_numpy(look.share[at])
                        place = header + look.target[at]
                        place = np.where(place >= len(prefix), place - unseen, place)
                        for layer, head in HEADS[kind]:
                            given = weights[layer][0, head, visible + look.token[row], place]
                            expected[kind].append((share * (share / given).log()).sum())
        language_model.set_attn_implementation("packed")
    assert set(looking.kinds) == set(LookKind)
    for kind in LookKind:
        mean = torch.stack(expected[kind]).mean()
        torch.testing.assert_close(looking.loss(kind), mean, atol=1e-4, rtol=1e-4)


def test_both_ways_of_reading_questions_look_alike(network, monkeypatch):
    turns, groundings, frames, visual = asked_sessions(network)
    weight = network.model.language_model.model.layers[1].self_attn.q_proj.weight
    found = []
    for few in (True, False):
        monkeypatch.setattr(InstructNetwork, "_in_few_operations", few)
        network.zero_grad()
        looking = network.watch(turns, groundings, frames, HEADS)
        network.side_by_side(visual, turns, looking)
        losses = torch.stack([looking.loss(kind) for kind in LookKind])
        losses.sum().backward()
        hidden = [looking.hidden[2][looking.vectors(kind)[0]].detach() for kind in VectorKind]
        truth = [looking.vectors(kind)[1] for kind in VectorKind]
        shares = torch.stack([looking.found(kind) for kind in LookKind])
        found.append((weight.grad.clone(), losses.detach(), shares, *hidden, *truth))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)
    assert found[0][0].abs().max() > 1e-4


def test_a_head_that_looks_as_it_should_loses_nothing():
    query, key = torch.zeros(1, 4, 2), torch.zeros(1, 4, 2)
    query[0, 3] = torch.tensor([1.0, 0.0])
    key[0, 1] = torch.tensor([60.0, 0.0])
    tokens = WatchedTokens(
        rows=torch.tensor([3]),
        first=torch.tensor([3]),
        visible=torch.tensor([3]),
        shares=torch.tensor([[0.0, 1.0, 0.0, 0.0]]),
    )
    session = LookingSession(0, 3, {LookKind.SHOWN: tokens}, vectors={})
    looking = Looking({LookKind.SHOWN: [(2, 0)], LookKind.TOLD: [(2, 0)]}, [session])
    looking.see(2, query, key, 1.0)
    assert looking.kinds == (LookKind.SHOWN,)
    assert looking.loss(LookKind.SHOWN).item() == pytest.approx(0, abs=1e-6)
    assert looking.found(LookKind.SHOWN).item() == pytest.approx(1)


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
