"""Trees of tensors."""

from typing import NamedTuple

import pytest
import torch

from replications.methods.trees import Layout, leaves, rebuild, tree_map


class Pair(NamedTuple):
    first: object
    second: object


def tree(scale):
    one, two, three = (scale * torch.arange(float(n)) for n in (1, 2, 3))
    return {"b": Pair(one, [two]), "a": (three, [])}


def test_one_order_for_all():
    assert [len(x) for x in leaves(tree(1))] == [1, 2, 3]
    summed = tree_map(torch.add, tree(1), tree(2))
    assert isinstance(summed["b"], Pair) and isinstance(summed["a"], tuple)
    for got, expected in zip(leaves(summed), leaves(tree(3)), strict=True):
        torch.testing.assert_close(got, expected)
    again = rebuild(tree(1), leaves(tree(5)))
    torch.testing.assert_close(again["b"].second[0], torch.tensor([0.0, 5.0]))


def test_layout_there_and_back():
    layout = Layout(tree(1), "params")
    assert all(leaf.requires_grad for leaf in layout.leaves)
    flat = layout.join(layout.leaves).detach()
    torch.testing.assert_close(flat, torch.tensor([0.0, 0.0, 1.0, 0.0, 1.0, 2.0]))
    for got, expected in zip(leaves(layout.tree(3 * flat)), leaves(tree(3)), strict=True):
        torch.testing.assert_close(got, expected)


def test_a_batch_is_the_first_axis_of_all():
    both = [torch.tensor([1.0, 2.0]), torch.tensor([[3.0, 4.0], [5.0, 6.0]])]
    layout = Layout(both, "params")
    layout.set_batch(2)
    flat = layout.join(layout.leaves).detach()
    torch.testing.assert_close(flat, torch.tensor([[1.0, 3.0, 4.0], [2.0, 5.0, 6.0]]))
    torch.testing.assert_close(layout.tree(flat), both)
    with pytest.raises(ValueError, match="params: .* first axis of 3"):
        layout.set_batch(3)


def test_what_is_no_tree_is_named():
    with pytest.raises(TypeError, match="state: expected tensors in tuples, lists or dicts, got f"):
        leaves({"a": [1.0]}, "state")
    with pytest.raises(ValueError):
        tree_map(torch.add, [torch.ones(1)], [])
