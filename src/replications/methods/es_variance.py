r"""Exact variance of the evolution-strategy estimators for linearised losses.

Let :math:`h_{s\tau}` be the derivative, with respect to the theta used in window tau, of the sum
of the losses of the windows from max(s, tau) on; so the :math:`h_{ss}` sum to the exact gradient g.
With one antithetic pair and losses that are linear in :math:`(\theta_1, \dots, \theta_n)`, the
whole-episode estimate is

.. math::

    g_\text{PES} = \sigma^{-2} \sum_{s, \tau} \epsilon_s (h_{s\tau} \cdot \epsilon_\tau),

a quadratic form in Gaussians. Isserlis' theorem gives the trace of its covariance; sigma cancels:

.. math::

    \operatorname{tr} \operatorname{Var}(\text{PES})
        &= P \sum_{s, \tau} |h_{s\tau}|^2 + \sum_{s, s'} h_{ss'} \cdot h_{s's} \quad & (1) \\
    \operatorname{tr} \operatorname{Var}(\text{NRES, full ES}) &= (P + 1) |g|^2 \quad & (2) \\
    \operatorname{tr} \operatorname{Var}(\text{truncated ES})
        &= (P + 1) \sum_s |g_s|^2, \quad g_s \text{ the window's own gradient} \quad & (3)

Independent pairs divide all three by their number. When every step has one gradient and does not
influence the others, (1) has closed forms in the number of windows n, for identical and for
independent ones.

Derived for the chapter on persistent evolution strategies, which explains it; (2) is proposition
3.2 of :cite:t:`vicol2023low` on ES-Single.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor


def pes_variance(h: Float[Tensor, "n n P"]) -> Float[Tensor, ""]:
    """Equation (1): total variance of one pair's PES estimate over an episode of n windows.

    Args:
        h: the later-loss gradients h[s, tau] described above.

    Raises:
        ValueError: if h is not [windows, windows, P].
    """
    if h.ndim != 3 or h.shape[0] != h.shape[1]:
        raise ValueError(f"h must be [windows, windows, P], got {list(h.shape)}")
    return h.shape[-1] * h.square().sum() + (h * h.transpose(0, 1)).sum()


def episode_es_variance(gradient: Float[Tensor, " P"]) -> Float[Tensor, ""]:
    """Equation (2): total variance of one pair's NRES or full ES estimate."""
    return (gradient.shape[-1] + 1) * gradient.square().sum()


def truncated_es_variance(own: Float[Tensor, "n P"]) -> Float[Tensor, ""]:
    """Equation (3): total variance of one pair's truncated ES estimate, summed over an episode.

    Args:
        own: gradient of each window's losses with its first state held fixed.
    """
    return (own.shape[-1] + 1) * own.square().sum()


def identical_windows_ratio(windows: int, dim: int) -> float:
    """Variance ratio of PES, tr Var / ``|g|^2``, when n windows have the same gradient and no
    influence on each other.

    It falls from P + 1 at one window to P/2: PES averages the noise of aligned windows.
    """
    return dim * (windows + 1) / (2 * windows) + 1 / windows


def independent_windows_ratio(windows: int, dim: int) -> float:
    """Variance ratio of PES, E tr Var / ``E|g|^2``, when n windows have independent gradients: it
    grows linearly.
    """
    return dim * (windows + 1) / 2 + 1
