r"""Unbiased online recurrent optimization: RTRL with a random rank-one stand-in for G.

RTRL's matrix G [S, P] is replaced by an outer product u w^T whose mean is G. Each step draws
random signs nu [S] and sets

    u' = rho_0 J u + rho_1 nu,        w' = w / rho_0 + (nu^T dF/dtheta) / rho_1,               (1)
    rho_0 = (|w| / |J u|)^(1/2),      rho_1 = (|nu^T dF/dtheta| / |nu|)^(1/2),                 (2)
    dL_t/dtheta ~ (dL_t/ds . u) w + direct derivative.                                         (3)

The cross terms of u' w'^T have mean zero because E nu = 0, and E nu nu^T = I, hence E u w^T = G.
Memory is S + P instead of S P; the price is variance, which (2) keeps smallest but cannot remove.

References: Tallec and Ollivier 2017 (arXiv 1702.05043), algorithm 1; `vicol2021unbiased`, table 1.
Explained in the chapter on persistent evolution strategies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
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
    leaves,
    positive_int,
    raise_or_report,
    single_info,
    tree_map,
    window_steps,
)

if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass(frozen=True)
class UOROState:
    """Where UORO stands: one particle a replicate."""

    problem: UnrollProblem
    particles: State
    u: State
    """State-sized factor of the stand-in for G."""
    w: Float[Tensor, "R P"]
    """Parameter-sized factor."""
    t: int
    rng: tuple[Tensor, ...]
    batched: bool


class UORO:
    """Unbiased online recurrent optimization, with `window` steps to one gradient.

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
        seed: int | Sequence[int],
    ) -> UOROState:
        """Start an episode; the seed (or one a replicate) is that of the random signs.

        Raises:
            ValueError: if theta is not a float tensor [P] or [R, P], or if there is not one seed a
                replicate.
        """
        centre, seeds, batched = as_replicates(theta, seed)
        window_steps(problem, self.window, 0)
        rng = tuple(torch.Generator(theta.device).manual_seed(s).get_state() for s in seeds)
        return self._start(problem, centre, rng, batched)

    def _start(
        self,
        problem: UnrollProblem,
        centre: Tensor,
        rng: tuple[Tensor, ...],
        batched: bool,
    ) -> UOROState:
        load_forward_mode()
        particles = tree_map(torch.clone, problem.init(centre.shape[0]))
        u = tree_map(torch.zeros_like, particles)
        return UOROState(problem, particles, u, torch.zeros_like(centre), 0, rng, batched)

    def step(
        self, state: UOROState, theta: Float[Tensor, "*R P"]
    ) -> tuple[Float[Tensor, "*R P"], UOROState, Info]:
        """Advance by one window; returns (gradient, state, info) as ``PES.step`` does.

        Raises:
            FloatingPointError: if the unroll diverges and `on_explosion` is "raise".
        """
        steps, done = window_steps(state.problem, self.window, state.t)
        centre = theta.detach().expand(state.w.shape)
        gradient = torch.zeros_like(centre)
        total = centre.new_zeros(centre.shape[0])
        generators = [torch.Generator(centre.device) for _ in state.rng]
        for generator, before in zip(generators, state.rng, strict=True):
            generator.set_state(before)

        particles, u, w = state.particles, state.u, state.w
        for t in range(state.t, state.t + steps):
            signs = tree_map(lambda x: _signs(x, generators), u)
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

        exploded = count_exploded(total[:, None], state.t, steps, self.on_explosion)
        rng = tuple(generator.get_state() for generator in generators)
        following = replace(state, particles=particles, u=u, w=w, t=state.t + steps, rng=rng)
        if done:
            following = self._start(state.problem, centre, rng, state.batched)
        if not state.batched:
            gradient, total = gradient[0], total[0]
        return gradient, following, single_info(gradient, total, steps, done, exploded)


def _forward(
    problem: UnrollProblem, particles: State, tangent: State, theta: Tensor, t: int
) -> tuple[State, Tensor]:
    """Derivatives of (state, loss) along a change of the state."""
    with torch.no_grad(), forward_ad.dual_level():
        after, loss = problem.step(tree_map(forward_ad.make_dual, particles, tangent), theta, t)
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
