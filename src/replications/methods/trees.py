"""Nested tuples, lists and dicts of tensors: one function over all of them, their tensors in order,
and the whole as one flat vector.

Leading axes are independent problems; a flat vector is ``[..., size]``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Float

Tree = Any
"""A tensor, or a (nested) tuple, named tuple, list or dict of tensors."""


def tree_map(f: Callable[..., Tensor], first: Tree, *rest: Tree, name: str = "tree") -> Tree:
    """Apply a function to each tensor of a tree, or to corresponding tensors of several.

    Args:
        f: of as many tensors as there are trees.
        first: its containers are those of the result; dicts in their own order.
        rest: trees of the same structure.
        name: what the errors call them.

    Returns:
        A tree of what the function returns.

    Raises:
        TypeError: something in the first tree is neither a container nor a tensor.
        ValueError: sequences of different lengths.
    """
    if isinstance(first, Tensor):
        return f(first, *rest)
    if isinstance(first, Mapping):
        return {key: tree_map(f, first[key], *(r[key] for r in rest), name=name) for key in first}
    if isinstance(first, (tuple, list)):
        new = [tree_map(f, *items, name=name) for items in zip(first, *rest, strict=True)]
        return type(first)(*new) if hasattr(first, "_fields") else type(first)(new)
    raise TypeError(
        f"{name}: expected tensors in tuples, lists or dicts, got {type(first).__name__}"
    )


def leaves(tree: Tree, name: str = "tree") -> list[Tensor]:
    """Return the tensors of a tree, in the order of :func:`tree_map`.

    Raises:
        TypeError: something in the tree is neither a container nor a tensor.
    """
    found: list[Tensor] = []

    def keep(leaf: Tensor) -> Tensor:
        found.append(leaf)
        return leaf

    tree_map(keep, tree, name=name)
    return found


def rebuild(tree: Tree, new: Sequence[Tensor]) -> Tree:
    """Return a tree with its tensors replaced, in order, by those of ``new``."""
    remaining = iter(new)
    return tree_map(lambda _: next(remaining), tree)


class Layout:
    """A tree's tensors as inputs of a differentiation, and vectors in their order.

    Args:
        tree: tensors of floating-point numbers.
        name: what the errors call it.

    Attributes:
        leaves: the tensors, cut from their past; each requires a gradient.

    Raises:
        TypeError: something in the tree is neither a container nor a tensor of floating-point
            numbers.
        ValueError: no tensor, or tensors that differ in dtype or device.
    """

    def __init__(self, tree: Tree, name: str) -> None:
        tensors = leaves(tree, name)
        if not tensors:
            raise ValueError(f"{name}: holds no tensor")
        for tensor in tensors:
            if not tensor.is_floating_point():
                raise TypeError(f"{name}: expected floating-point tensors, got {tensor.dtype}")
        if len({(tensor.dtype, tensor.device) for tensor in tensors}) > 1:
            raise ValueError(f"{name}: all tensors must share one dtype and one device")
        self.leaves = [t.detach().requires_grad_() for t in tensors]
        self._tree, self._name = tree, name
        self._lead: tuple[int, ...] = ()

    def set_batch(self, batch: int) -> None:
        """Take the tensors' first axis for independent problems: vectors are ``[batch, size]``.

        Raises:
            ValueError: a tensor whose first axis is not the batch.
        """
        shapes = [tuple(leaf.shape) for leaf in self.leaves]
        if any(shape[:1] != (batch,) for shape in shapes):
            raise ValueError(
                f"{self._name}: the losses have {batch} values, so every tensor needs a first axis "
                f"of {batch}; got {shapes}"
            )
        self._lead = (batch,)

    def join(self, tensors: Sequence[Tensor]) -> Float[Tensor, "*batch size"]:
        """Return tensors shaped like the leaves as one flat vector."""
        return torch.cat([t.reshape(*self._lead, -1) for t in tensors], dim=-1)

    def tree(self, vector: Float[Tensor, "*batch size"]) -> Tree:
        """Return a flat vector's slices in the shapes and containers of the tree."""
        sizes = [leaf.shape[len(self._lead) :].numel() for leaf in self.leaves]
        parts = zip(vector.split(sizes, dim=-1), self.leaves, strict=True)
        return rebuild(self._tree, [part.reshape(leaf.shape) for part, leaf in parts])
