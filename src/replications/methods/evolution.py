r"""Evolution strategies for unrolled problems: PES, NRES, truncated ES and full ES.

All four perturb theta by Gaussian noise in antithetic pairs, unroll one window of K steps, and
weight the loss by noise:

.. math::

    \epsilon_i &\sim N(0, \sigma^2 I), \qquad \theta_i^\pm = \theta \pm \epsilon_i \\
    g &= \frac{1}{2 \cdot \text{pairs} \cdot \sigma^2} \sum_i w_i (L_i^+ - L_i^-) \quad & (1)

where :math:`L_i` is the sum of the window's losses. They differ in three choices only::

    method        eps is new       weight w_i                          state
    full ES       each episode     eps_i  (the window is the episode)  per particle
    truncated ES  each window      eps_i                               one, unrolled at theta
    PES           each window      xi_i = sum of eps_i so far          per particle
    NRES          each episode     eps_i                               per particle

Why PES is unbiased: :math:`L_t` depends on the :math:`\theta_1, \dots, \theta_t` of all windows up
to t, so its total derivative is the sum of :math:`\sigma^{-2} E[\epsilon_\tau L_t]` over
:math:`\tau \le t`, that is :math:`\sigma^{-2} E[\xi_t L_t]`.

References: :cite:t:`vicol2021unbiased` (PES); its algorithms and that of truncated ES as
:cite:t:`vicol2023low` and the authors' code restate them. NRES is :cite:t:`li2023noise`, the same
estimator as ES-Single of :cite:t:`vicol2023low`.
Explained in the chapter on persistent evolution strategies.

Implementation notes:

- ``pairs`` is N/2 of the paper, whose N counts both members of a pair.
- The antithetic partner's accumulator is -xi, so only half of them are stored.
- Truncated ES gets its mean state from one more particle without noise in the same batch.
- An episode that ends inside a window ends the window. Losses of two episodes are never mixed
  under one accumulator.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

import torch
from torch import Tensor

from replications.methods.estimator import (
    Estimator,
    EstimatorState,
    Window,
    generators,
    positive_int,
)
from replications.methods.refusals import (
    refuse_losses,
    refuse_numbers,
    refuse_other_theta,
    refuse_particles,
)
from replications.methods.trees import tree_map
from replications.methods.unroll_problem import UnrollProblem, unroll

if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass(frozen=True)
class ESState(EstimatorState):
    """Its particles are the R·2·pairs perturbed ones; for truncated ES, R mean particles."""

    accumulated: Float[Tensor, "R pairs P"]
    """xi, the noise since the episode began, for PES; for the others the noise of the last
    window.
    """
    noise: Float[Tensor, "R pairs P"] | None
    """The noise of the last window; None at the start of an episode."""


def antithetic_gradient(
    plus: Float[Tensor, "*R pairs"],
    minus: Float[Tensor, "*R pairs"],
    weight: Float[Tensor, "*R pairs P"],
    sigma: float,
) -> tuple[Float[Tensor, "*R P"], Float[Tensor, "*R pairs"]]:
    """Equation (1) from the losses of the pairs' two members.

    Returns:
        (gradient, the scaled difference of losses of each pair).
    """
    coefficients = (plus - minus) / (2 * sigma**2)
    total = torch.einsum("...n,...np->...p", coefficients, weight)
    return total / weight.shape[-2], coefficients


class EvolutionStrategy(Estimator[ESState]):
    """Equation (1) with the three choices as class attributes; use one of the subclasses.

    Args:
        window: steps K of one window, at least 1; None for whole episodes.
        sigma: standard deviation of the perturbations (not their variance), positive.
        pairs: antithetic pairs, at least 1; the paper's N is twice this number.
        on_explosion: see :class:`~replications.methods.estimator.Estimator`.

    Raises:
        ValueError: for arguments out of range.
    """

    samples = True
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
        refuse_numbers(sigma=sigma)
        if not (sigma > 0 and math.isfinite(sigma)):
            raise ValueError(f"sigma must be a positive finite number, got {sigma!r}")
        super().__init__(window, on_explosion=on_explosion)
        self.sigma = float(sigma)
        self.pairs = positive_int("pairs", pairs)

    def __repr__(self) -> str:
        window = "" if self.window is None else f"window={self.window}, "
        return f"{type(self).__name__}({window}sigma={self.sigma}, pairs={self.pairs})"

    def _start(
        self,
        problem: UnrollProblem,
        centre: Float[Tensor, "R P"],
        rng: tuple[Tensor, ...],
        batched: bool,
    ) -> ESState:
        replicates, dim = centre.shape
        n = replicates * (1 if self.carry == "mean" else 2 * self.pairs)
        zeros = centre.new_zeros(replicates, self.pairs, dim)
        return ESState(problem, problem.init(n), 0, replicates, rng, batched, zeros, None)

    def _advance(self, state: ESState, centre: Float[Tensor, "R P"], steps: int) -> Window[ESState]:
        refuse_other_theta(centre, state.accumulated)
        replicates, dim = centre.shape
        noise, rng = state.noise, state.rng
        if noise is None or self.redraw == "window":
            noise, rng = self._draw(rng, centre)
        accumulated = noise
        if self.weight == "accumulated":  # before it is used: xi contains this window's eps
            accumulated = state.accumulated + noise

        particles, count = state.particles, 2 * self.pairs
        refuse_particles(state.particles, replicates * (1 if self.carry == "mean" else count))
        if self.carry == "mean":
            count += 1
            particles = tree_map(lambda x: x.repeat_interleave(count, dim=0), particles)
        perturbed = centre.new_empty(replicates, count, dim)
        torch.add(centre[:, None], noise, out=perturbed[:, : self.pairs])
        torch.sub(centre[:, None], noise, out=perturbed[:, self.pairs : 2 * self.pairs])
        perturbed[:, 2 * self.pairs :] = centre[:, None]
        perturbed = perturbed.view(-1, dim)
        particles, loss = unroll(state.problem, particles, perturbed, state.t, steps)
        refuse_losses(loss, perturbed)
        loss = loss.view(replicates, -1)
        if self.carry == "mean":
            particles = tree_map(
                lambda x: x.view(replicates, count, *x.shape[1:])[:, -1], particles
            )
            loss = loss[:, :-1]

        plus, minus = loss[:, : self.pairs], loss[:, self.pairs :]
        gradient, coefficients = antithetic_gradient(plus, minus, accumulated, self.sigma)
        following = replace(
            state, particles=particles, accumulated=accumulated, noise=noise, rng=rng
        )
        return Window(gradient, loss, following, accumulated, coefficients)

    def _draw(
        self, rng: tuple[Tensor, ...], like: Float[Tensor, "R P"]
    ) -> tuple[Float[Tensor, "R pairs P"], tuple[Tensor, ...]]:
        noise = like.new_empty(like.shape[0], self.pairs, like.shape[1])
        made = generators(rng, like.device)
        for row, generator in zip(noise, made, strict=True):
            row.normal_(0.0, self.sigma, generator=generator)
        return noise, tuple(generator.get_state() for generator in made)


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
        self, sigma: float, pairs: int, *, on_explosion: Literal["raise", "report"] = "raise"
    ) -> None:
        super().__init__(None, sigma, pairs, on_explosion=on_explosion)
