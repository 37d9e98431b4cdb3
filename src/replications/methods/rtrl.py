r"""Real-time recurrent learning: the exact gradient, carried forwards.

The state's derivative with respect to theta is advanced along with the state itself,

.. math::

    G_t &= J_t G_{t-1} + \partial F_t / \partial\theta, \qquad J_t = \partial F_t / \partial s
        \quad & (1) \\
    dL_t / d\theta &= (\partial L_t / \partial s)\, G_{t-1} + \text{direct derivative} \quad & (2)

so nothing of the past needs to be stored but G, S numbers for each of the P parameters.
Forward-mode differentiation gives (1) and (2) at once: parameter p is one more particle, whose
tangent is the p-th column of G.

References: Williams and Zipser 1989; :cite:t:`vicol2021unbiased`, table 1. Explained in the chapter
on persistent evolution strategies.

Implementation note: unbiased while theta stays fixed. When theta is updated, G mixes derivatives at
old values.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor
from torch.autograd import forward_ad

from replications.methods.estimator import Estimator, EstimatorState, Window, positive_int
from replications.methods.forward_mode import load_forward_mode, tangent_of
from replications.methods.refusals import refuse_losses, refuse_particles
from replications.methods.trees import tree_map
from replications.methods.unroll_problem import State, UnrollProblem

if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass(frozen=True)
class RTRLState(EstimatorState):
    """Its particles are P equal ones a replicate."""

    influence: State
    """G, for particle (r, p) the derivative of replicate r's state with respect to theta_p."""


class RTRL(Estimator[RTRLState]):
    """Real-time recurrent learning, with `window` steps to one gradient.

    Args:
        window: steps whose losses one gradient covers, at least 1.
        on_explosion: see :class:`~replications.methods.estimator.Estimator`.

    Raises:
        ValueError: if the window is not a positive integer, or `on_explosion` neither of the two.
    """

    def __init__(
        self, window: int = 1, *, on_explosion: Literal["raise", "report"] = "raise"
    ) -> None:
        super().__init__(positive_int("window", window), on_explosion=on_explosion)

    def _start(
        self,
        problem: UnrollProblem,
        centre: Float[Tensor, "R P"],
        rng: tuple[Tensor, ...],
        batched: bool,
    ) -> RTRLState:
        load_forward_mode()
        # a dual may not be a broadcast view
        particles = tree_map(torch.clone, problem.init(centre.numel()))
        # the first state does not depend on theta
        influence = tree_map(torch.zeros_like, particles)
        return RTRLState(problem, particles, 0, centre.shape[0], rng, batched, influence)

    def _advance(
        self, state: RTRLState, centre: Float[Tensor, "R P"], steps: int
    ) -> Window[RTRLState]:
        refuse_particles(state.particles, centre.numel())
        replicates, dim = centre.shape
        repeated = centre.repeat_interleave(dim, dim=0)
        direction = torch.eye(dim, dtype=centre.dtype, device=centre.device).repeat(replicates, 1)

        particles, influence = state.particles, state.influence
        gradient = torch.zeros_like(centre)
        total = centre.new_zeros(replicates)
        for t in range(state.t, state.t + steps):
            with forward_ad.dual_level():
                dual = tree_map(forward_ad.make_dual, particles, influence)
                dual_theta = forward_ad.make_dual(repeated, direction)
                after, loss = state.problem.step(dual, dual_theta, t)
                refuse_losses(loss, repeated)
                particles = tree_map(lambda x: forward_ad.unpack_dual(x).primal, after)
                influence = tree_map(tangent_of, after)  # eq. (1)
                gradient = gradient + tangent_of(loss).view(replicates, dim)  # eq. (2)
                total = total + forward_ad.unpack_dual(loss).primal.view(replicates, dim)[:, 0]

        following = replace(state, particles=particles, influence=influence)
        return Window(gradient, total[:, None], following)
