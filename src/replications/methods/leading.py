"""Hyperparameters of many models at once: leading axes are independent models."""

from __future__ import annotations

from torch import Tensor

Setting = float | Tensor
"""A hyperparameter, as a number, or a tensor whose axes are the leading axes of every weight."""


def leading(value: Setting, like: Tensor) -> Setting:
    """Shape a setting for products with a tensor of all models.

    Args:
        value: a number, which is returned as it is, or a tensor such as [models].
        like: a weight, such as [models, in, out]; its dtype and device are taken.

    Returns:
        ``value`` with axes of length 1 behind its own, as many as ``like`` has more.
    """
    if not isinstance(value, Tensor):
        return value
    return value.to(like).reshape(value.shape + (1,) * (like.ndim - value.ndim))
