"""What the language model has read of a scene, kept in step with the keyframes."""

import numpy as np
import torch

from vlm3r_ros.assistant.prefix_cache import PrefixCache
from vlm3r_ros.assistant.scene_memory import Keyframe, common_prefix
from vlm3r_ros.models.configuration import NewlinePosition
from vlm3r_ros.models.processing import Vlm3rProcessor
from vlm3r_ros.models.prompts import IMAGE_PLACEHOLDER, chat_prompt, split_at_image
from vlm3r_ros.models.vlm3r import Vlm3rForConditionalGeneration


class ScenePrefix:
    """What every prompt begins with: system prompt, user header, keyframes.

    It is read once, keyframe by keyframe as they come. When keyframes are dropped, what was read
    before the first dropped one stays valid and only the rest is read again. Not thread safe.

    Args:
        model: The vision-language model.
        processor: Its processor.
        keyframes_per_pass: Keyframes encoded and read at a time; more is faster, fewer lets a
            question in sooner.
    """

    def __init__(
        self,
        model: Vlm3rForConditionalGeneration,
        processor: Vlm3rProcessor,
        keyframes_per_pass: int = 4,
    ) -> None:
        if keyframes_per_pass < 1:
            raise ValueError(f"keyframes_per_pass is {keyframes_per_pass}; it must be at least 1")
        self.cache = PrefixCache(model.language_model)
        self._model = model
        self._processor = processor
        self._keyframes_per_pass = keyframes_per_pass
        self._serials: list[int] = []  # keyframes that were read
        self._ends: list[int] = []  # length of the cache after each of them
        header, _ = split_at_image(chat_prompt(IMAGE_PLACEHOLDER))
        self._header_ids = processor.tokenize(header)

    @property
    def num_keyframes(self) -> int:
        """Keyframes that were read."""
        return len(self._serials)

    def pending(self, keyframes: tuple[Keyframe, ...]) -> int:
        """How many of these keyframes are still to be read."""
        return len(keyframes) - common_prefix(self._serials, keyframes)

    @torch.inference_mode()
    def advance(self, keyframes: tuple[Keyframe, ...]) -> bool:
        """Does one pass of work towards having read just these keyframes; True when done."""
        self._cut_back(common_prefix(self._serials, keyframes))
        ahead = keyframes[len(self._serials) :][: self._keyframes_per_pass]
        if not ahead:
            return True
        self._encode([keyframe for keyframe in ahead if not keyframe.encoded])
        if not self.cache.length:
            self._read_header()
        visual = [keyframe.visual for keyframe in ahead if keyframe.visual is not None]
        start = self.cache.length
        self.cache.extend(torch.cat(visual)[None])
        lengths = [len(tokens) for tokens in visual]
        self._ends += (start + np.cumsum(lengths)).tolist()
        self._serials += [keyframe.serial for keyframe in ahead]
        return len(self._serials) == len(keyframes)

    def keyframe_starts(self) -> list[int]:
        """Where in the cache the visual tokens of each keyframe begin that was read."""
        return [len(self._header_ids), *self._ends[:-1]] if self._ends else []

    def question_start(self) -> torch.Tensor:
        """`[L, H]`: what stands between the last keyframe and the question (mostly nothing)."""
        newline = self._model.image_newline[None]
        needed = self._model.config.newline_position == NewlinePosition.ONE_TOKEN
        return newline if needed else newline[:0]

    def _cut_back(self, count: int) -> None:
        """Keeps the first `count` keyframes only; all goes if the cache was lost to an error."""
        if self._ends and self.cache.length < self._ends[-1]:
            count = 0
        if count == len(self._serials):
            return
        del self._serials[count:], self._ends[count:]
        length = self._ends[-1] if self._ends else min(len(self._header_ids), self.cache.length)
        self.cache.crop(length)

    def _read_header(self) -> None:
        ids = self._header_ids.to(self._model.device)
        self.cache.extend(self._model.embed_text(ids)[None])

    def _encode(self, keyframes: list[Keyframe]) -> None:
        """Fuses, projects and pools the visual tokens of keyframes, once in their life."""
        if not keyframes:
            return
        device, dtype = self._model.device, self._model.dtype
        images = [keyframe.image for keyframe in keyframes if keyframe.image is not None]
        camera_tokens = [k.camera_token for k in keyframes if k.camera_token is not None]
        patch_tokens = [k.patch_tokens for k in keyframes if k.patch_tokens is not None]
        visual = self._model.frame_tokens(
            self._processor.normalize(np.stack(images)).to(device, dtype),
            torch.cat(camera_tokens).to(device, dtype),
            torch.cat(patch_tokens).to(device, dtype),
        )
        for keyframe, tokens in zip(keyframes, visual, strict=True):
            # A copy: a row of the batch would keep the whole batch in memory.
            keyframe.settle(tokens.clone())
