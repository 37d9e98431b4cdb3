r"""Evolution strategies for unrolled problems: PES, NRES, truncated ES and full ES.

All four perturb theta by Gaussian noise in antithetic pairs, unroll one window of K steps, and
weight the loss by noise:

    eps_i ~ N(0, sigma^2 I),  theta_i^+- = theta +- eps_i
    g = 1/(2 pairs sigma^2) sum_i w_i (L_i^+ - L_i^-)                                        (1)

where L_i is the sum of the window's losses. They differ in three choices only:

    method        eps is new       weight w_i                          state
    full ES       each episode     eps_i  (the window is the episode)  per particle
    truncated ES  each window      eps_i                               one, unrolled at theta
    PES           each window      xi_i = sum of eps_i so far          per particle
    NRES          each episode     eps_i                               per particle

Why PES is unbiased: L_t depends on the theta_1, ..., theta_t of all windows up to t, so its total
derivative is the sum of sigma^-2 E[eps_tau L_t] over tau <= t, that is sigma^-2 E[xi_t L_t].

References: `vicol2021unbiased`, sections 3 and 4, algorithms 1 and 2 (truncated ES, PES); NRES is
Li et al. 2023 (arXiv 2304.12180), the same estimator as ES-Single (arXiv 2304.11153).
Explained in the chapter on persistent evolution strategies.

Implementation notes:
    * `pairs` is N/2 of the paper, whose N counts both members of a pair.
    * The antithetic partner's accumulator is -xi, so only half of them are stored.
    * Truncated ES gets its mean state from one more particle without noise in the same batch.
    * An episode that ends inside a window ends the window. Losses of two episodes are never mixed
      under one accumulator.
    * Randomness is part of the returned state: the same state always gives the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

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
    tree_map,
    unroll,
    window_steps,
)

if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass(frozen=True)
class ESState:
    """Where an evolution strategy stands between two windows, for R replicates."""

    problem: UnrollProblem
    particles: State
    """States of the R·2·pairs particles; for truncated ES, of R mean particles."""
    accumulated: Float[Tensor, "R pairs P"]
    """xi, the noise since the episode began, for PES; for the others the noise of the last
    window.
    """
    noise: Float[Tensor, "R pairs P"] | None
    """The noise of the last window; None at the start of an episode."""
    t: int
    """Steps of the episode so far."""
    rng: tuple[Tensor, ...]
    """State of each replicate's random generator."""
    batched: bool
    """Whether gradients have the replicates' axis."""


