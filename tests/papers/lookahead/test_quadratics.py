"""The experiments on quadratics against an independent study's numbers, and the slider's frames.

The study's tolerances: half a unit of its last printed digit, unless a grid of ours differs.
"""

import re

import numpy as np
import pytest

from replications.papers.lookahead.claims.speed import lr_range
from replications.papers.lookahead.experiments import (
    CONTROLS,
    CONVERGENCE,
    MOMENTUM,
    ONE_CURVATURE,
    SLOW_STEP,
    VARIANCE,
)
from replications.papers.lookahead.figures.slider import ALPHAS, KS, XS, frames, variance_slider


def test_equal_risk():
    result = CONVERGENCE.result()
    columns = [list(result.risk).index(risk) for risk in (0.02, 0.05, 0.1)]
    expected = [
        (0.998, 0.994, 0.992),
        (0.993, 0.976, 0.970),
        (0.985, 0.950, 0.943),
        (0.947, 0.858, 0.889),
        (0.870, 0.795, 0.918),
    ]
    np.testing.assert_allclose(result.table[:, columns], expected, atol=5.1e-4)
    best = np.nanmin(result.lookahead[2, list(result.risk).index(0.0341)])
    sgd = result.sgd[2, list(result.risk).index(0.0341)]
    assert best / sgd == pytest.approx(0.8756, abs=5e-4)  # the risk itself is rounded there


def test_one_curvature_gains_nothing_at_equal_risk():
    result = CONVERGENCE.result()
    share = result.lookahead[0] / result.sgd[0][:, None]
    assert np.nanmin(share) > 1 - 1e-6  # the bisection of the risk


def test_best_settings():
    result = CONTROLS.result()
    best = dict(zip(result.names.tolist(), result.loss.min(1).tolist(), strict=True))
    expected = {
        "SGD": 0.1469,
        "SGD, cosine decay": 0.0785,
        "SGD, linear decay": 0.0760,
        "SGD, averaged": 0.0690,
        "Lookahead, k = 5": 0.1336,
        "Lookahead, k = 10": 0.1292,
        "Lookahead, k = 20": 0.1261,
        "Lookahead, k = 5, linear decay": 0.0746,
        "Lookahead, k = 20, linear decay": 0.0728,
    }
    for name, loss in expected.items():
        assert best[name] == pytest.approx(loss, abs=3e-4), name  # other grids of learning rates


def test_range_of_learning_rates():
    lr = np.geomspace(0.01, 100, 401)
    parabola = 1 + np.log(lr / 3) ** 2  # 1.1 at a distance of sqrt(0.1) in log lr
    assert lr_range(lr, parabola) == pytest.approx(np.exp(2 * np.sqrt(0.1)), rel=1e-3)  # the grid


def test_momentum():
    result = MOMENTUM.result()
    b, maintain = list(result.beta), list(result.methods).index("maintain")

    def speed(beta, eigenvalues, condition):
        n = list(result.eigenvalues).index(eigenvalues)
        c = int(np.argmin(np.abs(result.condition - condition)))
        return result.speed[b.index(beta), maintain, n, c]

    # Two significant digits: the best learning rate lies on a peak that the grids cut differently.
    assert speed(0.9, 2, 10) == pytest.approx(0.0723, rel=0.02)
    assert speed(0.9, 0, 100) == pytest.approx(0.0195, rel=0.02)
    assert speed(0.99, 2, 10) == pytest.approx(0.0500, rel=0.02)
    assert speed(0.99, 0, 1000) == pytest.approx(0.0050, rel=0.02)
    assert speed(0.9, 2, 1e4) == pytest.approx(0.00183, rel=0.02)
    np.testing.assert_allclose(result.measured, result.predicted, rtol=1e-3)  # slope of a log size


def test_equal_variance():
    result = ONE_CURVATURE.result()
    row = list(zip(result.shown_alpha, result.shown_k, strict=True)).index((0.5, 5))
    ratios = np.interp((0.1, 0.2, 0.5, 1.0), result.shown_x, result.shown[row])
    np.testing.assert_allclose(ratios, (0.982, 0.924, 0.582, 0.200), atol=1e-3)


def test_slow_step_even_and_odd():
    result = SLOW_STEP.result()
    share = (result.parabola < 1).mean(1)
    assert share[result.k % 2 == 0].max() == 0
    assert share[result.k % 2 == 1].min() > 0.05


def test_variances_scatter_as_chi_square():
    from scipy.special import chdtrc

    for tier in ("quick", "full"):
        result = VARIANCE.result(tier)
        z = (result.measured / result.theory - 1) / np.sqrt(2 / result.chains)
        assert np.abs(z).max() < 3.9  # 96 settings: Bonferroni at 1 %, two-sided
        assert chdtrc(z.size, (z**2).sum()) > 1e-4


def test_slider_shows_the_formula():
    table = np.array(frames())
    k, alpha, x = (np.array(v) for v in (KS, ALPHAS, XS))
    q = (1 - x) ** k[:, None, None]
    share = alpha[:, None] * (1 + q) / (2 - alpha[:, None] * (1 - q))
    np.testing.assert_allclose(table / 1000, share, atol=5.1e-4)  # thousandths
    html = variance_slider()
    assert len(re.findall("<label", html)) == len(re.findall("type='range'", html)) == 3
    assert "http" not in html
