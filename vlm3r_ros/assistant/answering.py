"""A question's own part of the work: read its words behind the scene, write the answer."""

import math
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from vlm3r_ros.assistant.errors import AnswerTimeoutError, BadRequestError
from vlm3r_ros.assistant.number_reading import NumberReader
from vlm3r_ros.assistant.quantities import Quantity, read_quantity
from vlm3r_ros.assistant.scene_prefix import ScenePrefix
from vlm3r_ros.models.configuration import NumberDecoding
from vlm3r_ros.models.grouped_attention import watching_attention
from vlm3r_ros.models.processing import Vlm3rProcessor
from vlm3r_ros.models.prompts import MAX_OPTIONS, OPTION_LETTERS, chat_prompt, split_at_image
from vlm3r_ros.models.prompts import video_question as video_question_text
from vlm3r_ros.models.vlm3r import Vlm3rForConditionalGeneration

_NAMES_FRAME = re.compile(r"\bframe \d", re.IGNORECASE)


@dataclass(frozen=True)
class Answer:
    """An answer, how sure it is, and what it rests on.

    Attributes:
        text: The model's words.
        question: What was asked.
        option_index: The option chosen, from 0; -1 where no options were given. It is the one
            whose letter the text gives, else the one whose words it gives, else the one whose
            letter was likeliest.
        value: First number in the text, in `unit`; NaN where there is none, and with options.
        unit: See `Quantity.unit`.
        confidence: In [0, 1]. Without options the geometric mean of the probabilities of the
            answer's tokens. With options the probability of the chosen letter among the letters
            given.
        frames_used: Keyframes that the answer rests on.
        newest_stamp: Time in seconds at which the newest of them was taken.
        time_to_first_token: Seconds from the question to the first token, all waiting included.
        total_time: Seconds from the question to the answer.
        timings: Seconds by part: `waiting` (for earlier questions), `catching_up` (keyframes not
            yet read), `reading` (the question), `writing` (the answer).
        token_ids: The answer's tokens, without the end of the turn.
    """

    text: str
    question: str
    option_index: int = -1
    value: float = math.nan
    unit: str = ""
    confidence: float = 0.0
    frames_used: int = 0
    newest_stamp: float = math.nan
    time_to_first_token: float = 0.0
    total_time: float = 0.0
    timings: dict[str, float] = field(default_factory=dict)
    token_ids: tuple[int, ...] = ()


@dataclass(frozen=True)
class QuestionLimits:
    """How long a question and its options may be, in characters."""

    max_question: int = 10_000
    max_option: int = 1_000


@dataclass
class Generation:
    """Chosen tokens.

    Attributes:
        token_ids: Without the end of the turn.
        log_probabilities: Of each token of `token_ids`, and of the end of the turn if it was
            reached.
        letters: `[steps, letters]`, at each step the probability of every letter among the letters.
        first_token_time: `time.perf_counter()` when the first token was known.
    """

    token_ids: list[int] = field(default_factory=list)
    log_probabilities: list[float] = field(default_factory=list)
    letters: list[list[float]] = field(default_factory=list)
    first_token_time: float = math.nan


