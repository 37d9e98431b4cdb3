r"""Backpropagation through time, whole and truncated.

BPTT
    :math:`d/d\theta \sum_{t=1}^T L_t`, through all T steps: exact, memory T times the state.
Truncated BPTT
    the same over one window of K steps, whose first state counts as a constant.

The sum of the partial derivatives with respect to the theta of every step *is* the total
derivative; what truncation drops is the path through the window's first state.

:cite:t:`vicol2021unbiased`, table 1 as :cite:t:`vicol2023low` restates it. Explained in the chapter
on persistent evolution strategies.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from replications.methods.estimator import Estimator, EstimatorState, Window, positive_int
from replications.methods.refusals import refuse_particles
from replications.methods.trees import tree_map
from replications.methods.unroll_problem import UnrollProblem, unroll_steps

if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass(frozen=True)
class BackpropState(EstimatorState):
    """Where truncated backpropagation stands: one particle a replicate."""


class TruncatedBPTT(Estimator[BackpropState]):
    """Truncated backpropagation through time.

    Args:
        window: steps K of one window, at least 1.
        on_explosion: see :class:`~replications.methods.estimator.Estimator`.

    Raises:
        ValueError: if the window is not a positive integer, or `on_explosion` neither of the two.
    """

    def __init__(self, window: int, *, on_explosion: Literal["raise", "report"] = "raise") -> None:
        super().__init__(positive_int("window", window), on_explosion=on_explosion)

    def _start(
        self,
        problem: UnrollProblem,
        centre: Float[Tensor, "R P"],
        rng: tuple[Tensor, ...],
        batched: bool,
    ) -> BackpropState:
        replicates = centre.shape[0]
        return BackpropState(problem, problem.init(replicates), 0, replicates, rng, batched)

    def _advance(
        self, state: BackpropState, centre: Float[Tensor, "R P"], steps: int
    ) -> Window[BackpropState]:
        refuse_particles(state.particles, centre.shape[0])
        leaf = centre.detach().requires_grad_()
        with torch.enable_grad():
            particles, loss = unroll_steps(state.problem, state.particles, leaf, state.t, steps)
            if not loss.requires_grad:
                raise ValueError("problem: its loss has no derivative with respect to theta")
            (gradient,) = torch.autograd.grad(loss.sum(), leaf)
        following = replace(state, particles=tree_map(torch.Tensor.detach, particles))
        return Window(gradient, loss.detach()[:, None], following)


class BPTT(TruncatedBPTT):
    """Backpropagation through the whole episode: the exact gradient, one an episode.

    Args:
        on_explosion: see :class:`~replications.methods.estimator.Estimator`.

    Raises:
        ValueError: if `on_explosion` is neither of the two.
    """

    def __init__(self, *, on_explosion: Literal["raise", "report"] = "raise") -> None:
        Estimator.__init__(self, None, on_explosion=on_explosion)
