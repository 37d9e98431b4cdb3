r"""Search without derivatives in a box: at random, and by a Gaussian process.

The process has a Matern kernel (5/2), one length for all hyperparameters, and noise; the next
point is the best of random candidates by expected improvement,

.. math::

    \text{EI}(x) = (f_{\min} - \mu)\, \Phi(z) + s\, \phi(z), \qquad z = (f_{\min} - \mu) / s .

scikit-learn's regressor, which the book has anyway, and these lines: no library of its own. Losses
are ranked through normal scores first, so that one diverged run does not flatten the rest.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float

Objective = Callable[[np.ndarray], np.ndarray]
"""Points [n, P] to losses [n]; a loss that is not finite counts as the worst."""


def at_random(
    objective: Objective,
    low: Float[np.ndarray, " P"],
    high: Float[np.ndarray, " P"],
    trials: int,
    source: np.random.Generator,
) -> tuple[Float[np.ndarray, " P"], float]:
    """The best of uniform points and its loss."""
    points = source.uniform(low, high, (trials, len(low)))
    loss = np.nan_to_num(objective(points), nan=np.inf)
    best = int(loss.argmin())
    return points[best], float(loss[best])


def gaussian_process(
    objective: Objective,
    low: Float[np.ndarray, " P"],
    high: Float[np.ndarray, " P"],
    trials: int,
    source: np.random.Generator,
    first: int = 16,
    refit: int = 20,
    candidates: int = 1000,
) -> tuple[Float[np.ndarray, " P"], float]:
    """The best of the points that expected improvement proposes, and its loss.

    Args:
        objective: what to minimise.
        low: corner of the box.
        high: the other corner.
        trials: evaluations in all.
        source: of randomness.
        first: of them at random.
        refit: trials between two fits of the kernel's length and noise.
        candidates: random points, half uniform and half near the best, among which one is chosen.
    """
    from scipy.special import ndtr, ndtri
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

    dim = len(low)
    unit = source.uniform(size=(first, dim))
    loss = objective(low + unit * (high - low))
    length = np.sqrt(dim)
    kernel = ConstantKernel(1.0) * Matern(length, (0.05, 20 * length), nu=2.5)
    kernel = kernel + WhiteKernel(1e-3, (1e-6, 1.0))
    for trial in range(first, trials):
        ranks = np.argsort(np.argsort(np.nan_to_num(loss, nan=np.inf, posinf=np.inf)))
        scores = ndtri((ranks + 0.5) / len(ranks))
        fits = (trial - first) % refit == 0
        process = GaussianProcessRegressor(kernel, optimizer="fmin_l_bfgs_b" if fits else None)
        with warnings.catch_warnings():  # a length at its bound is no fault of the search
            warnings.simplefilter("ignore", ConvergenceWarning)
            process.fit(unit, scores)
        kernel = process.kernel_
        best = unit[ranks.argmin()]
        near = best + 0.1 * source.normal(size=(candidates // 2, dim))
        pool = np.concatenate([source.uniform(size=(candidates // 2, dim)), near.clip(0, 1)])
        mean, deviation = process.predict(pool, return_std=True)
        deviation = np.maximum(deviation, 1e-9)
        z = (scores.min() - mean) / deviation
        gain = deviation * (z * ndtr(z) + np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi))
        unit = np.concatenate([unit, pool[None, gain.argmax()]])
        loss = np.concatenate([loss, objective(low + unit[-1:] * (high - low))])
    loss = np.nan_to_num(loss, nan=np.inf)
    best_of = int(loss.argmin())
    return low + unit[best_of] * (high - low), float(loss[best_of])