class Answerer:
    """Asks one question of a scene that the language model has read. Not thread safe.

    Args:
        model: The vision-language model.
        processor: Its processor.
        prefix: The scene; as long as before when an answer is done, or has failed.
    """

    def __init__(
        self,
        model: Vlm3rForConditionalGeneration,
        processor: Vlm3rProcessor,
        prefix: ScenePrefix,
    ) -> None:
        self._model = model
        self._processor = processor
        self._prefix = prefix
        self._end_ids = _end_ids(model, processor)
        self._numbers: NumberReader | None = None
        if model.config.number_decoding == NumberDecoding.EXPECTED:
            self._numbers = NumberReader(model, processor, self._end_ids)
        self._letter_ids = [int(processor.tokenize(letter)[0]) for letter in OPTION_LETTERS]

    @torch.inference_mode()
    def generate(
        self,
        question: str,
        options: Sequence[str],
        *,
        max_new_tokens: int,
        deadline: float = math.inf,
        time_instruction: str | None = None,
    ) -> Generation:
        """Reads the question and writes the answer's tokens, the likeliest each time.

        Where the model's configuration says so (`number_decoding`), an answer that is but a number
        is the one that is expected to be least wrong.

        Args:
            question: The question alone.
            options: Answers to choose from, with or without their letters.
            max_new_tokens: The answer ends here at the latest.
            deadline: On the clock of `time.perf_counter()`.
            time_instruction: A sentence on when the keyframes were taken, if wanted.

        Raises:
            AnswerTimeoutError: The deadline passed; looked at between tokens.
            BadRequestError: Scene and question together are longer than the model can read.
        """
        text = video_question_text(question, options, time_instruction=time_instruction)
        _, suffix = split_at_image(chat_prompt(text))
        ids = self._processor.tokenize(suffix).to(self._model.device)
        words = self._model.embed_text(ids)
        embeds = torch.cat((self._prefix.question_start().to(words.dtype), words))[None]
        cache = self._prefix.cache
        scene_length = cache.length
        letter_ids = torch.tensor(self._letter_ids[: len(options)], device=self._model.device)
        result = Generation()
        self._make_room(question, embeds.shape[1] + max_new_tokens)
        try:
            while True:
                logits = cache.extend(embeds)[0].float()
                token = int(logits.argmax())
                if math.isnan(result.first_token_time):
                    if not options and self._read_number(token, logits, max_new_tokens, result):
                        return result
                    result.first_token_time = time.perf_counter()
                result.log_probabilities.append(float(logits[token] - logits.logsumexp(dim=0)))
                if len(letter_ids):
                    result.letters.append(logits[letter_ids].softmax(dim=0).tolist())
                if token in self._end_ids:
                    return result
                result.token_ids.append(token)
                if len(result.token_ids) >= max_new_tokens:
                    return result
                if time.perf_counter() > deadline:
                    raise AnswerTimeoutError(
                        f"the time was up after {len(result.token_ids)} tokens of the answer; "
                        "allow more time or fewer tokens"
                    )
                embeds = self._model.embed_text(torch.tensor([[token]], device=embeds.device))
        finally:
            # Shorter only if the cache was lost to an error.
            cache.crop(min(scene_length, cache.length))

    def _read_number(
        self, token: int, logits: Tensor, max_new_tokens: int, result: Generation
    ) -> bool:
        """Writes an answer that is but a number as a whole; False where it is to be spelled."""
        if self._numbers is None or not self._numbers.begins(token):
            return False
        number = self._numbers.read(self._prefix.cache, logits)
        if number is None or len(number.token_ids) > max_new_tokens:
            return False
        result.token_ids = list(number.token_ids)
        result.log_probabilities = list(number.log_probabilities)
        result.first_token_time = time.perf_counter()
        return True

    @torch.inference_mode()
    def attend(self, question: str, words: str, heads: Sequence[tuple[int, int]]) -> Tensor:
        """Where the language model looks in the keyframes while it reads some words of a question.

        Mean over the tokens of the words and the last token, from which the answer is told.

        Args:
            question: The question alone; holds the words.
            words: The words for a thing, as they stand in the question.
            heads: Layer and head of each attention head that is asked for.

        Returns:
            float32 `[H, K, rows, columns]`: each head's weight of each patch of each keyframe that
            was read.

        Raises:
            BadRequestError: The question does not hold the words, or is too long.
        """
        if words not in question:
            raise BadRequestError(f"the question {question!r} does not hold the words {words!r}")
        _, suffix = split_at_image(chat_prompt(video_question_text(question)))
        ids = self._processor.tokenize(suffix).to(self._model.device)
        start = self._prefix.question_start()
        # Where a tokenizer joins the words to what stands before them, the joint token counts too.
        at = suffix.index(question) + question.index(words)
        before = len(self._processor.tokenize(suffix[:at].rstrip(" ")))
        after = len(self._processor.tokenize(suffix[: at + len(words)]))
        rows = sorted({*range(before, max(after, before + 1)), len(ids) - 1})
        embedded = self._model.embed_text(ids)
        embeds = torch.cat((start.to(embedded.dtype), embedded))[None]
        cache = self._prefix.cache
        scene_length = cache.length
        self._make_room(question, embeds.shape[1])
        try:
            with watching_attention([len(start) + row for row in rows]) as seen:
                cache.extend(embeds)
        finally:
            cache.crop(min(scene_length, cache.length))
        return self._patches(torch.stack([seen[layer][head] for layer, head in heads]))

    def _patches(self, weights: Tensor) -> Tensor:
        """Weights `[H, S]` of all tokens -> of the keyframes' patches `[H, K, rows, columns]`."""
        positions = self._model.patch_positions
        starts = torch.tensor(self._prefix.keyframe_starts(), dtype=torch.int64)
        return weights.cpu()[:, starts[:, None, None] + positions]

    def conclude(
        self, question: str, options: Sequence[str], generation: Generation
    ) -> tuple[str, int, Quantity, float]:
        """What the tokens say: text, option index, quantity, confidence."""
        text = self._processor.decode(generation.token_ids)
        if options:
            index, confidence = self._choose(text, options, generation)
            return text, index, Quantity(), confidence
        return text, -1, read_quantity(text, question), _geometric_mean(generation)

    def _choose(
        self, text: str, options: Sequence[str], generation: Generation
    ) -> tuple[int, float]:
        """The option that an answer means, and its letter's probability among the letters."""
        named = named_letter(text, len(options))
        if named >= 0:
            # Where a letter was written is where it competed with the others.
            wanted = OPTION_LETTERS[named]
            for token, letters in zip(generation.token_ids, generation.letters, strict=False):
                if self._processor.decode([token]).strip(" ().").upper() == wanted:
                    return named, letters[named]
            return named, generation.letters[0][named]
        first = generation.letters[0]
        spelled = [i for i, option in enumerate(options) if _words(option) == _words(text)]
        index = spelled[0] if spelled else first.index(max(first))
        return index, first[index]

    def _make_room(self, question: str, tokens: int) -> None:
        """Leaves a gap where the model needs one (`numbered_frames` of its configuration).

        Raises:
            BadRequestError: the question and its answer, of so many tokens, would end too far on.
        """
        config, cache = self._model.config, self._prefix.cache
        missing = config.numbered_frames - self._prefix.num_keyframes
        gap = 0
        if missing > 0 and _NAMES_FRAME.search(question):
            gap = missing * self._model.tokens_per_frame
        length = cache.length + gap + tokens
        limit = config.text_config.max_position_embeddings
        if length > limit:
            raise BadRequestError(
                f"scene, question and answer are {length} tokens long, the model reads {limit}: "
                "shorten the question, or keep fewer keyframes"
            )
        if gap:
            cache.leave_gap(gap)


