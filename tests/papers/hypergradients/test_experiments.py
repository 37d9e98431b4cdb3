"""The experiments on small configs, and the searches."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr

from replications.core.seeds import rng
from replications.papers.hypergradients import search
from replications.papers.hypergradients.experiments import (
    box,
    chaos,
    digits,
    dimension,
    ridge,
    tuning,
)


def test_ridge_settings_are_the_same_at_every_horizon_and_exact_ones_exact():
    small = [ridge.Config(h, draws=1, replicates=2, pairs=1, windows=(2,)) for h in (8, 16)]
    one, other = (ridge.ridge(config) for config in small)
    assert one["setting"].equals(other["setting"])
    both = xr.concat([one, other], "horizon")
    for setting in ("reverse mode", "forward mode"):
        for horizon in (8, 16):
            assert float(ridge.relative_error(both, setting, horizon, "all").max()) < 1e-7
    assert 0 < float(ridge.share_of_rates(both, 8).mean()) < 1
    # twelve products are exact, and twelve decays have as many weights
    cg, exact = (
        ridge.mse(both).sel(setting=s, horizon=8, part="decays", draw=0).item()
        for s in ("implicit, CG 12", "implicit, exact")
    )
    assert cg == pytest.approx(exact)


def test_unrolling_the_last_steps_is_the_neumann_series():
    config = replace(
        digits.QUICK[0], train=40, validation=40, hidden=3, replicates=2, pairs=1, horizon=4
    )
    result = digits.digits(config)
    assert float(result["stationarity"].max()) < 1e-10
    error = digits.mse(result).isel(split=0)
    for last, terms in ((1, 0), (4, 3), (16, 15)):
        found = [
            error.sel(setting=f"{s}").item()
            for s in (f"last steps {last}", f"implicit, Neumann {terms}")
        ]
        assert found[0] == pytest.approx(found[1], rel=1e-6)
    assert float(digits.relative_error(result, "differences 0.001")[0]) < 1e-3


def test_products_needed_reads_between_looks():
    knobs = [1.0, 3.0, 7.0]
    result = xr.Dataset(
        {
            "bias2": (("split", "setting"), [[1e-0, 1e-2, 1e-4], [1.0, 1.0, 1.0]]),
            "variance": (("split", "setting"), np.zeros((2, 3))),
        },
        coords={
            "split": [0, 1],
            "setting": ["a", "b", "c"],
            "way": ("setting", ["x"] * 3),
            "knob": ("setting", knobs),
        },
    )
    assert digits.products_needed(result, "x", 0.1).values == pytest.approx([3.0, 7.0])
    middle = digits.products_needed(result, "x", 10**-1.5).values[0]
    assert middle == pytest.approx(np.sqrt(4 * 8) - 1)


def test_dimension_prices():
    config = replace(dimension.QUICK, dims=(2, 8), draws=1, replicates=4)
    price = dimension.dimension(config)["price"].isel(draw=0)
    assert price.sel(arm="differences").values.tolist() == [2 * 2 * 128, 2 * 8 * 128]
    assert (price.sel(arm="implicit, CG") < price.sel(arm="reverse mode")).all()


def test_smoothed_slope_of_a_known_function():
    class Square:
        horizon = 1

        def init(self, n):
            return torch.zeros(n)

        def step(self, state, theta, t):
            return state, theta.square().sum(1) + theta[:, 0]

    theta = torch.tensor([1.0, -2.0], dtype=torch.float64)
    config = replace(chaos.QUICK, side=60)
    found = chaos.smoothed_slope(Square(), theta, config, 0.25)
    torch.testing.assert_close(found, torch.tensor([3.0, -4.0]).double(), rtol=1e-4, atol=1e-4)


def test_tuning_spends_the_budget():
    ridge_result = tuning.ridge_tuning(replace(tuning.RidgeConfig(), runs=20))
    updates = ridge_result["updates"].to_series()
    assert updates["truncated BPTT"] == 20 * 32 // 24
    assert updates["full ES"] == 20 * 32 // (8 * 32)
    assert updates["random search"] == 20
    assert (tuning.final(ridge_result, "reverse mode") < ridge_result["start"]).all()


@pytest.mark.parametrize("find", [search.at_random, search.gaussian_process])
def test_searches_find_a_bowl_and_pass_over_divergence(find):
    def bowl(points):
        loss = ((points - 0.7) ** 2).sum(1)
        return np.where(points[:, 0] > 0.9, np.nan, loss)

    point, loss = find(bowl, np.zeros(2), np.ones(2), 40, rng(0, "bowl"))
    assert loss == pytest.approx(bowl(point[None])[0])
    assert loss < 0.05


def test_gaussian_process_beats_chance_on_a_bowl():
    def bowl(points):
        return ((points - 0.3) ** 2).sum(1)

    edges = np.zeros(4), np.ones(4)
    losses = [
        [find(bowl, *edges, 40, rng(seed, "bowl"))[1] for seed in range(3)]
        for find in (search.gaussian_process, search.at_random)
    ]
    assert np.mean(losses[0]) < np.mean(losses[1]) / 3


def test_the_box_leaves_shares_of_the_start():
    result = box.box(replace(box.Config(), dims=(2,), draws=1, runs=20, floor=200))
    left = result["left"]
    assert (left >= 0).all() and (left.isel(rate=0) < 1).all()
    assert float(box.left_by(result, box.SLOPE, 2).mean()) == float(left.sel(arm=box.SLOPE).min())
