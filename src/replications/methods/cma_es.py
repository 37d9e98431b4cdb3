r"""Covariance matrix adaptation, CMA-ES: the search that a tuner without derivatives would try.

A population is drawn from :math:`N(m, \sigma^2 C)`; its better half, weighted by rank, moves the
mean, and two paths of past moves adapt the step size :math:`\sigma` and the covariance C:

.. math::

    y_i &= C^{1/2} z_i, \quad x_i = m + \sigma y_i, \quad y_w = \sum_{i \le \mu} w_i y_{(i)} & (1)\\
    p_\sigma' &= (1 - c_\sigma) p_\sigma
        + \sqrt{c_\sigma (2 - c_\sigma) \mu_w}\; C^{-1/2} y_w & (2) \\
    \sigma' &= \sigma \exp\big(c_\sigma / d_\sigma\, (|p_\sigma'| / E|N(0, I)| - 1)\big) & (3) \\
    p_c' &= (1 - c_c) p_c + h \sqrt{c_c (2 - c_c) \mu_w}\; y_w & (4) \\
    C' &= (1 - c_1 - c_\mu) C + c_1 \big(p_c' p_c'^T + (1 - h) c_c (2 - c_c) C\big)
        + c_\mu \sum_{i \le \mu} w_i\, y_{(i)} y_{(i)}^T & (5)

with h = 0 while :math:`p_\sigma` is too long. Constants after N. Hansen's tutorial (arXiv
1604.00772), without negative weights; in the package ``cma`` the numerator of :math:`c_\mu` is
larger by a quarter. Leading axes are independent searches. Unlike the paper's methods it ranks, and
it sees whole episodes. A rival in the chapter on persistent evolution strategies.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor


@dataclass(frozen=True)
class Search:
    """Where R searches in P dimensions stand."""

    mean: Float[Tensor, "R P"]
    sigma: Float[Tensor, " R"]
    covariance: Float[Tensor, "R P P"]
    sigma_path: Float[Tensor, "R P"]
    path: Float[Tensor, "R P"]
    generation: int = 0


def population_size(dim: int) -> int:
    """The tutorial's default: 4 + 3 ln P, rounded down."""
    return 4 + int(3 * math.log(dim))


def start(mean: Float[Tensor, "R P"], sigma: float) -> Search:
    """A search around a mean with a first step size, the same in all directions."""
    runs, dim = mean.shape
    identity = torch.eye(dim, dtype=mean.dtype).expand(runs, -1, -1)
    zeros = torch.zeros_like(mean)
    return Search(mean, mean.new_full((runs,), sigma), identity, zeros, zeros)


def ask(search: Search, noise: Float[Tensor, "R n P"]) -> Float[Tensor, "R n P"]:
    """The population for standard normal noise: equation (1)."""
    y = noise @ _power(search.covariance, 0.5)
    return search.mean[:, None] + search.sigma[:, None, None] * y


def tell(search: Search, population: Float[Tensor, "R n P"], loss: Float[Tensor, "R n"]) -> Search:
    """Move and adapt by the population's losses: equations (1) to (5)."""
    size, dim = population.shape[1:]
    ranks = torch.arange(1, size // 2 + 1, dtype=population.dtype)
    weights = math.log((size + 1) / 2) - ranks.log()
    weights = weights / weights.sum()
    mass = 1 / weights.square().sum().item()  # mu_w
    c_sigma = (mass + 2) / (dim + mass + 5)
    damping = 1 + 2 * max(0.0, math.sqrt((mass - 1) / (dim + 1)) - 1) + c_sigma
    c_path = (4 + mass / dim) / (dim + 4 + 2 * mass / dim)
    c_one = 2 / ((dim + 1.3) ** 2 + mass)
    c_mu = min(1 - c_one, 2 * (mass - 2 + 1 / mass) / ((dim + 2) ** 2 + mass))
    length = math.sqrt(dim) * (1 - 1 / (4 * dim) + 1 / (21 * dim**2))  # E|N(0, I)|

    best = loss.argsort(dim=1)[:, : len(weights), None].expand(-1, -1, dim)
    y = (population.gather(1, best) - search.mean[:, None]) / search.sigma[:, None, None]
    step = weights @ y
    white = (_power(search.covariance, -0.5) @ step[..., None])[..., 0]
    sigma_path = _moved(search.sigma_path, white, c_sigma, mass)
    norm = sigma_path.norm(dim=-1)
    settled = math.sqrt(1 - (1 - c_sigma) ** (2 * (search.generation + 1)))
    h = (norm / settled < (1.4 + 2 / (dim + 1)) * length).to(y)[:, None]
    path = _moved(search.path, h * step, c_path, mass)
    rank_one = path[..., None] * path[:, None]
    rank_one = rank_one + ((1 - h) * c_path * (2 - c_path))[..., None] * search.covariance
    rank_mu = (y * weights[:, None]).mT @ y
    covariance = (1 - c_one - c_mu) * search.covariance + c_one * rank_one + c_mu * rank_mu
    sigma = search.sigma * torch.exp(c_sigma / damping * (norm / length - 1))
    mean = search.mean + search.sigma[:, None] * step
    return Search(mean, sigma, covariance, sigma_path, path, search.generation + 1)


def _moved(path: Tensor, step: Tensor, rate: float, mass: float) -> Tensor:
    return (1 - rate) * path + math.sqrt(rate * (2 - rate) * mass) * step


def _power(matrix: Float[Tensor, "R P P"], power: float) -> Float[Tensor, "R P P"]:
    values, vectors = torch.linalg.eigh(matrix)
    return vectors * values[:, None] ** power @ vectors.mT
