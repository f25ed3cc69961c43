import pytest

from vlm3r_ros.models.prompts import video_question
from vlm3r_ros.training.instruct.corpus import question_tokenizer
from vlm3r_ros.training.instruct.mentions import MentionFinder, OptionFinder


@pytest.fixture(scope="module", params=[600, 2048])
def tokenizer(request):
    return question_tokenizer(request.param)


def test_names_of_several_words_and_plurals_are_found():
    tokenizer = question_tokenizer(2048)
    ids = tokenizer.encode("a trash bin, two bookshelves and the washing machine of frame 12")
    assert [mention for _, mention in MentionFinder(tokenizer).find(ids)] == [
        "trash bin",
        "bookshelf",
        "washing machine",
        11,
    ]


@pytest.mark.parametrize("post_prompt", [None, "Answer.", "\nAnswer."])
def test_options_are_found_by_their_letters(tokenizer, post_prompt):
    options = ("A. washing machine", "B. frame 7", "C. 1.5")
    text = video_question("Which is it?", options, post_prompt=post_prompt)
    ids = tokenizer.encode(text)
    found = OptionFinder(tokenizer).find(ids)
    assert [tokenizer.decode([letter]) for letter in found] == ["A", "B", "C"]
    for option, end in zip(options, found.values(), strict=True):
        assert tokenizer.decode(ids[: end + 1]).endswith("\n" + option)


def test_a_question_without_options_offers_none(tokenizer):
    ids = tokenizer.encode(video_question("How far is A. the chair?\nB then."))
    assert OptionFinder(tokenizer).find(ids) == {}
