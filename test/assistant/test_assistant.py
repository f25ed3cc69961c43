"""A stream and questions at the same time: sessions, threads, timeouts, memory."""

import gc
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch

from vlm3r_ros.assistant import (
    AnswerTimeoutError,
    AssistantError,
    BadRequestError,
    FrameVerdict,
    NoFramesError,
    SpatialAssistant,
    TrackerConfig,
)

QUESTION = "How many chairs are in this room?"


def test_notebook_use_from_a_name(image_of):
    with pytest.warns(UserWarning, match="random weights"):
        assistant = SpatialAssistant.from_pretrained("tiny", device="cpu", max_keyframes=4)
    for i in range(6):
        assistant.observe(image_of(i), 0.1 * i)
    answer = assistant.ask(QUESTION)
    assert answer.frames_used == assistant.num_keyframes == 3


def test_frames_of_any_size_are_taken(make_assistant):
    assistant = make_assistant()
    random = np.random.default_rng(0)
    for i, shape in enumerate([(480, 640), (1080, 1920), (33, 47), (900, 30)]):
        image = random.integers(0, 256, (*shape, 3), np.uint8)
        assert assistant.observe(image, 10.0 * i) is not None
    assert assistant.ask(QUESTION).frames_used == 4


def test_useless_frames_are_dropped_and_counted(make_assistant, image_of):
    assistant = make_assistant()
    assert assistant.observe(image_of(0), 1.0) is not None
    assert assistant.observe(image_of(0), 1.1) is None
    assert assistant.observe(image_of(1), 1.0) is None
    assert assistant.observe(image_of(1), float("nan")) is None
    assert assistant.observe(np.zeros((0, 0, 3), np.uint8), 1.2) is None
    counts = assistant.frame_buffer.counts
    assert counts[FrameVerdict.DUPLICATE] == 1
    assert counts[FrameVerdict.OUT_OF_ORDER] == 1
    assert counts[FrameVerdict.INVALID_STAMP] == 1
    assert counts[FrameVerdict.INVALID_IMAGE] == 1
    assert assistant.observe(image_of(2), 1.3) is not None


def test_looping_recording_starts_a_new_session(make_assistant, watch, image_of):
    assistant = make_assistant()
    first = watch(assistant, 4, first=20)
    again = watch(assistant, 2)
    assert again[0].session_id != first[0].session_id
    assert again[0].frame_index == 0
    assert assistant.num_keyframes == 2
    assert assistant.ask(QUESTION).frames_used == 2


def test_reset_forgets_the_scene_and_the_next_answer_is_of_the_new_one(make_assistant, watch):
    assistant, reference = make_assistant(), make_assistant()
    watch(assistant, 5)
    assistant.ask(QUESTION)
    session = assistant.reset()
    with pytest.raises(NoFramesError):
        assistant.ask(QUESTION)
    observation = watch(assistant, 3, first=20)[0]
    assert observation.session_id == session
    watch(reference, 3, first=20)
    assert assistant.ask(QUESTION).token_ids == reference.ask(QUESTION).token_ids


def test_geometry_from_another_process_gives_the_same_answer(make_assistant, watch, image_of):
    eyes, mind = make_assistant(), make_assistant()
    for i, observation in enumerate(watch(eyes, 5)):
        assert mind.remember(image_of(i), observation)
        mind.catch_up()
    assert mind.ask(QUESTION).token_ids == eyes.ask(QUESTION).token_ids


def test_observation_of_a_new_session_forgets_and_a_late_one_is_dropped(
    make_assistant, watch, image_of
):
    eyes, mind = make_assistant(), make_assistant()
    old = watch(eyes, 3)
    for i, observation in enumerate(old[:2]):
        mind.remember(image_of(i), observation)
    eyes.reset()
    new = watch(eyes, 1, first=5)[0]
    assert mind.remember(image_of(5), new)
    assert mind.num_keyframes == 1
    assert not mind.remember(image_of(2), old[2])
    assert mind.session_id == new.session_id


def test_tokens_of_another_model_are_refused(make_assistant, watch, image_of):
    assistant = make_assistant()
    observation = watch(assistant, 1)[0]
    dim = observation.camera_token.shape[-1]
    for bad in (
        replace(observation, camera_token=torch.zeros(1, 1, dim + 8)),
        replace(observation, patch_tokens=torch.zeros(1, 3, dim)),
    ):
        with pytest.raises(BadRequestError, match="same model"):
            assistant.remember(image_of(0), bad)
    with pytest.raises(BadRequestError, match="cannot be remembered"):
        assistant.remember(np.zeros((5, 5), np.uint8), observation)
    assert assistant.ask(QUESTION).frames_used == 1


def test_idle_work_leaves_only_the_question_to_be_read(make_assistant, watch):
    assistant = make_assistant(keyframes_per_pass=1)
    watch(assistant, 8)
    assert assistant.num_pending_keyframes == 8
    assert not assistant.catch_up(budget_s=0.0)
    assert assistant.num_pending_keyframes == 7
    assert assistant.catch_up()
    assert assistant.num_pending_keyframes == 0
    assert all(keyframe.encoded for keyframe in assistant.memory.keyframes)
    length = assistant._prefix.cache.length
    assistant.ask(QUESTION)
    assert assistant._prefix.cache.length == length


