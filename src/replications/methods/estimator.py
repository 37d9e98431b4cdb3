r"""What all gradient estimators of unrolled problems share: how they start and do a window.

An estimator is a value without state of its own. ``init`` starts an episode, ``step`` unrolls one
window of it and returns the gradient of the sum of the window's losses, the next state and an
:class:`Info`. The same state and theta always give the same numbers: randomness is part of the
state. At the end of an episode the returned state stands at the start of a new one.

Leading axes are independent problems: theta [R, P] are R replicates, which run as one batch, each
with a random generator of its own, and give what they would give alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Generic, Literal, TypeVar

import torch
from torch import Tensor

from replications.methods.refusals import refuse_problem, refuse_seed, refuse_state, refuse_theta
from replications.methods.unroll_problem import State, UnrollProblem, window_steps

if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass(frozen=True)
class EstimatorState:
    """Where an estimator stands between two windows, for R replicates."""

    problem: UnrollProblem
    particles: State
    """States of the particles, those of one replicate next to each other."""
    t: int
    """Steps of the episode so far."""
    replicates: int
    rng: tuple[Tensor, ...]
    """State of each replicate's random generator; empty for methods that do not sample."""
    batched: bool
    """Whether gradients have the replicates' axis."""


S = TypeVar("S", bound=EstimatorState)


@dataclass(frozen=True)
class Info:
    """What a step reports beside the gradient; its leading axis R is there if theta has one."""

    directions: Float[Tensor, "*R pairs P"]
    """What each pair's difference of losses is multiplied by; one row for methods without
    sampling.
    """
    coefficients: Float[Tensor, "*R pairs"]
    """The differences, scaled."""
    loss: Float[Tensor, "*R"]
    """Loss summed over the window's steps, averaged over the particles."""
    steps: int
    """Steps that were taken, the whole window, or fewer where the episode ended inside it."""
    done: bool
    """Whether the episode ended; the returned state then stands at the start of a new one."""
    exploded: int
    """Particles whose loss is not finite, over all replicates."""

    @property
    def per_pair(self) -> Float[Tensor, "*R pairs P"]:
        """Independent estimates whose mean is the gradient; one row without sampling."""
        return self.coefficients[..., None] * self.directions


@dataclass(frozen=True)
class Window(Generic[S]):
    """What a method makes of one window."""

    gradient: Float[Tensor, "R P"]
    loss: Float[Tensor, "R n"]
    """Sum over the window's steps for every particle that counts."""
    following: S
    """The state at the window's end."""
    directions: Float[Tensor, "R pairs P"] | None = None
    """None for methods without pairs, as their gradient is the only row."""
    coefficients: Float[Tensor, "R pairs"] | None = None


