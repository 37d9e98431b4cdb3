"""Backpropagation through time, whole and truncated.

    BPTT            d/dtheta sum_{t=1..T} L_t, through all T steps: exact, memory T times the state
    truncated BPTT  the same over one window of K steps, whose first state counts as a constant

The sum of the partial derivatives with respect to the theta of every step *is* the total
derivative; what truncation drops is the path through the window's first state.

`vicol2021unbiased`, section 2 and table 1. Explained in the chapter on persistent evolution
strategies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from replications.methods.unroll_problem import (
    Info,
    State,
    UnrollProblem,
    as_replicates,
    count_exploded,
    positive_int,
    raise_or_report,
    single_info,
    tree_map,
    unroll_steps,
    window_steps,
)

if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass(frozen=True)
class BackpropState:
    """Where truncated backpropagation stands: one particle a replicate."""

    problem: UnrollProblem
    particles: State
    n: int
    t: int
    batched: bool


class TruncatedBPTT:
    """Truncated backpropagation through time.

    Args:
        window: steps K of one window, at least 1.
        on_explosion: "raise" a FloatingPointError if a loss is not finite, or "report" it in the
            info.

    Raises:
        ValueError: if the window is not a positive integer, or `on_explosion` neither of the two.
    """

    def __init__(self, window: int, *, on_explosion: Literal["raise", "report"] = "raise") -> None:
        self.window: int | None = positive_int("window", window)
        self.on_explosion = raise_or_report(on_explosion)

    def init(
        self,
        problem: UnrollProblem,
        theta: Float[Tensor, "*R P"],
        seed: int | Sequence[int] = 0,
    ) -> BackpropState:
        """Start an episode; `seed` only tells how many replicates there are.

        Raises:
            ValueError: if theta is not a float tensor [P] or [R, P], if `seed` does not fit its
                replicates, or if neither the window nor the horizon is finite.
        """
        seeds = [0] * theta.shape[0] if theta.ndim == 2 and isinstance(seed, int) else seed
        centre, _, batched = as_replicates(theta, seeds)
        window_steps(problem, self.window, 0)
        n = centre.shape[0]
        return BackpropState(problem, problem.init(n), n, 0, batched)

    def step(
        self, state: BackpropState, theta: Float[Tensor, "*R P"]
    ) -> tuple[Float[Tensor, "*R P"], BackpropState, Info]:
        """Unroll one window and differentiate the sum of its losses; see ``PES.step``.

        Raises:
            FloatingPointError: if the unroll diverges and `on_explosion` is "raise".
            ValueError: if the problem's loss is not differentiable.
        """
        steps, done = window_steps(state.problem, self.window, state.t)
        centre = theta.detach().expand(state.n, -1).requires_grad_()
        with torch.enable_grad():
            particles, loss = unroll_steps(state.problem, state.particles, centre, state.t, steps)
            if not loss.requires_grad:
                raise ValueError("problem: its loss has no derivative with respect to theta")
            (gradient,) = torch.autograd.grad(loss.sum(), centre)
        loss = loss.detach()
        exploded = count_exploded(loss[:, None], state.t, steps, self.on_explosion)
        following = replace(
            state, particles=tree_map(torch.Tensor.detach, particles), t=state.t + steps
        )
        if done:
            following = replace(state, particles=state.problem.init(state.n), t=0)
        if not state.batched:
            gradient, loss = gradient[0], loss[0]
        return gradient, following, single_info(gradient, loss, steps, done, exploded)


class BPTT(TruncatedBPTT):
    """Backpropagation through the whole episode: the exact gradient, one an episode.

    Args:
        on_explosion: as for :class:`TruncatedBPTT`.

    Raises:
        ValueError: if `on_explosion` is neither of the two.
    """

    def __init__(self, *, on_explosion: Literal["raise", "report"] = "raise") -> None:
        self.window = None
        self.on_explosion = raise_or_report(on_explosion)
