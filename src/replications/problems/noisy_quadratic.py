r"""The noisy quadratic model, with the exact second moments of SGD and of Lookahead on it.

The loss of one step is :math:`\hat L(\theta) = \tfrac12 (\theta - c)^\top A (\theta - c)` with
:math:`c \sim N(0, \Sigma)`, :math:`A` and :math:`\Sigma` diagonal: the optimum moves about the
origin from step to step. The coordinates never meet, so every formula is one line per coordinate;
leading axes are independent settings. With :math:`x = \gamma a`, :math:`r = 1 - x`,
:math:`q = r^k` and :math:`\sigma^2` from :math:`\Sigma` (the variance itself, not its square):

.. math::

    V_{SGD} &= \frac{\gamma^2 a^2 \sigma^2}{1 - r^2} = \frac{x}{2 - x}\,\sigma^2, \\
    \lambda &= 1 - \alpha (1 - q), \qquad
    V \leftarrow \lambda^2 V + \alpha^2 (1 - q^2) V_{SGD}
    \quad\text{at each synchronisation,} \\
    V_{LA} &= \frac{\alpha (1 + q)}{2 - \alpha (1 - q)}\, V_{SGD}.

The paper prints the last line with a longer fraction, which cancels to this one.

Implementation notes:

- Where no fixed point exists (:math:`|\lambda| \ge 1`) the variance is returned as inf. For odd k
  Lookahead is stable beyond the limit 2/L of SGD, so the formulas are written without the factor
  :math:`V_{SGD}`, which is infinite there.

References:
    Section 3.2 and Proposition 2 of :cite:t:`zhang2019lookahead`. Chapter: lookahead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from replications.methods.lookahead import lookahead_pull

if TYPE_CHECKING:
    from jaxtyping import Float

BLOCK = 2**14
"""Weights that `simulate` advances together, 64 KiB of float32, which stay in the cache."""


def pulled_moment(moment: Tensor, kept: Tensor, gathered: Tensor, alpha: float | Tensor) -> Tensor:
    r"""Second moment of each coordinate of the slow weights after a loop and its synchronisation.

    .. math::

        E\phi'^2 = \lambda^2\, E\phi^2 + \alpha^2 G, \qquad \lambda = 1 - \alpha (1 - q).

    Args:
        moment: second moment before the loop.
        kept: q, the share of the slow weights that the fast ones still carry at the loop's end.
        gathered: G, the variance that the noise of the loop has added to the fast weights.
        alpha: slow step size in (0, 1]. All broadcast.
    """
    return (1 - alpha * (1 - kept)).square() * moment + alpha**2 * gathered


@dataclass(frozen=True)
class NoisyQuadratic:
    """A diagonal quadratic whose optimum is redrawn at every step.

    Settings (lr, alpha, k) may be numbers or tensors; tensors broadcast to a common shape ``S``,
    and the answers have shape ``[*S, d]``, one number for each setting and coordinate, in float64.

    Args:
        curvature: positive eigenvalues of the Hessian, float64 [d].
        noise_variance: variance of each coordinate of the moving optimum, float64 [d].

    Raises:
        TypeError: if an argument is not a float64 tensor.
        ValueError: if shapes differ or are not [d], a curvature is not positive and finite, or a
            variance is negative or not finite.
    """

    curvature: Float[Tensor, " d"]
    noise_variance: Float[Tensor, " d"]

    def __post_init__(self) -> None:
        for name in ("curvature", "noise_variance"):
            value = getattr(self, name)
            if not isinstance(value, Tensor) or value.dtype != torch.float64:
                raise TypeError(f"{name} must be a float64 tensor, got {value!r:.60}")
            if value.ndim != 1 or value.numel() == 0:
                raise ValueError(f"{name} must have shape [d], got {list(value.shape)}")
        if self.curvature.shape != self.noise_variance.shape:
            raise ValueError(
                f"curvature and noise_variance must have one length, "
                f"got {self.curvature.numel()} and {self.noise_variance.numel()}"
            )
        if not (self.curvature.isfinite() & (self.curvature > 0)).all():
            raise ValueError("curvature must be positive and finite")
        if not (self.noise_variance.isfinite() & (self.noise_variance >= 0)).all():
            raise ValueError("noise_variance must be non-negative and finite")

    def contraction(
        self, lr: float | Tensor, alpha: float | Tensor, k: float | Tensor
    ) -> Float[Tensor, "*s d"]:
        """What a loop without noise leaves of the slow weights: lambda = 1 - alpha (1 - q).

        Args:
            lr: inner learning rate gamma, positive.
            alpha: slow step size in (0, 1].
            k: inner steps in a loop, a whole number >= 1.
        """
        x, alpha, k = self._settings(lr, alpha, k)
        return 1 - alpha * (1 - (1 - x) ** k)

    def sgd_variance(self, lr: float | Tensor) -> Float[Tensor, "*s d"]:
        """Stationary variance of SGD: x / (2 - x) times the noise variance; inf where x >= 2.

        Args:
            lr: learning rate gamma, positive.
        """
        return self.lookahead_variance(lr, alpha=1.0, k=1)

    def lookahead_variance(
        self, lr: float | Tensor, alpha: float | Tensor, k: float | Tensor
    ) -> Float[Tensor, "*s d"]:
        """Stationary variance of the slow weights; inf where there is none.

        Args:
            lr: inner learning rate gamma, positive.
            alpha: slow step size in (0, 1].
            k: inner steps in a loop, a whole number >= 1.
        """
        contraction = self.contraction(lr, alpha, k)
        x, alpha, k = self._settings(lr, alpha, k)
        return torch.where(contraction.abs() < 1, self._fixed_point(x, alpha, k), torch.inf)

    def inner_variance(
        self,
        lr: float | Tensor,
        alpha: float | Tensor,
        k: float | Tensor,
        i: float | Tensor,
    ) -> Float[Tensor, "*s d"]:
        """Stationary variance of the fast weights after i of the k inner steps of a loop.

        ``r^(2i) V_LA + (1 - r^(2i)) V_SGD``: it starts at the slow weights' own and climbs.

        Args:
            lr: inner learning rate gamma, positive.
            alpha: slow step size in (0, 1].
            k: inner steps in a loop, a whole number >= 1.
            i: inner steps done, a whole number in 0..k; broadcasts with the others.
        """
        slow = self.lookahead_variance(lr, alpha, k)
        x, _, k, i = self._settings(lr, alpha, k, i)
        if not ((i >= 0) & (i <= k) & (i == i.round())).all():
            raise ValueError(f"i must be a whole number in 0..k, got {i.flatten().tolist()!s:.60}")
        return (1 - x) ** (2 * i) * slow + self._gathered(x, i)

    def expected_loss(
        self,
        lr: float | Tensor,
        alpha: float | Tensor = 1.0,
        k: float | Tensor = 1,
        *,
        steps: float | Tensor,
        start: float | Tensor = 0.0,
        start_variance: float | Tensor = 0.0,
    ) -> Float[Tensor, "*s"]:
        """Expected excess loss of the slow weights, 1/2 sum a E[theta^2], after `steps` steps.

        The irreducible part, 1/2 sum a sigma^2, is left out. With the defaults alpha = 1 and k = 1
        this is SGD. ``steps = inf`` gives the loss at stationarity.

        Args:
            lr: inner learning rate gamma, positive.
            alpha: slow step size in (0, 1].
            k: inner steps in a loop, a whole number >= 1.
            steps: inner steps; the slow weights are those of the last synchronisation, the
                ``steps // k``-th.
            start: mean of each coordinate at the start, a number or [d].
            start_variance: variance of each coordinate at the start, a number or [d].
        """
        contraction = self.contraction(lr, alpha, k)
        x, alpha, k, steps = self._settings(lr, alpha, k, steps)
        if not (steps >= 0).all():
            raise ValueError(f"steps must be at least 0, got {steps.min():g}")
        loops = torch.floor(steps / k)
        left = contraction.abs() ** (2 * loops)
        mean = torch.as_tensor(start, dtype=torch.float64)
        begin = mean.square() + torch.as_tensor(start_variance, dtype=torch.float64)
        fixed = self._fixed_point(x, alpha, k)
        away = torch.where(begin == fixed, 0.0, left * (begin - fixed))  # left may be inf
        moment = torch.where(
            contraction.abs() == 1,  # no contraction: the noise of the loops adds up
            begin + loops * alpha**2 * self._gathered(x, k),
            fixed + away,
        )
        return 0.5 * (self.curvature * moment).sum(-1)

    def max_stable_lr(self, alpha: float | Tensor, k: float | Tensor) -> Float[Tensor, "*s"]:
        """The learning rate at which the sharpest coordinate stops contracting.

        ``2 / L`` for even k, as for SGD; ``(1 + (2 / alpha - 1)^(1/k)) / L`` for odd k, which is
        larger: the inner loop overshoots, and the pull back to the slow weights catches it.

        Args:
            alpha: slow step size in (0, 1].
            k: inner steps in a loop, a whole number >= 1.
        """
        _, alpha, k = self._settings(1.0, alpha, k)
        bound = torch.where(k % 2 == 1, 1 + (2 / alpha - 1) ** (1 / k), 2.0)
        return bound.squeeze(-1) / self.curvature.max()

    @torch.no_grad()
    def simulate(
        self,
        lr: float,
        alpha: float = 1.0,
        k: int = 1,
        *,
        steps: int,
        chains: int,
        generator: torch.Generator,
        start: float | Tensor = 0.0,
    ) -> Float[Tensor, "chains d"]:
        """Run independent chains step by step; none of the formulas above is used.

        To look inside a loop, continue from slow weights with the defaults alpha = 1, k = 1.

        Args:
            lr: inner learning rate gamma, positive.
            alpha: slow step size in (0, 1].
            k: inner steps in a loop, a whole number >= 1.
            steps: inner steps, at least 0; the last ``steps % k``, which no synchronisation
                follows, are not run.
            chains: number of independent chains, at least 1.
            generator: source of the float32 normals.
            start: weights at the start, broadcast to [chains, d].

        Returns:
            The slow weights after ``steps // k`` synchronisations, float32. Square them in float64.
        """
        self._settings(lr, alpha, k)
        if steps < 0 or chains < 1:
            raise ValueError(
                f"steps must be >= 0 and chains >= 1, got steps={steps}, chains={chains}"
            )
        x = (lr * self.curvature).float()
        kick = x * self.noise_variance.sqrt().float()
        slow = torch.empty(chains, self.curvature.numel()).copy_(torch.as_tensor(start))
        for block in slow.split(max(1, BLOCK // self.curvature.numel())):
            fast, normals = block.clone(), torch.empty_like(block)
            for _ in range(steps // k):
                for _ in range(k):
                    normals.normal_(generator=generator)
                    fast.mul_(1 - x).addcmul_(normals, kick)  # theta - lr a (theta - c)
                lookahead_pull(block, fast, alpha)
        return slow

    def _settings(
        self,
        lr: float | Tensor,
        alpha: float | Tensor,
        k: float | Tensor,
        *others: float | Tensor,
    ) -> list[Tensor]:
        """Check, and return x = lr * curvature and the rest as float64 with a last axis for d."""
        numbers = [torch.as_tensor(v, dtype=torch.float64)[..., None] for v in (lr, alpha, k)]
        lr, alpha, k = numbers
        if not ((lr > 0) & lr.isfinite()).all():
            raise ValueError(f"lr must be positive and finite, got {lr.min():g}..{lr.max():g}")
        if not ((alpha > 0) & (alpha <= 1)).all():
            raise ValueError(f"alpha must lie in (0, 1], got {alpha.min():g}..{alpha.max():g}")
        if not ((k >= 1) & (k == k.round()) & k.isfinite()).all():
            raise ValueError(f"k must be a whole number >= 1, got {k.min():g}..{k.max():g}")
        rest = [torch.as_tensor(v, dtype=torch.float64)[..., None] for v in others]
        return [lr * self.curvature, alpha, k, *rest]

    def _fixed_point(self, x: Tensor, alpha: Tensor, k: Tensor) -> Tensor:
        """V_LA; without contraction, the fixed point that repels, which may be negative."""
        q = (1 - x) ** k
        # (1 + q) / (2 - x) is 0 / 0 at x = 2 for odd k; its limit there is k.
        ratio = torch.where((x == 2) & (k % 2 == 1), k, (1 + q) / (2 - x))
        return alpha * ratio * x * self.noise_variance / (2 - alpha * (1 - q))

    def _gathered(self, x: Tensor, steps: Tensor) -> Tensor:
        """Variance that the noise of so many inner steps adds: x^2 sigma^2 sum_j r^(2j)."""
        closed = (1 - (1 - x) ** (2 * steps)) * x / (2 - x)  # 0 / 0 at x = 2
        return self.noise_variance * torch.where(x == 2, x * x * steps, closed)


def decaying_spectrum(d: int) -> NoisyQuadratic:
    """The noisy quadratic with curvatures 1 / i, i = 1..d, and the noise of their inverse, i."""
    curvature = 1 / torch.arange(1, d + 1, dtype=torch.float64)
    return NoisyQuadratic(curvature, 1 / curvature)
