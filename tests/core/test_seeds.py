"""Streams repeat, and different names never share numbers."""

import pytest
import torch

from replications.core.seeds import generator, rng


def draw(*key):
    return torch.randn(4, generator=generator(*key))


def test_same_stream_same_numbers():
    assert torch.equal(draw(3, "noise", 1), draw(3, "noise", 1))
    assert rng(3, "noise").random() == rng(3, "noise").random()


def test_streams_differ():
    keys = [(0,), (1,), (0, "init"), (0, "noise"), (0, "noise", 1), (0, "noise", 2)]
    assert len({tuple(draw(*key).tolist()) for key in keys}) == len(keys)


def test_negative_seed():
    with pytest.raises(ValueError, match="seed must be a non-negative integer, got -1"):
        generator(-1)
