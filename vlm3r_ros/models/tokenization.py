"""The small models' own byte-level BPE tokenizer, learned from sentences written here.

The corpus covers what a spatial assistant is asked and answers; any other text still tokenises,
byte by byte where need be. The same code gives the same vocabulary every time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import product

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from vlm3r_ros.models.prompts import (
    CHOICE_POST_PROMPT,
    END_OF_TEXT,
    IM_END,
    IM_START,
    NUMERIC_POST_PROMPT,
    OPTION_LETTERS,
    OPTIONS_HEADER,
    SYSTEM_PROMPT,
    VIDEO_NOTE,
    time_instruction,
)


def _words(text: str, separator: str | None = None) -> tuple[str, ...]:
    return tuple(" ".join(word.split()) for word in text.split(separator))


OBJECTS = _words(
    """air conditioner, apple, armchair, backpack, bag, ball, banana, basin, basket, bath towel,
    bathtub, battery, bed, bench, bicycle, bin, blanket, blinds, board, book, bookshelf, bottle,
    bowl, box, broom, bucket, bulletin board, bunk bed, cabinet, cable, camera, candle, carpet,
    cart, ceiling lamp, ceiling light, chair, charger, clock, closet, clothes, coat hanger,
    coffee machine, coffee table, column, computer mouse, computer tower, container, copier, couch,
    counter, crate, cup, cupboard, curtain, cushion, cutting board, desk, desk lamp, dining table,
    dish rack, dishwasher, doll, door, drawer, dresser, dryer, exhaust fan, fan, faucet,
    file cabinet, fire extinguisher, fireplace, flag, floor lamp, flower pot, folder, fork, frame,
    fridge, fruit bowl, garbage bag, glass, guitar, hair dryer, hand rail, handbag, hat, headphones,
    heater, helmet, jacket, jar, kettle, keyboard, kitchen cabinet, kitchen island, knife, ladder,
    lamp, laptop, laundry basket, light switch, locker, luggage, magazine, mat, mattress,
    microwave, mirror, monitor, mop, mug, music stand, napkin, nightstand, notebook, office chair,
    ottoman, oven, painting, pan, pants, paper bag, paper towel, pen, pencil, phone, piano, picture,
    pillow, pipe, plant, plant pot, plate, poster, pot, power socket, power strip, printer,
    projector, rack, radiator, radio, recycling bin, refrigerator, remote control, robot, rope, rug,
    scale, scissors, screen, shelf, shirt, shoe rack, shoes, shopping bag, shower, shower curtain,
    sign, sink, slippers, smoke detector, soap, soap dispenser, sofa, speaker, sponge, spoon,
    spray bottle, stairs, stand, stapler, statue, stool, storage box, stove, stuffed animal,
    suitcase, table, table lamp, tap, teapot, telephone, television, tissue box, toaster, toilet,
    toilet brush, toilet paper, toilet seat, toolbox, toothbrush, towel, toy, trash bin, trash can,
    tray, treadmill, tripod, tube, tv, tv stand, umbrella, vacuum cleaner, vase, vent, wall,
    wardrobe, washing machine, water bottle, water cooler, whiteboard, whiteboard eraser, window,
    window sill, wine bottle""",
    separator=",",
)
PLACES = _words(
    """basement bathroom bedroom classroom corner corridor dining entrance garage hallway house
    kitchen laboratory lobby lounge office room shop stairway storage studio warehouse workshop"""
)
DIRECTIONS = _words(
    """left right up down front back behind ahead forward backward near far above below beside
    between inside outside front-left front-right back-left back-right higher lower closer
    nearer farther around across under over opposite next towards away straight clockwise north
    south east west middle centre center first second third last top bottom side turned moved
    rotated"""
)
DESCRIPTIONS = _words(
    """big black blue brown bright broken clean closed cold colour dark dirty empty flat free full
    gray green grey heavy hot large light locked long metal narrow new old open orange pink
    plastic purple red round short silver small soft square tall thin transparent visible warm
    wet white wide wooden yellow zero one two three four five six seven eight nine ten eleven
    twelve"""
)
UNITS = _words(
    """centimeters centimetres degrees feet meters metres millimetres minutes seconds square"""
)
COMMANDS = _words(
    """bring check clean count describe drive find follow go grab guide inspect lead look measure
    move navigate open pick place point put reach remember return search see show start stop
    take tell turn wait walk watch"""
)

_OBJECT_SENTENCES = (
    "How many {a}s can you see in this room?",
    "Where is the {a}?",
    "Is there a {a} near the {b}?",
    "What is the distance between the {a} and the {b} in meters?",
    "At their nearest points, how far apart are the {a} and the {b}?",
    "Which of these objects is closest to the {a}: the {b} or the wall?",
    "How long is the longest side of the {a} in centimeters?",
    "When I stand at the {a} and face the {b}, is the door on my left, right or back?",
    "Which one appears first in the video, the {a} or the {b}?",
    "Is the {a} to the left or to the right of the {b} in frame 12 of 32?",
    "How far is the camera from the {a} in frame 7 of 32?",
    "In the current view, is the {a} nearer than the {b}?",
    "Go to the {a}, then turn towards the {b}.",
    "The {a} is on the table behind the {b}, about 1.5 metres ahead of you.",
    "I cannot see a {a}; the {b} is next to the window.",
    "Turn left and move forward to reach the {a}.",
)
_PLACE_SENTENCES = (
    "What is the size of this {place} in square meters?",
    "Which way should I go to leave the {place}?",
    "Am I in the {place} or in another room?",
    "You are in the {place}; the exit is behind you.",
    "What can you see in the {place}?",
    "Describe the {place} and the objects in it.",
)
_FIXED_SENTENCES = (
    "How many meters lie between the camera in frame 3 and in frame 28 of 32?",
    "From frame 1 to frame 32, which way did the camera move in its own view?",
    "Which way did the camera mostly move while these frames were taken?",
    "About how many meters away from its start is the camera at the end?",
    "I start at the door and look at the window. How do I get to the sofa?",
    "Complete this route: 1. Go forward to the table. 2. ... 3. Go forward to the sofa.",
    "Turn Left. Turn Right. Turn Back. Go forward.",
    "yes no none unknown maybe not sure there is are it was were has have does do did can could",
    "what where which who when why how many much far long large often the a an of to from in on at",
    "The answer is A. The answer is B. The answer is C. The answer is D.",
)


def corpus() -> Iterator[str]:
    """The sentences that the vocabulary is learned from, always the same in the same order."""
    for index, name in enumerate(OBJECTS):
        other = OBJECTS[(7 * index + 3) % len(OBJECTS)]
        for sentence in _OBJECT_SENTENCES:
            yield sentence.format(a=name, b=other)
    for sentence, place in product(_PLACE_SENTENCES, PLACES):
        yield sentence.format(place=place)
    for words in (DIRECTIONS, DESCRIPTIONS, UNITS, COMMANDS, PLACES):
        for word in words:
            # Bare, as an answer or an option starts with it, and after a space.
            yield from (word, word.capitalize(), f"{word.capitalize()} {word} {word}")
    # Often enough that the layout every prompt shares costs few tokens.
    for _ in range(64):
        yield f"system\n{SYSTEM_PROMPT}user\nassistant\n"
        yield f"\n{VIDEO_NOTE}\n{OPTIONS_HEADER}\nA. yes\n{CHOICE_POST_PROMPT}"
        yield f"\n{NUMERIC_POST_PROMPT}"
        yield time_instruction(21.5, (0.0, 0.69, 1.39))
        yield from _FIXED_SENTENCES
    for letter in OPTION_LETTERS:
        yield f"\n{letter}. {letter}"


def build_tokenizer(vocab_size: int) -> PreTrainedTokenizerFast:
    """The tokenizer of `corpus()`, of at most `vocab_size` tokens; see `learn_tokenizer`."""
    return _wrap(Tokenizer.from_str(_learn_own(vocab_size)))


def learn_tokenizer(
    sentences: Iterable[str],
    vocab_size: int,
    phrases: Sequence[str] = (),
    terms: Sequence[str] = (),
) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer with the chat template's special tokens.

    Digits stay single tokens. The end of a turn is the end of a sequence; padding is
    `<|endoftext|>`.

    Args:
        sentences: what the vocabulary is learned from.
        vocab_size: the most tokens that it may have.
        phrases: texts that become one token each wherever they stand.
        terms: the same, where they are no part of a longer word or number.

    Raises:
        ValueError: if `vocab_size` does not leave room for all bytes, phrases, terms and special
            tokens.
    """
    tokenizer = _learn(sentences, vocab_size - len(phrases) - len(terms))
    tokenizer.add_tokens([AddedToken(phrase, normalized=False) for phrase in phrases])
    tokenizer.add_tokens([AddedToken(term, normalized=False, single_word=True) for term in terms])
    return _wrap(tokenizer)


def _wrap(tokenizer: Tokenizer) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=IM_END,
        pad_token=END_OF_TEXT,
        additional_special_tokens=[IM_START],
        clean_up_tokenization_spaces=False,
    )


@cache
def _learn_own(vocab_size: int) -> str:
    return str(_learn(corpus(), vocab_size).to_str())


def _learn(sentences: Iterable[str], vocab_size: int) -> Tokenizer:
    special_tokens = [END_OF_TEXT, IM_START, IM_END]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    if vocab_size < len(alphabet) + len(special_tokens):
        raise ValueError(
            f"a byte-level vocabulary needs at least {len(alphabet) + len(special_tokens)} tokens, "
            f"got {vocab_size}"
        )
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            # Digits one by one: numbers are read and written place by place.
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=2,
        special_tokens=special_tokens,
        initial_alphabet=alphabet,
        show_progress=False,
    )
    tokenizer.train_from_iterator(sentences, trainer=trainer)
    return tokenizer
