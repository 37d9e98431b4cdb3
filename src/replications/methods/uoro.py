r"""Unbiased online recurrent optimization: RTRL with a random rank-one stand-in for G.

RTRL's matrix G [S, P] is replaced by an outer product :math:`u w^T` whose mean is G. Each step
draws random signs :math:`\nu` [S] and sets

.. math::

    u' &= \rho_0 J u + \rho_1 \nu, \qquad
    w' = w / \rho_0 + (\nu^T \partial F / \partial\theta) / \rho_1 \quad & (1) \\
    \rho_0 &= (|w| / |J u|)^{1/2}, \qquad
    \rho_1 = (|\nu^T \partial F / \partial\theta| / |\nu|)^{1/2} \quad & (2) \\
    dL_t / d\theta &\approx (\partial L_t / \partial s \cdot u)\, w + \text{direct derivative}
    \quad & (3)

The cross terms of :math:`u' w'^T` have mean zero because :math:`E \nu = 0`, and
:math:`E \nu \nu^T = I`, hence :math:`E u w^T = G`. Memory is S + P instead of S P; the price is
variance, which (2) keeps smallest but cannot remove.

References: Tallec and Ollivier 2017 (arXiv 1702.05043), algorithm 1; :cite:t:`vicol2021unbiased`,
table 1. Explained in the chapter on persistent evolution strategies.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor
from torch.autograd import forward_ad

from replications.methods.estimator import (
    Estimator,
    EstimatorState,
    Window,
    generators,
    positive_int,
)
from replications.methods.forward_mode import load_forward_mode, tangent_of
from replications.methods.refusals import refuse_losses, refuse_other_theta, refuse_particles
from replications.methods.trees import leaves, tree_map
from replications.methods.unroll_problem import State, UnrollProblem

if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass(frozen=True)
class UOROState(EstimatorState):
    """Where UORO stands: one particle a replicate."""

    u: State
    """State-sized factor of the stand-in for G."""
    w: Float[Tensor, "R P"]
    """Parameter-sized factor."""


class UORO(Estimator[UOROState]):
    """Unbiased online recurrent optimization, with `window` steps to one gradient.

    Args:
        window: steps whose losses one gradient covers, at least 1.
        on_explosion: see :class:`~replications.methods.estimator.Estimator`.

    Raises:
        ValueError: if the window is not a positive integer, or `on_explosion` neither of the two.
    """

    samples = True

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
    ) -> UOROState:
        load_forward_mode()
        replicates = centre.shape[0]
        particles = tree_map(torch.clone, problem.init(replicates))
        u = tree_map(torch.zeros_like, particles)
        w = torch.zeros_like(centre)
        return UOROState(problem, particles, 0, replicates, rng, batched, u, w)

    def _advance(
        self, state: UOROState, centre: Float[Tensor, "R P"], steps: int
    ) -> Window[UOROState]:
        refuse_other_theta(centre, state.w)
        refuse_particles(state.particles, centre.shape[0])
        gradient = torch.zeros_like(centre)
        total = centre.new_zeros(centre.shape[0])
        sources = generators(state.rng, centre.device)

        particles, u, w = state.particles, state.u, state.w
        for t in range(state.t, state.t + steps):
            signs = tree_map(lambda x: _signs(x, sources), u)
            pushed, slope = _forward(state.problem, particles, u, centre, t)  # J u, dL/ds . u
            # pulled = nu^T dF/dtheta, direct = dL/dtheta
            particles, loss, pulled, direct = _backward(state.problem, particles, signs, centre, t)
            gradient = gradient + slope[:, None] * w + direct  # eq. (3)
            total = total + loss
            rho_0 = _balance(w.norm(dim=1), _norm(pushed))  # eq. (2)
            rho_1 = _balance(pulled.norm(dim=1), _norm(signs))
            kept, new = (
                tree_map(partial(_rows, rho), x) for rho, x in ((rho_0, pushed), (rho_1, signs))
            )
            u = tree_map(torch.add, kept, new)  # eq. (1)
            w = w / rho_0[:, None] + pulled / rho_1[:, None]

        rng = tuple(source.get_state() for source in sources)
        following = replace(state, particles=particles, u=u, w=w, rng=rng)
        return Window(gradient, total[:, None], following)


def _forward(
    problem: UnrollProblem, particles: State, tangent: State, theta: Tensor, t: int
) -> tuple[State, Tensor]:
    """Derivatives of (state, loss) along a change of the state."""
    with forward_ad.dual_level():
        after, loss = problem.step(tree_map(forward_ad.make_dual, particles, tangent), theta, t)
        refuse_losses(loss, theta)
        return tree_map(tangent_of, after), tangent_of(loss)


def _backward(
    problem: UnrollProblem, particles: State, cotangent: State, theta: Tensor, t: int
) -> tuple[State, Tensor, Tensor, Tensor]:
    """(state, loss, cotangent^T dstate/dtheta, dloss/dtheta) of one step."""
    with torch.enable_grad():
        leaf = theta.detach().requires_grad_()
        after, loss = problem.step(particles, leaf, t)
        inner = torch.stack(
            [(a * c).sum() for a, c in zip(leaves(after), leaves(cotangent), strict=True)]
        ).sum()
        pulled, direct = (_pull(x, leaf) for x in (inner, loss.sum()))
    return tree_map(torch.Tensor.detach, after), loss.detach(), pulled, direct


def _pull(value: Tensor, leaf: Tensor) -> Tensor:
    """Gradient of value, zero where it does not depend on leaf at all."""
    if not value.requires_grad:
        return torch.zeros_like(leaf)
    (gradient,) = torch.autograd.grad(
        value, leaf, retain_graph=True, allow_unused=True, materialize_grads=True
    )
    return gradient


def _signs(like: Tensor, generators: list[torch.Generator]) -> Tensor:
    signs = torch.empty_like(like)
    for row, generator in zip(signs, generators, strict=True):
        row.bernoulli_(0.5, generator=generator)
    return signs.mul_(2).sub_(1)


def _norm(tree: State) -> Float[Tensor, " R"]:
    return (
        torch.stack([x.reshape(x.shape[0], -1).square().sum(dim=1) for x in leaves(tree)])
        .sum(dim=0)
        .sqrt()
    )


def _balance(above: Float[Tensor, " R"], below: Float[Tensor, " R"]) -> Float[Tensor, " R"]:
    """The square root of the quotient; 1 where it would be 0 or infinite (at the first steps)."""
    usable = (above > 0) & (below > 0)
    return torch.where(usable, above / below.where(usable, torch.ones_like(below)), 1.0).sqrt()


def _rows(scale: Float[Tensor, " R"], x: Tensor) -> Tensor:
    return scale.view(-1, *[1] * (x.ndim - 1)) * x
