"""The translation task: its answers by hand, its frequencies, its streams."""

from __future__ import annotations

import pytest
import torch

from replications.problems.reversal import Reversal


def test_translation_word_by_word() -> None:
    task = Reversal((3, 8), vocabulary=7, length=4)
    source = task.batches(1, 5)[0]
    target = task.translate(source)
    for model in range(2):
        for sentence in range(5):
            for i in range(4):
                word = source[model, sentence, 3 - i]
                assert target[model, sentence, i] == task.dictionaries[model, word]


def test_words_follow_zipf() -> None:
    task = Reversal((0,))
    words = task.batches(40, 100).flatten()
    shares = torch.bincount(words, minlength=32).double() / len(words)
    # 48000 words: a standard error of at most 0.002.
    assert (shares - task.frequencies).abs().max() < 0.008
    assert task.entropy == pytest.approx(2.876, abs=1e-3)


def test_streams() -> None:
    both, alone = Reversal((0, 1)), Reversal((1,))
    assert torch.equal(both.batches(4, 8)[:, 1:], alone.batches(4, 8))
    assert torch.equal(both.batches(4, 8)[:2], both.batches(2, 8))
    assert not torch.equal(both.batches(2, 8), both.batches(2, 8, "others"))
    assert not torch.equal(both.batches(2, 8)[:, 0], both.batches(2, 8)[:, 1])


def test_bad_input_is_named() -> None:
    with pytest.raises(ValueError, match="vocabulary >= 2"):
        Reversal((0,), vocabulary=1)
