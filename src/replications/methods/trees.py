"""Nested tuples, lists and dicts of tensors as one flat vector, and back.

The linear algebra of the implicit methods is written for vectors `[..., size]`. The leading axes
are those of a batch of independent problems; without a batch there is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

Tree = Any  # a tensor, or a (nested) tuple, list or dict of tensors


def leaves(tree: Tree, name: str) -> list[Tensor]:
    """Return the tensors of a tree in order.

    Args:
        tree: a tensor or a nested tuple, list or dict of tensors.
        name: what the errors call it.

    Returns:
        The tensors, depth first, dicts in their own order.

    Raises:
        TypeError: something in the tree is neither a container nor a tensor of floating-point
            numbers.
        ValueError: the tree holds no tensor, or its tensors differ in dtype or device.
    """
    found: list[Tensor] = []

    def visit(node: Tree) -> None:
        if isinstance(node, Tensor):
            if not node.is_floating_point():
                raise TypeError(f"{name}: expected floating-point tensors, got {node.dtype}")
            found.append(node)
        elif isinstance(node, Mapping):
            for value in node.values():
                visit(value)
        elif isinstance(node, (tuple, list)):
            for value in node:
                visit(value)
        else:
            raise TypeError(
                f"{name}: expected tensors in tuples, lists or dicts, got {type(node).__name__}"
            )

    visit(tree)
    if not found:
        raise ValueError(f"{name}: holds no tensor")
    if len({(leaf.dtype, leaf.device) for leaf in found}) > 1:
        raise ValueError(f"{name}: all tensors must share one dtype and one device")
    return found


def rebuild(tree: Tree, new: Sequence[Tensor]) -> Tree:
    """Return `tree` with its tensors replaced, in order, by those of `new`."""
    remaining = iter(new)

    def visit(node: Tree) -> Tree:
        if isinstance(node, Tensor):
            return next(remaining)
        if isinstance(node, Mapping):
            return {key: visit(value) for key, value in node.items()}
        values = [visit(value) for value in node]
        return type(node)(*values) if hasattr(node, "_fields") else type(node)(values)

    return visit(tree)


class Layout:
    """How a tree's tensors lie in one flat vector, `leaf`: `[size]`, or `[batch, size]`.

    `leaf` holds a copy of their values and requires a gradient.

    Args:
        tree: the tensors.
        name: what the errors call it.
        batch: number of independent problems on the tensors' first axis; None without that axis.

    Raises:
        ValueError: with a batch, a tensor whose first axis is not the batch; and what `leaves`
            raises.
    """

    def __init__(self, tree: Tree, name: str, batch: int | None = None) -> None:
        tensors = leaves(tree, name)
        self._tree = tree
        lead: tuple[int, ...] = () if batch is None else (batch,)
        self._shapes = [t.shape for t in tensors]
        if any(shape[: len(lead)] != lead for shape in self._shapes):
            raise ValueError(
                f"{name}: the losses have {batch} values, so every tensor needs a first axis of "
                f"{batch}; got {[tuple(shape) for shape in self._shapes]}"
            )
        self._sizes = [shape[len(lead) :].numel() for shape in self._shapes]
        joined = torch.cat([t.detach().reshape(*lead, -1) for t in tensors], dim=-1)
        self.leaf = joined.requires_grad_()

    def tree(self, vector: Tensor) -> Tree:
        """Return a flat vector's slices in the shapes and containers of the tree."""
        parts = vector.split(self._sizes, dim=-1)
        return rebuild(
            self._tree, [p.reshape(shape) for p, shape in zip(parts, self._shapes, strict=True)]
        )
