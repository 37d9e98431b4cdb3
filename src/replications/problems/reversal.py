r"""A toy translation task: look every word up in a dictionary, and reverse the sentence.

A source sentence is :math:`n` (``length``) words drawn independently from Zipf's law over
``vocabulary`` words, :math:`p(k) \propto 1/k`; its translation is

.. math::

    \text{target}_i = \text{dictionary}[\text{source}_{n+1-i}], \quad i = 1, \dots, n,

for one fixed random dictionary. Leading axes are independent problems: one for each seed.
The answer is a function of the source, so the best possible loss is 0. Whoever knows the words'
frequencies but takes nothing from the source pays their entropy, 2.876 nats for 32 words: what a
Transformer that has learned nothing pays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from replications.core.seeds import generator

if TYPE_CHECKING:
    from jaxtyping import Float, Int


@dataclass(frozen=True)
class Reversal:
    """The task for several seeds at once: each has its own dictionary and its own sentences."""

    seeds: tuple[int, ...]
    vocabulary: int = 32
    length: int = 12

    def __post_init__(self) -> None:
        if not self.seeds or self.vocabulary < 2 or self.length < 1:
            raise ValueError(
                f"needs seeds, vocabulary >= 2 and length >= 1, got seeds={self.seeds}, "
                f"vocabulary={self.vocabulary}, length={self.length}"
            )

    @property
    def frequencies(self) -> Float[Tensor, " vocabulary"]:
        """Zipf's law, float64, sums to 1."""
        weights = 1 / torch.arange(1, self.vocabulary + 1, dtype=torch.float64)
        return weights / weights.sum()

    @property
    def entropy(self) -> float:
        """Of one word, in nats, which is the loss of knowing the frequencies and nothing else."""
        p = self.frequencies
        return -float((p * p.log()).sum())

    @property
    def dictionaries(self) -> Int[Tensor, "seeds vocabulary"]:
        """A random permutation of the words for each seed."""
        return torch.stack(
            [
                torch.randperm(self.vocabulary, generator=generator(s, "dictionary"))
                for s in self.seeds
            ]
        )

    def translate(
        self, source: Int[Tensor, "seeds batch length"]
    ) -> Int[Tensor, "seeds batch length"]:
        """The right answers."""
        reverse = source.flip(2)
        return self.dictionaries.gather(1, reverse.flatten(1)).view_as(reverse)

    def batches(
        self, steps: int, size: int, stream: str | int = "sentences"
    ) -> Int[Tensor, "steps seeds batch length"]:
        """Source sentences of all steps; a longer run begins with the sentences of a shorter one.

        Args:
            steps: how many batches.
            size: sentences in a batch.
            stream: name of the random stream; another name, other sentences.
        """
        p = self.frequencies
        words = [
            torch.multinomial(
                p.expand(steps * size, -1),
                self.length,
                replacement=True,
                generator=generator(s, stream),
            ).view(steps, size, self.length)
            for s in self.seeds
        ]
        return torch.stack(words, dim=1)
