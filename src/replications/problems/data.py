"""The data sets of the book: scikit-learn's bundled ones, so nothing is downloaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from replications.core.seeds import generator

if TYPE_CHECKING:
    from jaxtyping import Float, Int


@dataclass(frozen=True)
class Dataset:
    """Inputs, one row an example, and their targets."""

    name: str
    inputs: Float[Tensor, "n d"]
    """float32."""
    targets: Int[Tensor, " n"] | Float[Tensor, " n"]
    """Class numbers (int64), or real values (float32) where `classes` is None."""
    classes: int | None


def _load(name: str, classes: int | None, scale: float = 1.0) -> Dataset:
    import sklearn.datasets  # 0.9 s: only where data are really read

    inputs, targets = getattr(sklearn.datasets, f"load_{name}")(return_X_y=True)
    return Dataset(
        name,
        torch.tensor(inputs / scale, dtype=torch.float32),
        torch.tensor(targets, dtype=torch.float32 if classes is None else torch.int64),
        classes,
    )


def digits() -> Dataset:
    """1797 handwritten digits of 8x8 pixels, scaled from 0..16 to [0, 1]; 10 classes."""
    return _load("digits", 10, scale=16.0)


def iris() -> Dataset:
    """150 flowers, 4 raw measurements in cm, 3 classes."""
    return _load("iris", 3)


def breast_cancer() -> Dataset:
    """569 tumours, 30 raw features, 2 classes."""
    return _load("breast_cancer", 2)


def diabetes() -> Dataset:
    """442 patients, 10 features of mean 0 and norm 1, and the progression of their disease."""
    return _load("diabetes", None)


def split(n: int, sizes: Sequence[int], seed: int) -> tuple[Int[Tensor, " size"], ...]:
    """Disjoint random index sets.

    Args:
        n: number of examples.
        sizes: how many indices each set gets; their sum is at most n.
        seed: of the permutation, non-negative.

    Returns:
        One int64 tensor for each size.

    Raises:
        ValueError: if the sizes do not fit into n.
    """
    if min(sizes) < 1 or sum(sizes) > n:
        raise ValueError(f"sizes must be positive and sum to at most {n}, got {tuple(sizes)}")
    order = torch.randperm(n, generator=generator(seed, "split"))
    return order[: sum(sizes)].split(list(sizes))


def standardize(train: Float[Tensor, "n d"], *others: Float[Tensor, "m d"]) -> tuple[Tensor, ...]:
    """Shift and scale all by the training set's mean and standard deviation, column by column.

    A column that is constant in the training set is only shifted.
    """
    centre, spread = train.mean(0), train.std(0)
    spread = torch.where(spread > 0, spread, torch.ones_like(spread))
    return tuple((x - centre) / spread for x in (train, *others))