class EvolutionStrategy:
    """Equation (1) with the three choices as class attributes; use one of the subclasses.

    Args:
        window: steps K of one window, at least 1.
        sigma: standard deviation of the perturbations (not their variance), positive.
        pairs: antithetic pairs, at least 1; the paper's N is twice this number.
        on_explosion: what to do when particles' losses are not finite: "raise" a
            FloatingPointError that says how many and where, or "report" them in
            ``info.exploded``; nothing is clamped.

    Raises:
        ValueError: for arguments out of range.
    """

    redraw: ClassVar[Literal["window", "episode"]] = "window"
    weight: ClassVar[Literal["current", "accumulated"]] = "current"
    carry: ClassVar[Literal["particles", "mean"]] = "particles"

    def __init__(
        self,
        window: int | None,
        sigma: float,
        pairs: int,
        *,
        on_explosion: Literal["raise", "report"] = "raise",
    ) -> None:
        if not (sigma > 0 and math.isfinite(sigma)):
            raise ValueError(f"sigma must be a positive finite number, got {sigma!r}")
        self.window = None if window is None else positive_int("window", window)
        self.sigma = float(sigma)
        self.pairs = positive_int("pairs", pairs)
        self.on_explosion = raise_or_report(on_explosion)

    def __repr__(self) -> str:
        window = "" if self.window is None else f"window={self.window}, "
        return f"{type(self).__name__}({window}sigma={self.sigma}, pairs={self.pairs})"

    def init(
        self,
        problem: UnrollProblem,
        theta: Float[Tensor, "*R P"],
        seed: int | Sequence[int],
    ) -> ESState:
        """Start an episode.

        Args:
            problem: what to unroll.
            theta: parameters [P], or [R, P] for R replicates that run as one batch.
            seed: of the perturbations; a sequence of R seeds for replicates, each of which then
                draws what it would draw alone.

        Returns:
            The state for the first call of :meth:`step`.

        Raises:
            ValueError: if theta is not a float tensor [P] or [R, P], if there is not one seed a
                replicate, or if neither the window nor the problem's horizon is finite.
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
    ) -> ESState:
        replicates, dim = centre.shape
        n = replicates * (1 if self.carry == "mean" else 2 * self.pairs)
        zeros = centre.new_zeros(replicates, self.pairs, dim)
        return ESState(problem, problem.init(n), zeros, None, 0, rng, batched)

    @torch.no_grad()
    def step(
        self, state: ESState, theta: Float[Tensor, "*R P"]
    ) -> tuple[Float[Tensor, "*R P"], ESState, Info]:
        """Unroll one window and estimate the gradient of the sum of its losses.

        Args:
            state: from :meth:`init` or the previous step; it is not changed.
            theta: parameters of this window; they may differ from the last window's.

        Returns:
            (gradient [P], state, info); with replicates [R, P], and info's fields likewise.

        Raises:
            FloatingPointError: if particles explode and `on_explosion` is "raise".
            ValueError: if the problem's losses do not have one entry a particle.
        """
        centre = theta.detach().expand(state.accumulated.shape[0], -1)
        replicates, dim = centre.shape
        steps, done = window_steps(state.problem, self.window, state.t)

        noise, rng = state.noise, state.rng
        if noise is None or self.redraw == "window":
            noise, rng = self._draw(rng, centre)
        accumulated = weight = noise
        if self.weight == "accumulated":  # before it is used: xi contains this window's eps
            accumulated = weight = state.accumulated + noise

        particles, count = state.particles, 2 * self.pairs
        if self.carry == "mean":
            count += 1
            particles = tree_map(lambda x: x.repeat_interleave(count, dim=0), particles)
        perturbed = centre.new_empty(replicates, count, dim)
        torch.add(centre[:, None], noise, out=perturbed[:, : self.pairs])
        torch.sub(centre[:, None], noise, out=perturbed[:, self.pairs : 2 * self.pairs])
        perturbed[:, 2 * self.pairs :] = centre[:, None]
        perturbed = perturbed.view(-1, dim)
        particles, loss = unroll(state.problem, particles, perturbed, state.t, steps)
        loss = loss.view(replicates, -1)
        if self.carry == "mean":
            particles = tree_map(
                lambda x: x.view(replicates, count, *x.shape[1:])[:, -1], particles
            )
            loss = loss[:, :-1]

        exploded = count_exploded(loss, state.t, steps, self.on_explosion)
        plus, minus = loss[:, : self.pairs], loss[:, self.pairs :]
        coefficients = (plus - minus) / (2 * self.sigma**2)
        gradient = torch.einsum("rn,rnp->rp", coefficients, weight) / self.pairs  # eq. (1)

        following = replace(
            state,
            particles=particles,
            accumulated=accumulated,
            noise=noise,
            t=state.t + steps,
            rng=rng,
        )
        if done:
            following = self._start(state.problem, centre, rng, state.batched)
        mean_loss = loss.mean(dim=1)
        if not state.batched:
            gradient, mean_loss = gradient[0], mean_loss[0]
            weight, coefficients = weight[0], coefficients[0]
        return gradient, following, Info(weight, coefficients, mean_loss, steps, done, exploded)

    def _draw(
        self, rng: tuple[Tensor, ...], like: Float[Tensor, "R P"]
    ) -> tuple[Float[Tensor, "R pairs P"], tuple[Tensor, ...]]:
        noise = like.new_empty(like.shape[0], self.pairs, like.shape[1])
        after = []
        for row, before in zip(noise, rng, strict=True):
            generator = torch.Generator(like.device)
            generator.set_state(before)
            row.normal_(0.0, self.sigma, generator=generator)
            after.append(generator.get_state())
        return noise, tuple(after)


class _WindowedStrategy(EvolutionStrategy):
    """An evolution strategy that updates theta within an episode: its window is an integer."""

    def __init__(
        self,
        window: int,
        sigma: float,
        pairs: int,
        *,
        on_explosion: Literal["raise", "report"] = "raise",
    ) -> None:
        super().__init__(positive_int("window", window), sigma, pairs, on_explosion=on_explosion)


class PES(_WindowedStrategy):
    """Persistent evolution strategies: new noise each window, weighted by all noise so far.

    Unbiased for the gradient of the episode's loss smoothed by *independent* noise in every
    window, at any window length, as long as theta stays fixed during the episode. See
    :class:`EvolutionStrategy`.
    """

    redraw = "window"
    weight = "accumulated"


class NRES(_WindowedStrategy):
    """Noise-reuse evolution strategies (ES-Single): one noise for the whole episode.

    Unbiased for the gradient of the episode's loss smoothed by that one noise: the loss that full
    ES smooths. See :class:`EvolutionStrategy`.
    """

    redraw = "episode"


class TruncatedES(_WindowedStrategy):
    """Truncated evolution strategies: each window starts from the state unrolled at theta itself.

    Biased: it does not see how theta acts through the window's first state. For quadratic losses
    its mean is the gradient of truncated backpropagation. See :class:`EvolutionStrategy`.
    """

    carry = "mean"


class FullES(EvolutionStrategy):
    """Evolution strategies on whole episodes: one gradient an episode, no truncation.

    See :class:`EvolutionStrategy`; the problem needs a finite horizon.
    """

    redraw = "episode"

    def __init__(
        self,
        sigma: float,
        pairs: int,
        *,
        on_explosion: Literal["raise", "report"] = "raise",
    ) -> None:
        super().__init__(None, sigma, pairs, on_explosion=on_explosion)
