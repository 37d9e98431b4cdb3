"""Unrolled problems: what the estimators of the chapter on persistent evolution strategies unroll.

A problem is a state that is advanced step by step under parameters theta and pays a loss at each
step: an RNN reading a text, or a training run with theta as its learning rates. Many copies
("particles") advance at once. Leading axes are independent problems: the first axis of every tensor
is that of the particles; the data of step t are the same for all.

:cite:t:`vicol2021unbiased`. Explained in that chapter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from torch import Tensor

from replications.methods.trees import Tree

if TYPE_CHECKING:
    from jaxtyping import Float

State = Tree
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


def unroll(
    problem: UnrollProblem, state: State, theta: Float[Tensor, "n P"], t: int, steps: int
) -> tuple[State, Float[Tensor, " n"]]:
    """Advance by several steps and sum their losses, by the problem's fast path if it has one."""
    fast = getattr(problem, "unroll", None)
    if fast is not None:
        state, loss = fast(state, theta, t, steps)
        return state, _checked(loss, theta)
    return unroll_steps(problem, state, theta, t, steps)


def unroll_steps(
    problem: UnrollProblem, state: State, theta: Float[Tensor, "n P"], t: int, steps: int
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


def _checked(loss: Tensor, theta: Tensor) -> Tensor:
    if loss.shape != theta.shape[:1]:
        raise ValueError(
            f"problem must return one loss a particle, [{theta.shape[0]}], got {list(loss.shape)}"
        )
    return loss
