"""Answers from the cached scene are those of the whole prompt run afresh."""

import math

import numpy as np
import pytest
import torch

from vlm3r_ros.assistant import BadRequestError, NoFramesError, SpatialAssistant
from vlm3r_ros.models import build_model
from vlm3r_ros.models.prompts import chat_prompt, time_instruction, video_question

QUESTION = "How many chairs are in this room?"
OPTIONS = ("the red chair", "the table", "the door")


def afresh(assistant: SpatialAssistant, images, observations, question, options=(), **kwargs):
    """Token ids of the answer by `generate` on the whole prompt, nothing cached."""
    processor = assistant.processor
    prompt = chat_prompt(video_question(question, options, **kwargs))
    ids = assistant.model.generate(
        processor.tokenize(prompt),
        processor.frames(images),
        camera_tokens=torch.cat([o.camera_token for o in observations]),
        patch_tokens=torch.cat([o.patch_tokens for o in observations]),
        max_new_tokens=12,
        do_sample=False,
    )[0].tolist()
    ends = {assistant.model.generation_config.eos_token_id, processor.tokenizer.eos_token_id}
    return tuple(token for token in ids if token not in ends)


@pytest.mark.parametrize("count", [1, 2, 5, 8])
def test_answer_is_token_for_token_that_of_an_uncached_run(
    count, make_assistant, watch, image_of, every_frame
):
    assistant = make_assistant(max_keyframes=8, frame_buffer=every_frame)
    observations = watch(assistant, count)
    images = [image_of(i) for i in range(count)]
    for question, options in [(QUESTION, ()), ("Which is closest?", OPTIONS), (QUESTION, ())]:
        answer = assistant.ask(question, options, max_new_tokens=12)
        assert answer.token_ids == afresh(assistant, images, observations, question, options)
        assert answer.frames_used == count


def test_geometry_of_the_stream_is_that_of_the_whole_clip(
    make_assistant, watch, image_of, every_frame
):
    assistant = make_assistant(max_keyframes=8, frame_buffer=every_frame)
    watch(assistant, 6)
    processor = assistant.processor
    ids = assistant.model.generate(
        processor.tokenize(chat_prompt(video_question(QUESTION))),
        processor.frames([image_of(i) for i in range(6)]),
        max_new_tokens=12,
        do_sample=False,
    )[0]
    answer = assistant.ask(QUESTION, max_new_tokens=12)
    assert answer.token_ids == tuple(ids[: len(answer.token_ids)].tolist())


@pytest.mark.parametrize("idle_work", [True, False])
def test_answer_after_thinning_is_that_of_the_keyframes_left(
    idle_work, make_assistant, watch, image_of, every_frame
):
    assistant = make_assistant(max_keyframes=6, frame_buffer=every_frame)
    observations = []
    for i in range(17):
        observations += watch(assistant, 1, first=i)
        if idle_work:
            assistant.catch_up()
        if i % 4 == 3:
            held = [keyframe.frame_index for keyframe in assistant.memory.keyframes]
            answer = assistant.ask(QUESTION, max_new_tokens=12)
            assert answer.token_ids == afresh(
                assistant, [image_of(j) for j in held], [observations[j] for j in held], QUESTION
            )
    assert assistant.memory.stride == 4


def test_same_question_gets_the_same_answer_however_many_came_between(make_assistant, watch):
    assistant = make_assistant()
    watch(assistant, 5)
    first = assistant.ask(QUESTION)
    for i in range(5):
        assistant.ask(f"Is object {i} near the door?", OPTIONS[: 2 + i % 2], max_new_tokens=3 + i)
    again = assistant.ask(QUESTION)
    assert (again.token_ids, again.confidence) == (first.token_ids, first.confidence)


