r"""A linear system whose estimators' means and variances are known exactly.

.. math::

    s_t = A s_{t-1} + B \theta, \qquad
    \text{loss } c \cdot s_t \text{ or } |s_t|^2 / 2 \text{ or } \sum_k s_{tk}^3.

With its own theta in every window, :math:`s_t = \dots + \sum_w J_{tw} \theta_w`, so perturbed
states are Gaussian and every expectation is a formula. Losses up to the quadratic keep their
gradient under antithetic smoothing; the cubic one does not: :math:`E s^3 = m^3 + 3 m v`, where the
variance v of the state depends on how the noise is shared between the windows. That is where PES
and NRES have different targets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

Noise = Literal["none", "per window", "per episode", "truncated"]


class LinearUnroll:
    """The system, one of its three losses, and its exact answers.

    Args:
        matrix: A [S, S].
        push: B [S, P].
        start: the state before the first step [S].
        horizon: steps T of an episode.
        loss: "linear" (with c = 1), "quadratic" or "cubic".
    """

    def __init__(
        self,
        matrix: Float[Tensor, "S S"],
        push: Float[Tensor, "S P"],
        start: Float[Tensor, " S"],
        horizon: int,
        loss: Literal["linear", "quadratic", "cubic"],
    ) -> None:
        if loss not in ("linear", "quadratic", "cubic"):
            raise ValueError(f'loss must be "linear", "quadratic" or "cubic", got {loss!r}')
        self.matrix, self.push, self.start = matrix, push, start
        self.horizon, self.loss = horizon, loss

    def init(self, n: int) -> Float[Tensor, "n S"]:
        """The first state for every particle."""
        return self.start.expand(n, -1)

    def step(
        self, state: Float[Tensor, "n S"], theta: Float[Tensor, "n P"], t: int
    ) -> tuple[Float[Tensor, "n S"], Float[Tensor, " n"]]:
        """One step of every particle and its loss."""
        state = state @ self.matrix.T + theta @ self.push.T
        if self.loss == "linear":
            return state, state.sum(dim=1)
        if self.loss == "quadratic":
            return state, 0.5 * state.square().sum(dim=1)
        return state, state.pow(3).sum(dim=1)

    def window_jacobian(
        self, theta: Float[Tensor, " P"], window: int, sigma: float = 0.0, noise: Noise = "none"
    ) -> Float[Tensor, "n n P"]:
        """D[v, w]: expected derivative of window v's loss with respect to window w's theta.

        Args:
            theta: the parameters, the same in all windows.
            window: steps K; the last window is shorter if K does not divide the horizon.
            sigma: standard deviation of the noise that smooths the loss.
            noise: how it is shared: independent "per window" (PES), one "per episode" (NRES, full
                ES), or per window and forgotten at its end ("truncated"), where D is diagonal as
                well.

        Returns:
            One row and one column a window; D is zero above the diagonal.
        """
        steps, dim = self.horizon, self.push.shape[1]
        count = -(-steps // window)
        response = self.push.new_zeros(len(self.start), count, dim)  # J_tw
        mean = self.start
        result = self.push.new_zeros(count, count, dim)
        for t in range(steps):
            now = t // window
            if noise == "truncated" and t % window == 0:
                response = torch.zeros_like(response)
            mean = self.matrix @ mean + self.push @ theta
            response = torch.einsum("ij,jwp->iwp", self.matrix, response)
            response[:, now] += self.push
            if noise == "none":
                variance = torch.zeros_like(mean)
            elif noise == "per episode":
                variance = sigma**2 * response.sum(dim=1).square().sum(dim=-1)
            else:
                variance = sigma**2 * response.square().sum(dim=(1, 2))
            slope = {
                "linear": torch.ones_like(mean),
                "quadratic": mean,
                "cubic": 3 * (mean.square() + variance),  # d/dm of m^3 + 3 m v
            }[self.loss]
            result[now] += torch.einsum("i,iwp->wp", slope, response)
        return result

    def expected_gradient(
        self, theta: Float[Tensor, " P"], window: int, sigma: float = 0.0, noise: Noise = "none"
    ) -> Float[Tensor, " P"]:
        """Exact mean of the whole-episode estimate; with noise "none" the exact gradient."""
        return self.window_jacobian(theta, window, sigma, noise).sum(dim=(0, 1))

    def truncated_gradient(self, theta: Float[Tensor, " P"], window: int) -> Float[Tensor, " P"]:
        """What truncated backpropagation returns, summed over an episode."""
        return self.expected_gradient(theta, window, 0.0, "truncated")


def later_losses(jacobian: Float[Tensor, "n n P"]) -> Float[Tensor, "n n P"]:
    """h[s, tau] of the variance formula from D[v, w]: losses of the windows from s on."""
    return jacobian.flip(0).cumsum(dim=0).flip(0)


def random_system(
    units: int,
    dim: int,
    horizon: int,
    loss: Literal["linear", "quadratic", "cubic"],
    generator: torch.Generator,
    radius: float = 0.9,
) -> LinearUnroll:
    """A stable random system in double precision, with spectral norm `radius`."""
    options = {"generator": generator, "dtype": torch.float64}
    matrix = torch.randn(units, units, **options)  # type: ignore[call-overload]  # mypy loses **options
    matrix *= radius / torch.linalg.matrix_norm(matrix, ord=2)
    push = torch.randn(units, dim, **options)  # type: ignore[call-overload]
    start = torch.randn(units, **options)  # type: ignore[call-overload]
    return LinearUnroll(matrix, push, start, horizon, loss)
