import json
import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from vlm3r_ros.models.processing import Vlm3rProcessor
from vlm3r_ros.models.prompts import IM_END
from vlm3r_ros.questions.question import QuestionType
from vlm3r_ros.questions.wording import PHRASINGS, Wording
from vlm3r_ros.training.config import parse
from vlm3r_ros.training.errors import ConfigError
from vlm3r_ros.training.instruct.corpus import FRAME_NAMES, PHRASES, question_tokenizer
from vlm3r_ros.training.instruct.interview import ABSENT, DESCRIPTION, PLACE, Interviewer, turn
from vlm3r_ros.training.instruct.sessions import Session, SessionTask, film_session
from vlm3r_ros.training.instruct.settings import DataSettings
from vlm3r_ros.worlds.build import build_world
from vlm3r_ros.worlds.world import Split, WorldId

DATA = DataSettings(absent=0.3, spoken=1.0, published=0.0)
TASK = SessionTask(
    split=Split.TRAIN,
    seed=0,
    index=3,
    image_size=48,
    frames=(8, 12),
    interval=(0.2, 0.5),
    between=1.0,
    placed=0.0,
    moments=3,
    questions=40,
    weights=DATA.weights,
    described=1.0,
    located=0.5,
    colors=1.0,
    noise=4.0,
)


@pytest.fixture(scope="module")
def sessions() -> list[Session]:
    return [film_session(replace(TASK, index=index)) for index in range(1, 9)]


@pytest.fixture(scope="module")
def processor() -> Vlm3rProcessor:
    return Vlm3rProcessor(48, question_tokenizer(2048))


def test_a_session_depends_on_its_task_alone(sessions):
    again = film_session(replace(TASK, index=2))
    assert np.array_equal(again.color, sessions[1].color)
    assert again.moments == sessions[1].moments


def test_sessions_have_keyframes_moments_and_frames_between(sessions):
    for session in sessions:
        count = len(session.keyframes)
        assert 8 <= count <= 12
        assert len(session.color) == (count - 1) * session.stride + 1
        seen = [moment.frames for moment in session.moments]
        assert seen == sorted(set(seen))
        assert seen[-1] == count
        assert seen[0] >= 2
        assert sum(sum(moment.limits.values()) for moment in session.moments) == 40
    assert len({session.stride for session in sessions}) > 1
    assert len({len(session.moments) for session in sessions}) > 1


def test_placed_sessions_tell_poses_and_are_else_the_same(sessions):
    placed = film_session(replace(TASK, index=2, placed=1.0, cells=4))
    assert placed.odometry is not None
    assert placed.odometry.shape == (len(placed.keyframes), 4, 4)
    assert not np.allclose(placed.odometry, placed.shown.poses)
    assert np.array_equal(placed.color, sessions[1].color)
    assert placed.moments == sessions[1].moments
    assert all(session.odometry is None for session in sessions)


def test_no_question_speaks_of_frames_that_are_not_there(sessions):
    interviewer = Interviewer.for_training(replace(DATA, early=1.0))
    early = 0
    for session in sessions:
        moments = {moment.frames for moment in session.moments}
        for inquiry in interviewer.ask(session):
            assert 2 <= inquiry.frames <= len(session.keyframes)
            early += inquiry.frames not in moments
            if inquiry.asked is not None and "frame" in inquiry.text:
                assert max(inquiry.asked.question.frame_indices) < inquiry.frames
    assert early


def test_what_was_not_seen_is_in_no_frame(sessions):
    for session in sessions:
        world = build_world(WorldId.parse(session.name))
        for moment in session.moments:
            assert moment.absent
            asked = {draft.subject for drafts in moment.drafts.drafts.values() for draft in drafts}
            assert asked.isdisjoint(moment.absent)
        here = {item.category for item in world.objects}
        assert set(moment.absent) - here
    hidden = [
        name
        for session in sessions
        for name in session.moments[0].absent
        if name in {item.category for item in build_world(WorldId.parse(session.name)).objects}
    ]
    assert hidden, "things of the room that the camera has not turned to yet"


def test_kinds_of_questions_have_their_shares(sessions):
    inquiries = [q for s in sessions for q in Interviewer.for_training(DATA).ask(s)]
    tasks = Counter(inquiry.task for inquiry in inquiries)
    assert tasks[ABSENT] > 10
    for inquiry in inquiries:
        if inquiry.task == ABSENT:
            assert inquiry.answer == "0" or inquiry.answer.startswith("I have not seen a ")
        if inquiry.task.startswith("obj_obj_relative_pos"):
            assert inquiry.options == ()
            assert inquiry.answer in {"Near", "Far", "Left", "Right", "Up", "Down"}
    plain = Interviewer.for_training(DataSettings(absent=0, spoken=0))
    choices = [q for s in sessions for q in plain.ask(s) if q.options]
    assert all(len(inquiry.answer) == 1 for inquiry in choices)
    assert all(inquiry.asked is not None for inquiry in choices)


