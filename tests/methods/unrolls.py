"""Small unrolled problems that the tests of the estimators share."""

from __future__ import annotations

import torch
from torch import Tensor

from replications.problems.linear_unroll import LinearUnroll, random_system


def system(loss: str = "quadratic", horizon: int = 7) -> tuple[LinearUnroll, Tensor]:
    """A random linear system with 4 units and 3 parameters, and a theta."""
    generator = torch.Generator().manual_seed(3)
    problem = random_system(4, 3, horizon, loss, generator)  # type: ignore[arg-type]  # a literal by name
    return problem, torch.randn(3, generator=generator, dtype=torch.float64)


class Nested:
    """The same dynamics twice, its state a dict of a tensor and a tuple; also a rising memory."""

    horizon = 6

    def init(self, n: int) -> dict[str, object]:
        return {
            "x": torch.full((n, 2), 0.3, dtype=torch.float64),
            "rest": (
                torch.zeros(n, dtype=torch.float64),
                [torch.ones(n, 1, 2, dtype=torch.float64)],
            ),
        }

    def step(self, state, theta, t):
        x, (memory, [y]) = state["x"], state["rest"]
        y = torch.tanh(y + 0.1 * theta[:, None, :2])
        x = torch.tanh(0.5 * x.flip(1) + theta[:, :2] * y[:, 0] + 0.1 * t)
        memory = 0.5 * memory + x.sum(dim=1) * theta[:, 2]
        return {"x": x, "rest": (memory, [y])}, (memory - 1).square() + x[:, 0]


class Fragile:
    """Its state doubles with theta until it overflows."""

    horizon = None

    def init(self, n: int) -> Tensor:
        return torch.ones(n, dtype=torch.float32)

    def step(self, state, theta, t):
        state = state * torch.exp(theta[:, 0])
        return state, state
