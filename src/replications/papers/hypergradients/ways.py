"""Every way to a hypergradient, on any unrolled problem, with its price.

The price is counted in gradients of the training loss, beyond the one training run that one has
anyway: a plain inner step is 1, a product with the Hessian or a tangent carried through a step 2
(it differentiates a gradient), a step differentiated backwards 2 more than the step. Memory is
counted in numbers that must be kept at once, beside weights and hyperparameters: formulas, as in
table 1 of :cite:t:`vicol2021unbiased`, not measurements.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from replications.methods.unroll_problem import UnrollProblem, unroll, window_steps

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor


@dataclass(frozen=True)
class Price:
    """What one estimate costs."""

    gradients: float
    """Gradients of the training loss of one model."""
    memory: float
    """Numbers kept at once."""


@dataclass(frozen=True)
class Sizes:
    """Of a problem."""

    steps: int
    """T of one run."""
    state: int
    """S: weights."""
    hyperparams: int
    """P."""

    def implicit(self, products: int) -> Price:
        """A validation gradient, products with the Hessian, one mixed product; four vectors."""
        return Price(1 + 2 * products + 2, 4 * self.state)

    def dense(self) -> Price:
        """As many products as weights, and the matrix."""
        return Price(1 + 2 * self.state + 2, self.state**2)

    def backwards(self, last: int | None = None) -> Price:
        """Reverse mode through the last steps, whose states are kept."""
        last = self.steps if last is None else last
        return Price(1 + 2 * last, last * self.state)

    def truncated(self, windows: int) -> Price:
        """Reverse mode through every window."""
        return Price(windows + 2 * self.steps, self.steps / windows * self.state)

    def forwards(self) -> Price:
        """P tangents through every step."""
        return Price(2 * self.hyperparams * self.steps, self.state * self.hyperparams)

    def uoro(self) -> Price:
        """One tangent forwards, and one step's pullback."""
        return Price(4 * self.steps, self.state + self.hyperparams)

    def differences(self) -> Price:
        """Two runs for each hyperparameter, one at a time."""
        return Price(2 * self.hyperparams * self.steps, self.state)

    def perturbed(self, pairs: int, accumulators: bool = False, kept: bool = True) -> Price:
        """Pairs of runs side by side, which one cannot do without where states are kept."""
        each = self.state + (self.hyperparams / 2 if accumulators else 0)
        return Price(2 * pairs * self.steps, (2 * pairs if kept else 1) * each)


def episode(
    estimator: Any, problem: UnrollProblem, theta: Float[Tensor, " P"], seeds: list[int]
) -> tuple[Float[Tensor, "R P"], Float[Tensor, "R P"]]:
    """One whole episode at fixed theta by an estimator of `methods`.

    Returns:
        The sum over the windows, and the last window's part, one row a seed.
    """
    many = theta.expand(len(seeds), -1)
    state = estimator.init(problem, many, seeds)
    total = torch.zeros_like(many)
    while True:
        gradient, state, info = estimator.step(state, many)
        total = total + gradient
        if info.done:
            return total, gradient


def objective(problem: UnrollProblem, theta: Float[Tensor, "n P"]) -> Float[Tensor, " n"]:
    """The loss of whole episodes, no derivative."""
    with torch.no_grad():
        steps, _ = window_steps(problem, None, 0)
        return unroll(problem, problem.init(len(theta)), theta, 0, steps)[1]


def differences(
    problem: UnrollProblem, theta: Float[Tensor, " P"], step: float
) -> Float[Tensor, " P"]:
    """Central differences of the episode's loss, 2 P runs as one batch."""
    shifts = step * torch.eye(len(theta), dtype=theta.dtype)
    loss = objective(problem, torch.cat([theta + shifts, theta - shifts]))
    return (loss[: len(theta)] - loss[len(theta) :]) / (2 * step)


def last_steps(
    problem: UnrollProblem, theta: Float[Tensor, " P"], last: int
) -> Float[Tensor, " P"]:
    """Reverse mode through the last steps of an episode: what lies before them is a constant."""
    steps, _ = window_steps(problem, None, 0)
    last = min(last, steps)
    with torch.no_grad():
        state, _ = unroll(problem, problem.init(1), theta[None], 0, steps - last)
    leaf = theta[None].clone().requires_grad_()
    total: Any = 0.0
    for t in range(steps - last, steps):
        state, loss = problem.step(state, leaf, t)
        total = total + loss
    return torch.autograd.grad(total.sum(), leaf)[0][0]


@dataclass(frozen=True)
class Errors:
    """Of estimates against a truth, relative to the truth's squared length."""

    bias2: float
    """Squared length of the mean error, less what the noise of the mean adds on average."""
    variance: float
    """Total variance of one estimate."""
    cosine: float
    """Of the mean estimate with the truth; 0 where the estimate is zero."""

    @classmethod
    def of(cls, found: Float[Tensor, "R P"], truth: Float[Tensor, " P"]) -> Errors:
        """From independent estimates; one row for a deterministic way."""
        scale, mean, count = truth.square().sum(), found.mean(0), len(found)
        variance = found.var(0).sum() / scale if count > 1 else torch.zeros(())
        bias2 = (mean - truth).square().sum() / scale - variance / count
        cosine = (mean @ truth) / (mean.norm() * truth.norm()).clamp_min(1e-300)
        return cls(float(bias2), float(variance), float(cosine))