def check_request(question: str, options: Sequence[str], limits: QuestionLimits) -> None:
    """Refuses what cannot be asked.

    Raises:
        BadRequestError: Names the input and the remedy.
    """
    if not isinstance(question, str):
        raise BadRequestError(f"the question is a {type(question).__name__}; give text")
    if len(question) > limits.max_question:
        raise BadRequestError(
            f"the question has {len(question)} characters; use at most {limits.max_question}"
        )
    if isinstance(options, str):
        raise BadRequestError("the options are one text; give a list with one text per option")
    if len(options) > MAX_OPTIONS:
        raise BadRequestError(
            f"{len(options)} options were given; use at most {MAX_OPTIONS}, one per letter"
        )
    if len(options) == 1:
        raise BadRequestError("only one option was given; give at least two, or none")
    for number, option in enumerate(options, start=1):
        if not isinstance(option, str):
            raise BadRequestError(f"option {number} is a {type(option).__name__}; give text")
        if len(option) > limits.max_option:
            raise BadRequestError(
                f"option {number} has {len(option)} characters; use at most {limits.max_option}"
            )
    try:
        video_question_text(question, options)
    except ValueError as error:
        raise BadRequestError(f"{error}; please reword it") from error


def named_letter(text: str, num_options: int) -> int:
    """Index of the option whose letter an answer gives; -1 if it gives none.

    "B", "(b)", "C. chair" and "the answer is D" give one, "a chair" does not.
    """
    letters = OPTION_LETTERS[:num_options]
    patterns = (
        rf"\(?([{letters}{letters.lower()}])\)?[.:]?",  # the letter alone, in either case
        rf"\(?([{letters}])(?:\)|\.|:|\s*$|\s*,).*",
        rf".*\b(?:answer|option|choice)(?:\s+is)?:?\s+\(?([{letters}])\b.*",
    )
    for pattern in patterns:
        match = re.fullmatch(pattern, text.strip(), re.DOTALL)
        if match:
            return letters.index(match.group(1).upper())
    return -1


def _words(text: str) -> list[str]:
    """The words of a text or an option, in lower case, without an option's letter."""
    return re.findall(r"\w+", re.sub(r"^[A-Z]\. ", "", text).lower())


def _geometric_mean(generation: Generation) -> float:
    # The end of the turn is no part of the answer, unless there is nothing else.
    count = len(generation.token_ids) or 1
    return math.exp(sum(generation.log_probabilities[:count]) / count)


def _end_ids(model: Vlm3rForConditionalGeneration, processor: Vlm3rProcessor) -> frozenset[int]:
    """Tokens that end an answer: those of the generation settings and the tokenizer's own."""
    configured = model.generation_config.eos_token_id if model.generation_config else None
    ids = configured if isinstance(configured, (list, tuple)) else [configured]
    return frozenset(
        int(token) for token in (*ids, processor.tokenizer.eos_token_id) if token is not None
    )
