import pytest

from vlm3r_ros.navigation.vocabulary import SYNONYMS, target_name
from vlm3r_ros.worlds.furniture.catalog import CATEGORIES


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("Where is the sofa?", "sofa"),
        ("Take me to the door", "door"),
        ("Take me to the fridge, please!", "refrigerator"),
        ("where's the   COUCH", "sofa"),
        ("Which way are the chairs?", "chair"),
        ("How do I get to the washing machine from here?", "washing machine"),
        ("Find the lamp on the desk", "lamp"),
        ("Is there a trash can near the table?", "trash bin"),
        ("Bring me to the bookshelves", "bookshelf"),
        ("Where is the bedside table?", "nightstand"),
        ("Where is my umbrella?", "umbrella"),
        ("Lead us to the coat rack now", "coat rack"),
        ("Show me the nearest vending machine.", "vending machine"),
        ("Where is it?", None),
        ("What a lovely day", None),
        ("", None),
    ],
)
def test_a_question_names_its_object(question, name):
    assert target_name("", question) == name


def test_the_request_s_own_field_goes_before_the_question():
    assert target_name("the Couch", "Where is the door?") == "sofa"
    assert target_name("  my umbrella ", "Where is the door?") == "umbrella"
    assert target_name("   ", "Where is the door?") == "door"


def test_every_category_of_the_worlds_is_known_and_no_word_means_two_things():
    assert set(CATEGORIES) <= set(SYNONYMS)
    words = [word for name, others in SYNONYMS.items() for word in (name, *others)]
    assert len(words) == len(set(words))


def test_words_are_not_found_within_other_words():
    assert target_name("", "Where is the bedrock?") == "bedrock"
