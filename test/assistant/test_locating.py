import numpy as np
import pytest
import torch

from vlm3r_ros.assistant import AnswerTimeoutError, BadRequestError, Locator
from vlm3r_ros.assistant.answering import Answer
from vlm3r_ros.assistant.locating import asked_locator
from vlm3r_ros.models.prompts import chat_prompt, video_question
from vlm3r_ros.navigation.hint import HintStatus
from vlm3r_ros.navigation.target import TargetStatus


@pytest.fixture
def watching(make_assistant, watch, every_frame):
    assistant = make_assistant(frame_buffer=every_frame, max_new_tokens=4)
    watch(assistant, 5)
    return assistant


def answering(texts):
    return lambda question, left: Answer(
        texts[question.split()[0]], question, value=float(texts.get("value", "nan")), confidence=0.8
    )


def test_what_the_model_says_of_a_place_is_lifted_to_the_map(watching):
    pose = watching.navigator.T_map_camera
    said = {
        "Where": "35 degrees left, 2.4 meters",
        "In": "30 degrees left, 2.5 meters",
        "Give": "40 degrees left, 2.3 meters",
        "How": "1",
        "value": "1",
    }
    target = asked_locator(answering(said), np.inf).locate("sofa", pose)
    assert target.status is TargetStatus.FOUND
    assert np.linalg.norm(target.position[:2] - pose[:2, 3]) == pytest.approx(2.4, abs=0.05)


def test_answers_that_are_no_places_give_no_place(watching):
    texts = dict.fromkeys(("Where", "In", "Give", "How"), "a chair")
    target = asked_locator(answering(texts), np.inf).locate("sofa", np.eye(4))
    assert target.status is TargetStatus.UNSURE
    assert not target.has_place


def test_time_that_is_up_is_said():
    with pytest.raises(AnswerTimeoutError, match="more time"):
        asked_locator(answering({}), 0.0).locate("sofa", np.eye(4))


@pytest.mark.parametrize("locator", Locator)
def test_an_untrained_model_names_no_place_with_confidence(watching, locator):
    target = watching.locate("sofa", locator=locator)
    assert target.name == "sofa"
    assert not target.has_place or target.confidence < 0.9
    hint = watching.guide(question="Take me to the sofa!", locator=locator)
    assert hint.target == "sofa"
    assert hint.instruction


def test_without_a_name_there_is_nothing_to_look_for(watching):
    assert watching.locate(question="What colour is it?").status is TargetStatus.NOT_NAMED
    assert watching.guide(question="Go!").status is HintStatus.NOT_NAMED


def test_before_the_first_frame_nothing_was_seen(make_assistant):
    assert make_assistant().guide("sofa").status is HintStatus.NO_FRAMES


def test_a_senseless_timeout_is_refused(watching):
    with pytest.raises(BadRequestError, match="timeout"):
        watching.locate("sofa", timeout=0.0)


def test_an_unknown_locator_is_refused(watching):
    with pytest.raises(ValueError, match="guessed"):
        watching.locate("sofa", locator="guessed")


def test_a_reset_forgets_the_map(watching):
    assert watching.navigator.pointmaps
    watching.reset()
    assert watching.navigator.session_id is None
    assert watching.guide("sofa").status is HintStatus.NO_FRAMES


def test_pointmaps_are_kept_of_keyframes_alone(make_assistant, watch, every_frame):
    assistant = make_assistant(frame_buffer=every_frame, max_keyframes=4)
    watch(assistant, 11)
    stamps = {keyframe.stamp for keyframe in assistant.memory.keyframes}
    kept = set(assistant.navigator.pointmaps)
    assert stamps <= kept
    assert len(kept - stamps) <= assistant.memory.stride


def test_attention_is_that_of_the_words_to_the_patches(watching, tiny):
    """Against weights that transformers' eager attention tells, worked out in one pass."""
    model, processor = tiny
    assert watching.catch_up()
    answerer, prefix = watching._answerer, watching._prefix
    question = "Where is the sofa now?"
    heads = model.config.heads_that_localize()
    weights = answerer.attend(question, "sofa", heads).mean(0)
    rows, columns = weights.shape[1:]
    assert weights.shape[0] == len(watching.memory)
    assert rows * columns == model.tokens_per_frame - rows  # a newline ends each row

    ids = processor.tokenize(chat_prompt(video_question(question)).partition("<image>")[2])
    header = processor.tokenize(chat_prompt("<image>").partition("<image>")[0])
    visual = [keyframe.visual for keyframe in watching.memory.keyframes]
    embeds = torch.cat([model.embed_text(header), *visual, model.embed_text(ids)])[None]
    before, kind = prefix.cache.length, model.language_model.config._attn_implementation
    model.language_model.set_attn_implementation("eager")
    try:
        with torch.inference_mode():
            seen = model.language_model(inputs_embeds=embeds, output_attentions=True).attentions
    finally:
        model.language_model.set_attn_implementation(kind)
    text = chat_prompt(video_question(question)).partition("<image>")[2]
    start = len(processor.tokenize(text[: text.index("sofa")].rstrip(" ")))
    stop = len(processor.tokenize(text[: text.index("sofa") + 4]))
    asked = [*range(start, stop), len(ids) - 1]
    at = embeds.shape[1] - len(ids) + torch.tensor(asked)
    expected = torch.stack([seen[layer][0, head][at].mean(0) for layer, head in heads]).mean(0)
    first = expected[len(header) : len(header) + model.tokens_per_frame].view(rows, columns + 1)
    torch.testing.assert_close(weights[0], first[:, :columns], rtol=1e-4, atol=1e-7)
    assert prefix.cache.length == before


def test_words_that_are_not_in_the_question_are_refused(watching):
    watching.catch_up()
    with pytest.raises(BadRequestError, match="does not hold"):
        watching._answerer.attend("Where is the sofa now?", "bed", [(0, 0)])
