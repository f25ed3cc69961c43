import subprocess
import sys
from pathlib import Path

import pytest

from vlm3r_ros.models.prompts import (
    IM_END,
    IM_START,
    chat_prompt,
    split_at_image,
    time_instruction,
    video_question,
)
from vlm3r_ros.models.tokenization import build_tokenizer, learn_tokenizer

REPOSITORY = Path(__file__).resolve().parents[2]
FINGERPRINT = (
    "import hashlib, vlm3r_ros.models.tokenization as t;"
    "print(hashlib.sha256(t.build_tokenizer(1536).backend_tokenizer.to_str().encode()).hexdigest())"
)


@pytest.fixture(scope="module")
def tokenizer():
    return build_tokenizer(1536)


def test_vocabulary_is_as_big_as_asked(tokenizer):
    assert len(tokenizer) == 1536
    assert len(build_tokenizer(512)) == 512


def test_two_processes_build_the_same_vocabulary():
    command = [sys.executable, "-c", FINGERPRINT]
    runs = [subprocess.check_output(command, cwd=REPOSITORY) for _ in range(2)]
    assert runs[0] == runs[1] != b""


@pytest.mark.parametrize(
    "text",
    [
        "How far is the sofa from the window?\nOptions:\nA. 1.5 m\nB. 2 m",
        "  spaces,\ttabs\r\nand Zürich — 数字 🤖",
        "<|im_start|>user\nhi<|im_end|>\n",
        "",
    ],
)
def test_text_survives_a_round_trip(tokenizer, text):
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert tokenizer.decode(ids) == text


def test_template_marks_and_digits_are_single_tokens(tokenizer):
    for mark in (IM_START, IM_END, "<|endoftext|>"):
        assert len(tokenizer(mark)["input_ids"]) == 1
    assert len(tokenizer("12345")["input_ids"]) == 5
    assert tokenizer.eos_token == IM_END
    assert tokenizer.pad_token == "<|endoftext|>"


def test_words_of_the_domain_take_few_tokens(tokenizer):
    question = "Is the sofa to the left of the window?"
    assert len(tokenizer(question)["input_ids"]) <= 12


def test_suffix_tokenised_alone_equals_the_whole_prompt_split(processor):
    questions = [
        video_question("How many chairs can you see?"),
        video_question("Which is nearer?", ["the sofa", "the door"]),
        video_question("Où est-ce?", time_instruction=time_instruction(3.0, [0.0, 1.5])),
    ]
    for question in questions:
        prompt = chat_prompt(question)
        whole = processor.tokenize(prompt).tolist()
        at = whole.index(processor.image_token_index)
        prefix, suffix = split_at_image(prompt)
        assert processor.tokenize(prefix).tolist() == whole[:at]
        assert processor.tokenize(suffix).tolist() == whole[at + 1 :]


def test_vocabulary_smaller_than_the_bytes_is_refused():
    with pytest.raises(ValueError, match="at least 259 tokens, got 100"):
        build_tokenizer(100)


def test_a_phrase_is_one_token_wherever_it_stands():
    phrase = "\nPlease answer."
    tokenizer = learn_tokenizer(["How many chairs?"] * 9, 300, [phrase])
    assert len(tokenizer) <= 300
    ids = tokenizer(f"How many?{phrase} 12")["input_ids"]
    assert ids.count(tokenizer.convert_tokens_to_ids(phrase)) == 1
    assert tokenizer.decode(ids) == f"How many?{phrase} 12"
    assert tokenizer.decode(ids, skip_special_tokens=True) == f"How many?{phrase} 12"