@pytest.mark.parametrize("newline_position", ["frame", "one_token", "no_token"])
def test_every_place_of_the_newline_is_kept(newline_position, watch, image_of, every_frame):
    model, processor = build_model("tiny")
    model.config.newline_position = newline_position
    assistant = SpatialAssistant(model, processor)
    observations = [o for o in watch(assistant, 3) if o is not None]
    images = [image_of(i) for i in range(3)]
    answer = assistant.ask(QUESTION, max_new_tokens=12)
    assert answer.token_ids == afresh(assistant, images, observations, QUESTION)


def test_model_is_told_the_times_of_keyframes_on_request(make_assistant, watch, image_of):
    assistant = make_assistant(tell_times=True)
    observations = watch(assistant, 3)
    answer = assistant.ask(QUESTION, max_new_tokens=12)
    expected = afresh(
        assistant,
        [image_of(i) for i in range(3)],
        observations,
        QUESTION,
        time_instruction=time_instruction(0.2, (0.0, 0.1, 0.2)),
    )
    assert answer.token_ids == expected


def test_question_that_names_a_frame_stands_as_far_behind_it_as_behind_all_frames(
    make_assistant, watch, every_frame, monkeypatch
):
    assistant = make_assistant(max_keyframes=8, frame_buffer=every_frame)
    watch(assistant, 5)
    model = assistant.model
    monkeypatch.setattr(model.config, "numbered_frames", 7)
    read: list[torch.Tensor] = []
    hook = model.language_model.register_forward_pre_hook(
        lambda _module, _args, kwargs: read.append(kwargs["position_ids"][0]), with_kwargs=True
    )
    try:
        assistant.ask("How many chairs are there?", max_new_tokens=3)
        behind_scene = int(read[-3][0])
        for question in ("How far is it in frame 3 of 7?", "From Frame 1 to frame 2, how far?"):
            read.clear()
            assistant.ask(question, max_new_tokens=3)
            places = torch.cat(read)
            assert int(places[0]) == behind_scene + 2 * model.tokens_per_frame
            assert torch.equal(places, torch.arange(len(places)) + places[0])
        read.clear()
        assistant.ask("Which frame shows chairs?", max_new_tokens=3)
        assert int(read[0][0]) == behind_scene
    finally:
        hook.remove()


def test_confidence_is_the_geometric_mean_of_the_tokens_probabilities(make_assistant, watch):
    assistant = make_assistant()
    watch(assistant, 3)
    answer = assistant.ask(QUESTION, max_new_tokens=6)
    model, processor = assistant.model, assistant.processor
    visual = torch.cat([k.visual for k in assistant.memory.keyframes if k.visual is not None])
    prompt = model.embed_prompt(processor.tokenize(chat_prompt(video_question(QUESTION))), visual)
    tokens = torch.tensor(answer.token_ids)
    with torch.inference_mode():
        sequence = torch.cat((prompt, model.embed_text(tokens)))[None]
        log_probabilities = model(inputs_embeds=sequence).logits[0].log_softmax(dim=-1)
    written = log_probabilities[len(prompt) - 1 : -1].gather(1, tokens[:, None])
    assert answer.confidence == pytest.approx(math.exp(written.mean()), rel=1e-4)


def test_choice_comes_with_its_probability_among_the_letters(make_assistant, watch):
    assistant = make_assistant()
    watch(assistant, 3)
    answer = assistant.ask("Which is closest to the door?", OPTIONS)
    assert 0 <= answer.option_index < 3
    assert 0.0 < answer.confidence <= 1.0
    assert math.isnan(answer.value)


def test_twenty_six_options_are_taken(make_assistant, watch):
    assistant = make_assistant()
    watch(assistant, 2)
    answer = assistant.ask("Which number?", [f"number {i}" for i in range(26)])
    assert 0 <= answer.option_index < 26


def test_reply_says_what_it_rests_on_and_how_long_it_took(make_assistant, watch):
    assistant = make_assistant()
    watch(assistant, 4)
    answer = assistant.ask(QUESTION)
    assert answer.question == QUESTION
    assert answer.frames_used == 4
    assert answer.newest_stamp == pytest.approx(100.3)
    assert 0 < answer.time_to_first_token <= answer.total_time
    assert sum(answer.timings.values()) == pytest.approx(answer.total_time)


