"""Many small multilayer perceptrons at once: the leading axis of every tensor counts models.

One batched matrix product trains all seeds and settings of a sweep, which on a CPU is many times
faster than a loop over models. Models do not interact: the gradient of ``losses(...).sum()`` holds
each model's own gradient.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Float, Int


def init(
    sizes: Sequence[int],
    models: int,
    generator: torch.Generator,
    bias: bool = True,
    dtype: torch.dtype = torch.float32,
) -> list[Tensor]:
    """Draw weights by the law of `torch.nn.Linear`: uniform in +-1/sqrt(fan in), biases as well.

    Args:
        sizes: units of each layer, inputs and classes included, such as (64, 64, 10).
        models: how many to draw.
        generator: source of randomness.
        bias: whether the layers have biases.
        dtype: of the parameters.

    Returns:
        ``[weight, bias, weight, bias, ...]`` (or weights alone), of shapes [models, in, out] and
        [models, 1, out].
    """
    if len(sizes) < 2 or min(sizes) < 1 or models < 1:
        raise ValueError(
            f"sizes needs two or more positive entries and models >= 1, "
            f"got sizes={tuple(sizes)}, models={models}"
        )
    params = []
    for fan_in, fan_out in pairwise(sizes):
        rows = [fan_in, 1] if bias else [fan_in]
        for shape in ((models, row, fan_out) for row in rows):
            uniform = torch.rand(shape, generator=generator, dtype=dtype)
            params.append((2 * uniform - 1) / math.sqrt(fan_in))
    return params


def logits(
    params: Sequence[Tensor],
    inputs: Float[Tensor, "*#models batch features"],
    bias: bool = True,
    activation: Callable[[Tensor], Tensor] = torch.relu,
) -> Float[Tensor, "models batch classes"]:
    """Outputs before the softmax.

    Args:
        params: as made by :func:`init`.
        inputs: [batch, features], shared by all models, or [models, batch, features].
        bias: whether params holds biases.
        activation: between layers.
    """
    step = 2 if bias else 1
    hidden = inputs.expand(params[0].shape[0], -1, -1) if inputs.ndim == 2 else inputs
    for i in range(0, len(params), step):
        if i:
            hidden = activation(hidden)
        if bias:
            hidden = torch.baddbmm(params[i + 1], hidden, params[i])
        else:
            hidden = torch.bmm(hidden, params[i])
    return hidden


def losses(
    params: Sequence[Tensor],
    inputs: Float[Tensor, "*#models batch features"],
    targets: Int[Tensor, "*#models batch"],
    bias: bool = True,
    activation: Callable[[Tensor], Tensor] = torch.relu,
) -> Float[Tensor, " models"]:
    """Mean cross-entropy of each model in nats; targets are [batch] or [models, batch]."""
    outputs = logits(params, inputs, bias, activation)
    labels = targets.expand(outputs.shape[:2])
    chosen = outputs.gather(2, labels.unsqueeze(2)).squeeze(2)
    return (outputs.logsumexp(2) - chosen).mean(1)


@torch.no_grad()
def accuracy(
    params: Sequence[Tensor],
    inputs: Float[Tensor, "*#models batch features"],
    targets: Int[Tensor, "*#models batch"],
    bias: bool = True,
    activation: Callable[[Tensor], Tensor] = torch.relu,
) -> Float[Tensor, " models"]:
    """Share of examples that each model gets right."""
    outputs = logits(params, inputs, bias, activation)
    return (outputs.argmax(2) == targets).float().mean(1)