def test_evaluation_asks_in_its_own_words(sessions):
    for wording in (Wording.PUBLISHED, Wording.UNSEEN):
        for inquiry in Interviewer.for_evaluation(wording).ask(sessions[0]):
            if inquiry.task != QuestionType.OBJECT_LOCATION:
                continue
            phrasing = PHRASINGS[QuestionType.OBJECT_LOCATION, ""]
            texts = phrasing.held_out if wording is Wording.UNSEEN else (phrasing.published,)
            name = inquiry.asked.question.categories["category"]
            assert inquiry.text in [text.format(object_name=name) for text in texts]


def test_an_interviewer_goes_on_where_another_one_stopped(sessions):
    straight = Interviewer.for_training(DataSettings())
    whole = [straight.ask(session) for session in sessions]
    first = Interviewer.for_training(DataSettings())
    for session in sessions[:4]:
        first.ask(session)
    second = Interviewer.for_training(DataSettings())
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    assert [second.ask(session) for session in sessions[4:]] == whole[4:]


def test_turns_end_with_the_turn_and_take_few_tokens(sessions, processor):
    inquiries = Interviewer.for_training(DataSettings()).ask(sessions[0])
    turns = [turn(inquiry, processor) for inquiry in inquiries]
    for inquiry, made in zip(inquiries, turns, strict=True):
        assert processor.decode(list(made.answer)) == inquiry.answer
        assert processor.tokenizer.convert_ids_to_tokens(made.answer[-1]) == IM_END
        assert turn(inquiry, processor, answered=False).answer == ()
    assert sum(map(len, turns)) / len(turns) < 50
    for phrase in PHRASES:
        assert len(processor.tokenize(phrase)) == 1
    assert len(processor.tokenize("12.5")) == 4


def test_frames_are_addressed_by_a_token_each(processor):
    def words(text: str) -> list[str]:
        return [processor.decode([number]) for number in processor.tokenize(text).tolist()]

    addressed = words("In frame 17 of 32, what is 3 of 4?")
    assert [word for word in addressed if word in FRAME_NAMES] == ["frame 17", "of 32", "of 4"]
    assert not set(words("In frame 117, a frameset of 320")) & set(FRAME_NAMES)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"tasks": {"object_countin": 1}}, "is no task"),
        ({"tasks": {"object_counting": -1}}, "cannot be below 0"),
        ({"early": 1.5}, "early is 1.5"),
        ({"interval": [0.5, 0.1]}, "least and the greatest"),
    ],
)
def test_settings_that_make_no_sense_are_refused(content, words):
    with pytest.raises(ConfigError, match=words):
        parse(content, DataSettings)


def test_descriptions_tell_where_things_are_in_a_frame(sessions):
    told = [one for session in sessions for one in session.descriptions]
    assert len(told) > len(sessions)
    part = re.compile(r"[a-z ]+ (top|middle|bottom) (left|center|right) \d+\.\d m")
    columns = ["left", "center", "right"]
    for one in told:
        things = one.text.split(", ")
        assert all(part.fullmatch(thing) for thing in things)
        # From left to right.
        places = [columns.index(thing.split()[-3]) for thing in things]
        assert places == sorted(places)


def test_a_described_frame_has_been_seen_when_it_is_asked_about(sessions):
    session = sessions[0]
    asked = [i for i in Interviewer.for_training(DATA).ask(session) if i.task == DESCRIPTION]
    assert len(asked) == len(session.descriptions)
    for inquiry, one in zip(asked, session.descriptions, strict=True):
        assert inquiry.answer == one.text
        assert one.number <= inquiry.frames <= len(session.keyframes)
        if "frame" in inquiry.text:
            assert f"frame {one.number} of {len(session.keyframes)}" in inquiry.text
        else:
            assert inquiry.frames == one.number


def test_a_thing_is_where_the_description_of_its_frame_says(sessions):
    session = sessions[0]
    told = {one.number: one.things for one in session.descriptions}
    assert 0 < len(session.located) < len(told)
    asked = [i for i in Interviewer.for_training(DATA).ask(session) if i.task == PLACE]
    for inquiry, (number, name, place) in zip(asked, session.located, strict=True):
        assert (name, place) in told[number]
        assert inquiry.answer == place
        assert f"frame {number} of {len(session.keyframes)}" in inquiry.text
        assert f"the {name}" in inquiry.text
        assert number <= inquiry.frames <= len(session.keyframes)


def test_nothing_is_described_unless_asked_for():
    silent = film_session(replace(TASK, described=0.0, located=0.0))
    assert silent.descriptions == silent.located == ()