def test_keyframe_is_encoded_once_in_its_life(make_assistant, watch, every_frame):
    assistant = make_assistant(max_keyframes=4, frame_buffer=every_frame)
    visual = {}
    for i in range(12):
        watch(assistant, 1, first=i)
        assistant.catch_up()
        for keyframe in assistant.memory.keyframes:
            assert visual.setdefault(keyframe.serial, keyframe.visual) is keyframe.visual


def test_answer_that_takes_too_long_is_cut_and_the_assistant_stays_usable(make_assistant, watch):
    assistant = make_assistant()
    watch(assistant, 3)
    expected = assistant.ask(QUESTION).token_ids
    with pytest.raises(AnswerTimeoutError, match="tokens of the answer"):
        assistant.ask(QUESTION, timeout=1e-4)
    assert assistant.ask(QUESTION).token_ids == expected


def test_scene_that_takes_too_long_to_read_is_a_timeout_too(make_assistant, watch):
    assistant = make_assistant(keyframes_per_pass=1)
    watch(assistant, 16)
    with pytest.raises(AnswerTimeoutError, match="unread"):
        assistant.ask(QUESTION, timeout=1e-6)
    assert assistant.num_pending_keyframes < 16
    assert assistant.ask(QUESTION).frames_used == 16


def test_question_that_waits_too_long_for_others_times_out(make_assistant, watch):
    assistant = make_assistant()
    watch(assistant, 2)
    with assistant._language_lock.hold(), pytest.raises(AnswerTimeoutError, match="other"):
        assistant.ask(QUESTION, timeout=0.02)
    assert assistant.ask(QUESTION).frames_used == 2


def test_ten_questions_at_once_are_all_answered_alike(make_assistant, watch):
    assistant = make_assistant()
    watch(assistant, 4)
    expected = assistant.ask(QUESTION).token_ids
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(assistant.ask(QUESTION))) for _ in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [answer.token_ids for answer in answers] == [expected] * 10


def test_stream_questions_idle_work_and_resets_at_once_do_no_harm(
    make_assistant, image_of, every_frame
):
    assistant = make_assistant(max_keyframes=6, frame_buffer=every_frame)
    stop, failures, answers = threading.Event(), [], []
    images = [image_of(i) for i in range(40)]

    def guarded(work):
        def loop() -> None:
            try:
                while not stop.is_set():
                    work()
            except Exception as error:
                failures.append(error)

        return threading.Thread(target=loop)

    clock = iter(range(10**9))

    def see() -> None:
        i = next(clock)
        assistant.observe(images[i % 40], 0.1 * i)

    def ask() -> None:
        try:
            answers.append(assistant.ask(QUESTION, max_new_tokens=4, timeout=20))
        except AssistantError as error:
            if not isinstance(error, NoFramesError):
                raise

    threads = [guarded(work) for work in (see, ask, ask, assistant.catch_up)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        stop.wait(0.15)
        assistant.reset()
    stop.set()
    for thread in threads:
        thread.join(30)
    assert not failures
    assert len(answers) > 5
    assert all(1 <= answer.frames_used <= 6 for answer in answers)
    # What is left in the cache is exactly the scene that is left in memory.
    for i in range(3):
        assistant.observe(images[i], 1e6 + i)
    fresh = make_assistant(max_keyframes=6, frame_buffer=every_frame)
    assistant.reset()
    for i in range(3):
        assistant.observe(images[i], 2e6 + i)
        fresh.observe(images[i], 2e6 + i)
    assert assistant.ask(QUESTION).token_ids == fresh.ask(QUESTION).token_ids


def test_watching_does_not_wait_for_an_answer(make_assistant, watch, image_of):
    assistant = make_assistant()
    watch(assistant, 2)
    with assistant._language_lock.hold():
        done = []
        thread = threading.Thread(target=lambda: done.append(assistant.observe(image_of(9), 200.0)))
        thread.start()
        thread.join(10)
        assert done
        assert done[0] is not None


def tensors_alive() -> int:
    gc.collect()
    return sum(issubclass(type(thing), torch.Tensor) for thing in gc.get_objects())


def test_nothing_grows_with_the_stream(make_assistant, image_of, every_frame):
    light = TrackerConfig(points_every=0, seek_floor=False)
    assistant = make_assistant(max_keyframes=4, frame_buffer=every_frame, tracker=light)
    images = [image_of(i) for i in range(16)]

    def show(first: int, last: int) -> None:
        for i in range(first, last):
            assistant.observe(images[i % 16], 0.1 * i)
        assistant.ask(QUESTION)

    show(0, 33)
    tensors, layers = tensors_alive(), assistant._prefix.cache.key_values.layers
    capacities = [layer.capacity for layer in layers]
    show(33, 257)
    assert assistant.num_keyframes <= 4
    assert tensors_alive() <= tensors
    assert [layer.capacity for layer in layers] == capacities
