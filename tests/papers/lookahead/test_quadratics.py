"""The experiments on quadratics against an independent study's numbers, and the moving valley.

The study's tolerances: half a unit of its last printed digit, unless a grid of ours differs.
"""

import re

import numpy as np
import pytest
import torch
import xarray as xr

from replications.papers.lookahead.experiments import convergence, errata, momentum, slow_step
from replications.papers.lookahead.experiments.controls import (
    Variation,
    controls,
    lowest,
    of_lookahead,
    of_sgd,
    sensitivity,
)
from replications.papers.lookahead.experiments.variance import scores, variance
from replications.papers.lookahead.figures import valley
from replications.problems.noisy_quadratic import NoisyQuadratic, decaying_spectrum


def test_equal_risk():
    result = convergence.convergence.result()
    expected = [
        (0.998, 0.994, 0.992),
        (0.993, 0.976, 0.970),
        (0.985, 0.950, 0.943),
        (0.947, 0.858, 0.889),
        (0.870, 0.795, 0.918),
    ]
    settings = ((0.8, 5), (0.5, 5), (0.5, 10), (0.2, 10), (0.1, 20))
    alpha, k = (torch.tensor(x, dtype=torch.float64)[:, None] for x in zip(*settings, strict=True))
    risk = torch.tensor([0.02, 0.05, 0.1], dtype=torch.float64)
    table = convergence.losses(decaying_spectrum(100), risk, alpha, k, 1000)
    sgd = result["sgd"].sel(curvatures=100, risk=risk.numpy())
    np.testing.assert_allclose(table.numpy() / sgd.values, expected, atol=5.1e-4)
    best = convergence.loss_ratio(result).sel(curvatures=100, risk=0.0341).min()
    assert best == pytest.approx(0.8756, abs=5e-4)  # the risk itself is rounded there
    assert abs(convergence.check_scores(result)).max() < 4  # standard errors of the chains


def test_broad_counts_risks_at_which_half_of_all_alphas_gain():
    lookahead = [[0.9, 0.98, 2.0, 1.0], [0.9995, 0.9, np.nan, 1.0], [0.9, 2.0, 2.0, 1.0]]
    result = xr.Dataset(
        {
            "lookahead": (("curvatures", "risk", "alpha"), [lookahead]),
            "sgd": (("curvatures", "risk"), np.ones((1, 3))),
        },
        coords={"curvatures": [100], "alpha": [0.25, 0.5, 0.75, 1.0]},
    )
    assert [convergence.broad(result, bar) for bar in (0.0, 0.01, 0.05)] == [2, 1, 0]


def test_one_curvature_gains_nothing_at_equal_risk():
    ratio = convergence.loss_ratio(convergence.convergence.result())
    assert ratio.sel(curvatures=1).min() > 1 - 1e-6  # the bisection of the risk


def test_best_settings():
    best = controls.result()["loss"]
    expected = {
        "SGD": 0.1469,
        "SGD, cosine decay": 0.0785,
        "SGD, linear decay": 0.0760,
        "SGD, averaged": 0.0690,
        "Lookahead, k = 5": 0.1336,
        "Lookahead, k = 10": 0.1292,
        "Lookahead, k = 20": 0.1261,
        "Lookahead, k = 5, linear decay": 0.0737,  # 0.0746 on a grid that ends too early
        "Lookahead, k = 20, linear decay": 0.0728,
    }
    for arm, loss in expected.items():
        # other grids of learning rates
        assert best.sel(arm=arm) == pytest.approx(loss, abs=3e-4), arm


def test_no_best_rate_lies_at_the_edge_of_the_grid():
    assert not controls.result()["edge"].any()
    assert not sensitivity.result()["edge"].any()


def test_the_lowest_loss_is_known_to_its_error():
    """Two valleys in log lr, lowest at 0.3 and 7.9; the grid ends at 8."""
    lr = torch.logspace(-3, np.log10(8.0), 30, dtype=torch.float64)
    place = torch.tensor([0.3, 7.9], dtype=torch.float64)
    found = lowest(lambda rates: 2.0 + (rates / place).log().square(), lr)
    np.testing.assert_allclose(found.lr, place, rtol=0.01)
    assert (found.loss >= 2).all() and (found.loss / 2 - 1 <= found.error).all()
    assert found.error.max() < 1e-4
    assert found.edge.tolist() == [False, True]
    worse = lowest(lambda rates: torch.where(rates < 1, torch.nan, rates), lr)
    assert worse.loss.item() >= 1 and worse.loss.item() == pytest.approx(1, rel=0.02)  # a cliff


