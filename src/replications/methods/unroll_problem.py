"""Unrolled problems: what the estimators of the chapter on persistent evolution strategies unroll.

A problem is a state that is advanced step by step under parameters theta and pays a loss at each
step: an RNN reading a text, or a training run with theta as its learning rates. Many copies
("particles") advance at once, the particle axis first; the data of step t are the same for all.

`vicol2021unbiased`, section 2. Explained in that chapter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

import torch
from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Float

State = Any
"""A tensor, or nested tuples, lists and dicts of tensors, each with the particles first."""


@runtime_checkable
class UnrollProblem(Protocol):
    """A computation graph that is unrolled in time.

    A problem may also have a method ``unroll(state, theta, t, steps)`` that returns the state after
    several steps and the *sum* of their losses: the same numbers as ``steps`` calls of ``step``,
    faster. It need not be differentiable; the estimators that differentiate call ``step``.
    """

    @property
    def horizon(self) -> int | None:
        """Steps of one episode; None if it never ends."""

    def init(self, n: int) -> State:
        """The first state of n equal particles."""

    def step(
        self, state: State, theta: Float[Tensor, "n P"], t: int
    ) -> tuple[State, Float[Tensor, " n"]]:
        """Advance every particle by step t, with its own parameters. Pure.

        Returns:
            (new state, loss of this step for each particle).
        """


@dataclass(frozen=True)
class Info:
    """What a step of an estimator reports beside the gradient (a leading axis R if replicated)."""

    directions: Float[Tensor, "pairs P"]
    """What each pair's difference of losses is multiplied by; one row for methods without
    sampling.
    """
    coefficients: Float[Tensor, " pairs"]
    """The differences, scaled."""
    loss: Float[Tensor, ""]
    """Loss summed over the window's steps, averaged over the particles."""
    steps: int
    """Steps that were taken: the window, or fewer where the episode ended inside it."""
    done: bool
    """Whether the episode ended; the returned state then stands at the start of a new one."""
    exploded: int
    """Particles whose loss is not finite, over all replicates."""

    @property
    def per_pair(self) -> Float[Tensor, "pairs P"]:
        """Independent estimates whose mean is the gradient; one row without sampling."""
        return self.coefficients[..., None] * self.directions


def single_info(
    gradient: Float[Tensor, "*R P"],
    loss: Float[Tensor, "*R"],
    steps: int,
    done: bool,
    exploded: int,
) -> Info:
    """The info of a method without pairs: its gradient is the only row."""
    ones = gradient.new_ones(*gradient.shape[:-1], 1)
    return Info(gradient[..., None, :], ones, loss, steps, done, exploded)


def tree_map(f: Callable[..., Tensor], first: State, *rest: State) -> State:
    """Apply f to each tensor of a state, or to corresponding tensors of several states."""
    if isinstance(first, Tensor):
        return f(first, *rest)
    if isinstance(first, dict):
        return {key: tree_map(f, first[key], *(r[key] for r in rest)) for key in first}
    if isinstance(first, tuple | list):
        new = [tree_map(f, *items) for items in zip(first, *rest, strict=True)]
        return type(first)(*new) if hasattr(first, "_fields") else type(first)(new)
    raise TypeError(
        f"a state consists of tensors, tuples, lists and dicts, got {type(first).__name__}"
    )


def leaves(state: State) -> list[Tensor]:
    """The tensors of a state, in the order of :func:`tree_map`."""
    if isinstance(state, Tensor):
        return [state]
    items = state.values() if isinstance(state, dict) else state
    return [tensor for item in items for tensor in leaves(item)]


def unroll(
    problem: UnrollProblem,
    state: State,
    theta: Float[Tensor, "n P"],
    t: int,
    steps: int,
) -> tuple[State, Float[Tensor, " n"]]:
    """Advance by several steps and sum their losses, by the problem's fast path if it has one."""
    fast = getattr(problem, "unroll", None)
    if fast is not None:
        state, loss = fast(state, theta, t, steps)
        return state, _checked(loss, theta)
    return unroll_steps(problem, state, theta, t, steps)


def unroll_steps(
    problem: UnrollProblem,
    state: State,
    theta: Float[Tensor, "n P"],
    t: int,
    steps: int,
) -> tuple[State, Float[Tensor, " n"]]:
    """The same by single steps: differentiable wherever the problem's step is."""
    total = theta.new_zeros(theta.shape[0])
    for i in range(t, t + steps):
        state, loss = problem.step(state, theta, i)
        total = total + _checked(loss, theta)
    return state, total


def window_steps(problem: UnrollProblem, window: int | None, t: int) -> tuple[int, bool]:
    """How many steps the window that starts at t has, and whether the episode ends with it.

    Raises:
        ValueError: if neither the window nor the problem's horizon is finite.
    """
    if problem.horizon is None:
        if window is None:
            raise ValueError("problem.horizon is None: an endless problem needs a finite window")
        return window, False
    left = problem.horizon - t
    steps = left if window is None else min(window, left)
    return steps, steps == left


def as_replicates(
    theta: Float[Tensor, "*R P"], seed: int | Sequence[int]
) -> tuple[Float[Tensor, "R P"], tuple[int, ...], bool]:
    """Theta with a leading axis of replicates, a seed for each, and whether there was such an
    axis.

    Raises:
        ValueError: if theta is not a float tensor [P] or [R, P], or if there is not one seed a
            replicate.
    """
    if theta.ndim not in (1, 2) or not theta.is_floating_point():
        raise ValueError(
            f"theta must be a float tensor [P] or [R, P], got {theta.dtype} {list(theta.shape)}"
        )
    batched = theta.ndim == 2 or not isinstance(seed, int)
    seeds = (seed,) if isinstance(seed, int) else tuple(seed)
    theta = theta if theta.ndim == 2 else theta.expand(len(seeds), -1)
    if len(seeds) != theta.shape[0]:
        raise ValueError(f"seed must hold one seed a replicate: {theta.shape[0]}, got {len(seeds)}")
    return theta.detach(), seeds, batched


def positive_int(name: str, value: int) -> int:
    """The value, if it is an integer of at least 1.

    Raises:
        ValueError: if it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} must be an integer of at least 1, got {value!r}")
    return value


def raise_or_report(on_explosion: str) -> Literal["raise", "report"]:
    """The value, if it is one of the two things to do when a loss is not finite.

    Raises:
        ValueError: if it is neither.
    """
    if on_explosion == "raise":
        return "raise"
    if on_explosion == "report":
        return "report"
    raise ValueError(f'on_explosion must be "raise" or "report", got {on_explosion!r}')


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


def _checked(loss: Tensor, theta: Tensor) -> Tensor:
    if loss.shape != theta.shape[:1]:
        raise ValueError(
            f"problem must return one loss a particle, [{theta.shape[0]}], got {list(loss.shape)}"
        )
    return loss
