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

That is the variance of an episode's *sum*. One update of particles that are spread over the windows
averages single windows' estimates. With :math:`J_{t\tau} = h_{t\tau} - h_{t+1,\tau}`, the slope of
window t's losses with respect to window tau's theta, and :math:`g_t = \sum_\tau J_{t\tau}`,
window t's estimate has

.. math::

    \operatorname{tr} \operatorname{Var}(\text{PES}_t)
        &= P\, t \sum_{\tau \le t} |J_{t\tau}|^2 + |g_t|^2, \qquad
    \operatorname{tr} \operatorname{Var}(\text{NRES}_t) = (P + 1) |g_t|^2 \quad & (4)

and by Cauchy and Schwarz the first is never below the second. (NRES's errors repeat from window to
window, which is why its sum may be the noisier one all the same.)

Independent pairs divide all of them by their number. When every step has one gradient and does not
influence the others, (1) has closed forms in the number of windows n, for identical and for
independent ones.

Derived for the chapter on persistent evolution strategies, which explains it; (2) is proposition
3.2 of :cite:t:`vicol2023low` on ES-Single.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

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


def window_variances(
    h: Float[Tensor, "n n P"],
) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
    """Equation (4): variance of one pair's estimate in each window, of PES and of NRES.

    Args:
        h: as for :func:`pes_variance`.
    """
    windows, _, dim = h.shape
    own = h.clone()
    own[:-1] -= h[1:]
    for t in range(windows):
        own[t, t + 1 :] = 0.0  # a loss does not depend on a later theta
    square = own.sum(dim=1).square().sum(dim=-1)
    number = torch.arange(1, windows + 1, dtype=h.dtype)
    return dim * number * own.square().sum(dim=(1, 2)) + square, (dim + 1) * square


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