class Estimator(ABC, Generic[S]):
    """A gradient estimator; a method says how it starts an episode and how it does one window.

    Args:
        window: steps of one window, at least 1; None for whole episodes.
        on_explosion: what to do when particles' losses are not finite: "raise" a
            FloatingPointError that says how many and where, or "report" them in
            ``info.exploded``; nothing is clamped.

    Raises:
        ValueError: if the window is not a positive integer, or `on_explosion` neither of the two.
    """

    samples: ClassVar[bool] = False
    """Whether the method draws random numbers, so that it needs a seed."""

    def __init__(
        self, window: int | None, *, on_explosion: Literal["raise", "report"] = "raise"
    ) -> None:
        self.window = None if window is None else positive_int("window", window)
        if on_explosion not in ("raise", "report"):
            raise ValueError(f'on_explosion must be "raise" or "report", got {on_explosion!r}')
        self.on_explosion = on_explosion

    @abstractmethod
    def _start(
        self,
        problem: UnrollProblem,
        centre: Float[Tensor, "R P"],
        rng: tuple[Tensor, ...],
        batched: bool,
    ) -> S:
        """The state at the start of an episode."""

    @abstractmethod
    def _advance(self, state: S, centre: Float[Tensor, "R P"], steps: int) -> Window[S]:
        """Unroll `steps` steps and differentiate the sum of their losses."""

    def init(
        self,
        problem: UnrollProblem,
        theta: Float[Tensor, "*R P"],
        seed: int | Sequence[int] | None = None,
    ) -> S:
        """Start an episode.

        Args:
            problem: what to unroll.
            theta: parameters [P], or [R, P] for R replicates that run as one batch.
            seed: of the method's random numbers, where it has any; a sequence of R seeds for
                replicates, each of which then draws what it would draw alone.

        Returns:
            The state for the first call of :meth:`step`.

        Raises:
            ValueError: if theta is not a float tensor [P] or [R, P], if there is not one seed a
                replicate, or if neither the window nor the problem's horizon is finite.
        """
        refuse_problem(problem)
        refuse_theta(theta, self.on_explosion)
        refuse_seed(seed)
        if theta.ndim not in (1, 2) or not theta.is_floating_point():
            raise ValueError(
                f"theta must be a float tensor [P] or [R, P], got {theta.dtype} {list(theta.shape)}"
            )
        if seed is None and self.samples:
            raise ValueError(f"seed: {type(self).__name__} draws random numbers and needs one")
        batched = theta.ndim == 2 or isinstance(seed, Sequence)
        count = theta.shape[0] if theta.ndim == 2 else 1
        if isinstance(seed, Sequence):
            seeds = tuple(seed)
        else:  # one seed does for all replicates where nothing is drawn
            seeds = (seed or 0,) * (1 if self.samples else count)
        centre = theta.detach() if theta.ndim == 2 else theta.detach().expand(len(seeds), -1)
        if len(seeds) != centre.shape[0]:
            raise ValueError(
                f"seed must hold one seed a replicate: {centre.shape[0]}, got {len(seeds)}"
            )
        window_steps(problem, self.window, 0)
        rng: tuple[Tensor, ...] = ()
        if self.samples:
            rng = tuple(torch.Generator(theta.device).manual_seed(s).get_state() for s in seeds)
        return self._start(problem, centre, rng, batched)

    @torch.no_grad()
    def step(self, state: S, theta: Float[Tensor, "*R P"]) -> tuple[Float[Tensor, "*R P"], S, Info]:
        """Unroll one window and estimate the gradient of the sum of its losses.

        Args:
            state: from :meth:`init` or the previous step; it is not changed.
            theta: parameters of this window; they may differ from the last window's.

        Returns:
            (gradient [P], state, info); with replicates [R, P], and info's fields likewise.

        Raises:
            FloatingPointError: if particles explode and `on_explosion` is "raise".
            ValueError: if the problem's losses do not have one entry a particle, or have no
                derivative where the method needs one.
        """
        refuse_state(self, state)
        refuse_theta(theta, self.on_explosion, state.replicates)
        steps, done = window_steps(state.problem, self.window, state.t)
        centre = theta.detach().expand(state.replicates, -1)
        window = self._advance(state, centre, steps)
        exploded = count_exploded(window.loss, state.t, steps, self.on_explosion)

        following = replace(window.following, t=state.t + steps)
        if done:
            following = self._start(state.problem, centre, following.rng, state.batched)
        gradient, loss = window.gradient, window.loss.mean(dim=1)
        directions, coefficients = window.directions, window.coefficients
        if directions is None or coefficients is None:
            directions = gradient[:, None]
            coefficients = gradient.new_ones(state.replicates, 1)
        if not state.batched:
            gradient, loss = gradient[0], loss[0]
            directions, coefficients = directions[0], coefficients[0]
        return gradient, following, Info(directions, coefficients, loss, steps, done, exploded)


def generators(rng: tuple[Tensor, ...], device: torch.device) -> list[torch.Generator]:
    """Random generators in the given states."""
    made = [torch.Generator(device) for _ in rng]
    for generator, before in zip(made, rng, strict=True):
        generator.set_state(before)
    return made


def positive_int(name: str, value: int) -> int:
    """The value, if it is an integer of at least 1.

    Raises:
        ValueError: if it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} must be an integer of at least 1, got {value!r}")
    return value


def count_exploded(
    loss: Float[Tensor, "R n"], t: int, steps: int, on_explosion: Literal["raise", "report"]
) -> int:
    """Count particles without a finite loss.

    Raises:
        FloatingPointError: if there are any and `on_explosion` is "raise".
    """
    finite = torch.isfinite(loss)
    bad = loss.numel() - int(finite.sum())
    if bad and on_explosion == "raise":
        where = (~finite).any(dim=1).nonzero().flatten().tolist()
        raise FloatingPointError(
            f"{bad} of {loss.numel()} particles have a loss that is not finite in steps "
            f"{t} to {t + steps - 1} (replicates {where}): the unroll diverges for these "
            "parameters. "
            "Use a smaller sigma or learning rate, bound the problem's loss, or pass "
            'on_explosion="report" to get nan gradients for these replicates and the count.'
        )
    return bad
