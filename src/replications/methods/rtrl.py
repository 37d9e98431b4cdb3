r"""Real-time recurrent learning: the exact gradient, carried forwards.

The state's derivative with respect to theta is advanced along with the state itself,

    G_t = J_t G_{t-1} + dF_t/dtheta,     J_t = dF_t/ds,                                        (1)
    dL_t/dtheta = (dL_t/ds) G_{t-1} + direct derivative,                                       (2)

so nothing of the past needs to be stored but G, S numbers for each of the P parameters.
Forward-mode differentiation gives (1) and (2) at once: parameter p is one more particle, whose
tangent is the p-th column of G.

References: Williams and Zipser 1989; `vicol2021unbiased`, table 1. Explained in the chapter on
persistent evolution strategies.

Implementation notes:
    * Unbiased while theta stays fixed. When theta is updated, G mixes derivatives at old values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor
from torch.autograd import forward_ad

from replications.methods.forward_mode import load_forward_mode, tangent_of
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
    window_steps,
)

if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass(frozen=True)
class RTRLState:
    """Where RTRL stands."""

    problem: UnrollProblem
    particles: State
    """State of the R·P particles: P equal ones a replicate."""
    influence: State
    """G: for particle (r, p) the derivative of replicate r's state with respect to theta_p."""
    n: int
    t: int
    batched: bool


class RTRL:
    """Real-time recurrent learning, with `window` steps to one gradient.

    Args:
        window: steps whose losses one gradient covers, at least 1.
        on_explosion: "raise" a FloatingPointError if a loss is not finite, or "report" it in the
            info.

    Raises:
        ValueError: if the window is not a positive integer, or `on_explosion` neither of the two.
    """

    def __init__(
        self, window: int = 1, *, on_explosion: Literal["raise", "report"] = "raise"
    ) -> None:
        self.window = positive_int("window", window)
        self.on_explosion = raise_or_report(on_explosion)

    def init(
        self,
        problem: UnrollProblem,
        theta: Float[Tensor, "*R P"],
        seed: int | Sequence[int] = 0,
    ) -> RTRLState:
        """Start an episode; `seed` only tells how many replicates there are.

        Raises:
            ValueError: if theta is not a float tensor [P] or [R, P], or if `seed` does not fit its
                replicates.
        """
        seeds = [0] * theta.shape[0] if theta.ndim == 2 and isinstance(seed, int) else seed
        centre, _, batched = as_replicates(theta, seeds)
        window_steps(problem, self.window, 0)
        return self._start(problem, centre.shape[0], centre.shape[1], batched)

    def _start(self, problem: UnrollProblem, n: int, dim: int, batched: bool) -> RTRLState:
        load_forward_mode()
        # a dual may not be a broadcast view
        particles = tree_map(torch.clone, problem.init(n * dim))
        # the first state does not depend on theta
        influence = tree_map(torch.zeros_like, particles)
        return RTRLState(problem, particles, influence, n, 0, batched)

    @torch.no_grad()
    def step(
        self, state: RTRLState, theta: Float[Tensor, "*R P"]
    ) -> tuple[Float[Tensor, "*R P"], RTRLState, Info]:
        """Advance by one window; returns (gradient, state, info) as ``PES.step`` does.

        Raises:
            FloatingPointError: if the unroll diverges and `on_explosion` is "raise".
        """
        steps, done = window_steps(state.problem, self.window, state.t)
        centre = theta.detach().expand(state.n, -1)
        dim = centre.shape[1]
        repeated = centre.repeat_interleave(dim, dim=0)
        direction = torch.eye(dim, dtype=centre.dtype, device=centre.device).repeat(state.n, 1)

        particles, influence = state.particles, state.influence
        gradient = torch.zeros_like(centre)
        total = centre.new_zeros(state.n)
        for t in range(state.t, state.t + steps):
            with forward_ad.dual_level():
                dual = tree_map(forward_ad.make_dual, particles, influence)
                dual_theta = forward_ad.make_dual(repeated, direction)
                after, loss = state.problem.step(dual, dual_theta, t)
                particles = tree_map(lambda x: forward_ad.unpack_dual(x).primal, after)
                influence = tree_map(tangent_of, after)  # eq. (1)
                gradient = gradient + tangent_of(loss).view(state.n, dim)  # eq. (2)
                total = total + forward_ad.unpack_dual(loss).primal.view(state.n, dim)[:, 0]

        exploded = count_exploded(total[:, None], state.t, steps, self.on_explosion)
        following = replace(state, particles=particles, influence=influence, t=state.t + steps)
        if done:
            following = self._start(state.problem, state.n, dim, state.batched)
        if not state.batched:
            gradient, total = gradient[0], total[0]
        return gradient, following, single_info(gradient, total, steps, done, exploded)
