"""The experiments on quadratics against an independent study's numbers, and the slider's frames.

The study's tolerances: half a unit of its last printed digit, unless a grid of ours differs.
"""

import re

import numpy as np
import pytest
import xarray as xr

from replications.papers.lookahead.experiments import convergence, momentum, slow_step
from replications.papers.lookahead.experiments.controls import controls, lowest_loss, lr_range
from replications.papers.lookahead.experiments.one_curvature import (
    faster_beyond_one,
    one_curvature,
)
from replications.papers.lookahead.experiments.variance import scores, variance
from replications.papers.lookahead.figures.slider import ALPHAS, KS, XS, frames, variance_slider


def test_equal_risk():
    result = convergence.convergence.result()
    expected = [
        (0.998, 0.994, 0.992),
        (0.993, 0.976, 0.970),
        (0.985, 0.950, 0.943),
        (0.947, 0.858, 0.889),
        (0.870, 0.795, 0.918),
    ]
    table = convergence.table_ratio(result).sel(risk=[0.02, 0.05, 0.1])
    np.testing.assert_allclose(table, expected, atol=5.1e-4)
    best = convergence.loss_ratio(result).sel(curvatures=100, risk=0.0341).min()
    assert best == pytest.approx(0.8756, abs=5e-4)  # the risk itself is rounded there
    assert abs(convergence.check_scores(result)).max() < 4  # standard errors of the chains


def test_one_curvature_gains_nothing_at_equal_risk():
    ratio = convergence.loss_ratio(convergence.convergence.result())
    assert ratio.sel(curvatures=1).min() > 1 - 1e-6  # the bisection of the risk


def test_best_settings():
    best = lowest_loss(controls.result())
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
    for arm, loss in expected.items():
        # other grids of learning rates
        assert best.sel(arm=arm) == pytest.approx(loss, abs=3e-4), arm


def test_range_of_learning_rates():
    lr = np.geomspace(0.01, 100, 401)
    parabola = 1 + np.log(lr / 3) ** 2  # 1.1 at a distance of sqrt(0.1) in log lr
    loss = xr.DataArray(parabola, coords={"lr": lr})
    assert lr_range(loss) == pytest.approx(np.exp(2 * np.sqrt(0.1)), rel=1e-3)  # the grid


def test_momentum():
    result = momentum.momentum.result()

    def speed(beta, eigenvalues, decades):
        at = {"beta": beta, "eigenvalues": eigenvalues, "decades": decades}
        return result["speed"].sel(at).sel(arm="maintain")

    # Two significant digits: the best learning rate lies on a peak that the grids cut differently.
    assert speed(0.9, 2, 1) == pytest.approx(0.0723, rel=0.02)
    assert speed(0.9, 0, 2) == pytest.approx(0.0195, rel=0.02)
    assert speed(0.99, 2, 1) == pytest.approx(0.0500, rel=0.02)
    assert speed(0.99, 0, 3) == pytest.approx(0.0050, rel=0.02)
    assert speed(0.9, 2, 4) == pytest.approx(0.00183, rel=0.02)
    assert momentum.check_errors(result).max() < 1e-3  # slope of a log size


def test_equal_variance():
    result = one_curvature.result()
    shown = (result["shown_alpha"] == 0.5) & (result["shown_k"] == 5)
    speed = result["speed"].where(shown, drop=True).squeeze("shown")
    ratios = np.interp((0.1, 0.2, 0.5, 1.0), speed["shown_x"], speed)
    np.testing.assert_allclose(ratios, (0.982, 0.924, 0.582, 0.200), atol=1e-3)


def test_only_odd_loops_are_faster_beyond_one():
    faster = faster_beyond_one(one_curvature.result()).any(("alpha", "x"))
    assert (faster["k"][faster] % 2 == 1).all()


def test_slow_step_even_and_odd():
    share = slow_step.share_below_one(slow_step.slow_step.result())
    assert share.sel(k=[2, 10]).max() == 0
    assert share.sel(k=[5, 11]).min() > 0.05


@pytest.mark.parametrize("tier", ["quick", "full"])
def test_variances_scatter_as_chi_square(tier):
    from scipy.special import chdtrc

    z = scores(variance.result(tier)).values
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