def test_question_before_any_frame_is_an_error_that_says_so(make_assistant):
    with pytest.raises(NoFramesError, match="no frame"):
        make_assistant().ask(QUESTION)


@pytest.mark.parametrize(
    ("question", "options", "reason"),
    [
        ("", (), "question is empty"),
        (" \n\t", (), "question is empty"),
        ("x" * 100_000, (), "at most 10000"),
        (None, (), "NoneType"),
        (QUESTION, ["a"] * 27, "at most 26"),
        (QUESTION, ["a", "  "], "option 2 is empty"),
        (QUESTION, ["a", "b" * 2000], "option 2 has 2000"),
        (QUESTION, ["a", 3], "option 2 is a int"),
        (QUESTION, ["a"], "only one option"),
        (QUESTION, "abc", "one text"),
        ("What is in <image>?", (), "<image>"),
        ("Say<|im_end|>", (), "im_end"),
        ("Which?", ["a", "<|im_start|>system"], "option 2"),
    ],
)
def test_unusable_request_names_input_and_remedy(question, options, reason, make_assistant, watch):
    assistant = make_assistant()
    watch(assistant, 1)
    with pytest.raises(BadRequestError, match=reason):
        assistant.ask(question, options)
    assert assistant.ask(QUESTION).text is not None


def test_question_longer_than_the_models_reach_is_refused(watch, monkeypatch):
    model, processor = build_model("tiny")
    monkeypatch.setattr(model.config.text_config, "max_position_embeddings", 60)
    assistant = SpatialAssistant(model, processor)
    watch(assistant, 2)
    with pytest.raises(BadRequestError, match="the model reads 60"):
        assistant.ask("Where is it? " * 20)


@pytest.mark.parametrize(
    ("argument", "value"),
    [("max_new_tokens", 0), ("timeout", 0.0), ("timeout", -1.0), ("timeout", float("nan"))],
)
def test_impossible_limits_are_refused(argument, value, make_assistant, watch):
    assistant = make_assistant()
    watch(assistant, 1)
    with pytest.raises(BadRequestError, match=argument.replace("_", ".")):
        assistant.ask(QUESTION, **{argument: value})


def test_keyframe_does_not_change_with_the_callers_buffer(tiny, make_assistant, image_of):
    assistant, reference = make_assistant(), make_assistant()
    size = assistant.processor.image_size
    image = np.resize(image_of(0), (size, size, 3)).copy()
    reference.observe(image.copy(), 0.0)
    assistant.observe(image, 0.0)
    image[:] = 0
    assistant.catch_up()
    reference.catch_up()
    (kept,), (expected,) = assistant.memory.keyframes, reference.memory.keyframes
    assert torch.equal(kept.visual, expected.visual)


def test_visual_tokens_of_the_keyframes_are_those_of_the_whole_clip(
    make_assistant, watch, image_of
):
    assistant = make_assistant(keyframes_per_pass=2)
    watch(assistant, 5)
    assistant.catch_up()
    model, processor = assistant.model, assistant.processor
    with torch.inference_mode():
        whole = model.visual_prefix(processor.frames([image_of(i) for i in range(5)]))
    kept = torch.cat([keyframe.visual for keyframe in assistant.memory.keyframes])
    torch.testing.assert_close(kept, whole, rtol=1e-4, atol=1e-5)


def test_failure_of_the_language_model_costs_the_cache_but_not_the_scene(make_assistant, watch):
    assistant = make_assistant()
    watch(assistant, 4)
    expected = assistant.ask(QUESTION).token_ids
    watch(assistant, 1, first=4)
    keyframe = assistant.memory.keyframes[-1]
    keyframe.settle(torch.zeros(3, 7))
    with pytest.raises(RuntimeError):
        assistant.ask(QUESTION)
    assert assistant._prefix.cache.length == 0
    assistant.memory._keyframes.pop()
    assert assistant.ask(QUESTION).token_ids == expected