def test_finer_rates_move_no_loss_beyond_its_error():
    coarse, fine = (controls(Variation(dimension=10, steps=100, rates=n)) for n in (30, 200))
    moved = abs(coarse["loss"] / fine["loss"] - 1)
    assert (moved <= coarse["error"] + fine["error"]).all()


def test_a_variation_of_nothing_is_the_problem_itself():
    same = sensitivity(Variation(dimension=10, steps=100))["loss"].isel(variation=0)
    whole = controls(Variation(dimension=10, steps=100))
    assert same.sel(arm="SGD") == whole["loss"].sel(arm="SGD")
    assert same.sel(arm="Lookahead") == whole["by_alpha"].min()
    loss = xr.DataArray(
        [[4.0, 1.0, 2.0, 3.0]],
        coords={"arm": ["SGD", "SGD, linear decay", "SGD, averaged", "Lookahead"]},
        dims=("variation", "arm"),
    )
    result = loss.to_dataset(name="loss")
    assert of_sgd(result).sel(arm="Lookahead").item() == 0.75
    assert of_lookahead(result).values.tolist() == [[1 / 3, 2 / 3]]


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


def test_one_curvature_gains_nothing():
    """At equal variance SGD closes in at least as fast for x <= 1; beyond, an odd loop may."""
    unit = NoisyQuadratic(torch.ones(1).double(), torch.ones(1).double())

    def contractions(x, alpha, k):
        x, k = (torch.as_tensor(v, dtype=torch.float64) for v in (x, k))
        variance = unit.lookahead_variance(x, alpha, k)[..., 0]
        matched = 2 * variance / (1 + variance)  # from V = x / (2 - x)
        return unit.contraction(x, alpha, k)[..., 0].abs(), (1 - matched).abs() ** k

    ours, sgd = contractions([0.1, 0.2, 0.5, 1.0], 0.5, 5)
    np.testing.assert_allclose(ours.log() / sgd.log(), (0.982, 0.924, 0.582, 0.200), atol=6e-4)
    x = torch.logspace(-3, 0, 200).double()
    alpha = (torch.arange(1, 50).double() / 50)[:, None, None]
    k = torch.arange(2, 31).double()[:, None]
    ours, sgd = contractions(x, alpha, k)
    assert (ours >= sgd - 1e-9).all()  # rounding
    ours, sgd = contractions(x + 0.999, alpha, k)
    faster = (ours < sgd - 1e-9).any(2).any(0)
    assert (k[faster] % 2 == 1).all() and faster.any()


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


def test_the_valley_shows_the_method():
    """A loop's frames are its start, k steps of SGD, and the pull by alpha."""
    points = valley.paths()
    assert len(points) == len(valley.RATES)
    assert len(points[0]) == len(valley.KS)
    for k, run in zip(valley.KS, points[2], strict=True):
        for alpha, path in zip(valley.ALPHAS, run, strict=True):
            pixels = np.array(path).reshape(-1, 2)
            assert len(pixels) == valley.STEPS + valley.STEPS // k + 1
            starts = pixels[:: k + 1]
            ends = pixels[k :: k + 1]
            pulled = starts[:-1] + alpha * (ends - starts[:-1])
            assert abs(starts[1:] - pulled).max() <= 1.5  # each rounded to a pixel
    settled = valley.settled()
    rate, k, alpha = 2, 1, 1  # 1.0, 5, 0.5
    loss = valley.VALLEY.expected_loss(1.0, 0.5, 5, steps=np.inf).item()
    assert float(settled[k][rate][alpha]) == pytest.approx(loss, rel=0.05)  # two digits
    html = valley.valley()._repr_html_()
    assert settled[k][3][alpha] in html.split("<script>")[0]
    assert len(re.findall("type='range'", html)) == 4


def test_the_slow_weights_are_an_average_with_exponents_one_higher():
    """The paper's section 2 prints them one too low at its end; so it is off, ours is not."""
    result = errata.errata.result()
    assert errata.deviation(result, "average") < 1e-12  # rounding
    assert errata.deviation(result, "printed average") > 0.01
