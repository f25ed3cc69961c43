"""A key/value cache that can be added to, read and cut back without copying what it holds."""

from typing import Any

import torch
from transformers import PreTrainedModel
from transformers.cache_utils import Cache, DynamicLayer

_CHUNK = 256  # tokens; buffers are whole multiples of this
_GROWTH = 1.5  # a buffer that is too small grows at least by this factor, so that copies are rare


class GrowingLayer(DynamicLayer):
    """One layer's keys and values, `[B, heads, length, head_dim]`, as views of larger buffers.

    The dynamic layer of transformers concatenates: each token copies the whole cache. Here a
    token is written behind the last one, and cutting back only shortens the view.
    """

    def __init__(self) -> None:
        super().__init__()
        self._key_buffer: torch.Tensor | None = None
        self._value_buffer: torch.Tensor | None = None

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: Any, **kwargs: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Writes new keys and values `[B, heads, L, head_dim]` and returns views of all of them."""
        start = self.get_seq_length()
        stop = start + key_states.shape[-2]
        self._key_buffer = _reserve(self._key_buffer, self.keys, key_states, stop)
        self._value_buffer = _reserve(self._value_buffer, self.values, value_states, stop)
        self.dtype, self.device, self.is_initialized = key_states.dtype, key_states.device, True
        self._key_buffer[:, :, start:stop] = key_states
        self._value_buffer[:, :, start:stop] = value_states
        self.keys = self._key_buffer[:, :, :stop]
        self.values = self._value_buffer[:, :, :stop]
        return self.keys, self.values

    def reset(self) -> None:
        """Frees the buffers."""
        self._key_buffer = self._value_buffer = None
        super().reset()

    @property
    def capacity(self) -> int:
        """Tokens for which there is room without growing."""
        return 0 if self._key_buffer is None else self._key_buffer.shape[-2]


def _reserve(
    buffer: torch.Tensor | None, held: torch.Tensor | None, new: torch.Tensor, length: int
) -> torch.Tensor:
    """A buffer with room for `length` tokens, what is held copied over where it is a new one."""
    if buffer is not None and buffer.shape[-2] >= length:
        return buffer
    wanted = length if buffer is None else max(length, int(buffer.shape[-2] * _GROWTH))
    capacity = -(-wanted // _CHUNK) * _CHUNK
    grown = new.new_empty((*new.shape[:-2], capacity, new.shape[-1]))
    if held is not None and held.shape[-2]:
        grown[:, :, : held.shape[-2]] = held
    return grown


class PrefixCache:
    """What a causal language model keeps of the tokens it has read, one sequence.

    Args:
        language_model: A causal language model of transformers, called with embeddings.
    """

    def __init__(self, language_model: PreTrainedModel) -> None:
        self.language_model = language_model
        self.key_values = Cache(layer_class_to_replicate=GrowingLayer)
        self._gap_at = self._gap = 0

    @property
    def length(self) -> int:
        """Tokens held."""
        return int(self.key_values.get_seq_length())

    @property
    def next_position(self) -> int:
        """Where the next token will stand: behind those held, and behind a gap if there is one."""
        return self.length + self._gap

    def leave_gap(self, places: int) -> None:
        """Leaves places free behind the tokens held; cutting back to these closes the gap.

        Raises:
            ValueError: there is a gap already.
        """
        if self._gap:
            raise ValueError(f"there is a gap behind token {self._gap_at} already")
        self._gap_at, self._gap = self.length, places

    @torch.inference_mode()
    def extend(self, embeds: torch.Tensor) -> torch.Tensor:
        """Reads tokens behind those already held.

        Args:
            embeds: `[1, L, H]`, the embeddings of the new tokens.

        Returns:
            `[1, V]`, the logits of the token that would follow.

        An error in the language model (out of memory, say) leaves the cache empty.
        """
        start = self.next_position
        positions = torch.arange(start, start + embeds.shape[1], device=embeds.device)[None]
        return self._read(embeds, positions, None, 1)[:, -1]

    @torch.inference_mode()
    def branch(self, embeds: torch.Tensor, position: int, seen: torch.Tensor) -> torch.Tensor:
        """Reads tokens that all stand at one place, each behind tokens of its own: a tree.

        Args:
            embeds: `[1, L, H]`, the embeddings of the new tokens.
            position: of all of them.
            seen: bool `[L, N]`, which of the last N tokens, the new ones with those before, each
                new token sees; what lies before these, all see.

        Returns:
            `[L, V]`, the logits of the tokens that would follow.

        An error in the language model leaves the cache empty, as `extend` does.
        """
        before = self.length + embeds.shape[1] - seen.shape[1]
        mask = torch.nn.functional.pad(seen, (before, 0), value=True)[None, None]
        positions = torch.full((1, embeds.shape[1]), position, device=embeds.device)
        return self._read(embeds, positions, mask.to(embeds.device), embeds.shape[1])[0]

    def _read(
        self,
        embeds: torch.Tensor,
        positions: torch.Tensor,
        mask: torch.Tensor | None,
        kept: int,
    ) -> torch.Tensor:
        """Logits `[1, kept, V]` behind the last new tokens."""
        try:
            output = self.language_model(
                inputs_embeds=embeds,
                attention_mask=mask,
                position_ids=positions,
                past_key_values=self.key_values,
                use_cache=True,
                logits_to_keep=kept,
            )
        except BaseException:
            # Some layers have the new tokens and some do not: nothing in here can be relied on
            # any more.
            self.clear()
            raise
        logits: torch.Tensor = output.logits
        return logits

    def crop(self, length: int) -> None:
        """Cuts back to the first `length` tokens; the room stays."""
        surplus = self.length - length
        if length < 0 or surplus < 0:
            raise ValueError(f"cannot cut a cache of {self.length} tokens back to {length}")
        if surplus:
            self.key_values.crop(-surplus)
        if length <= self._gap_at:
            self._gap = 0

    def clear(self) -> None:
        """Forgets all tokens and frees the room."""
        self._gap_at = self._gap = 0
        self.key_values = Cache(layer_class_to_replicate=GrowingLayer)
