"""The race: its arms are the book's optimisers, and half of the seeds choose."""

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr

from replications.methods.lookahead import Lookahead
from replications.methods.radam import RAdam
from replications.papers.optimisers.experiments import race, races

SMALL = replace(races.DIGITS, rates=(0.002, 0.004), steps=7, seeds=(0, 1))


@pytest.mark.parametrize("arm", race.ARMS)
def test_arms_are_the_optimisers_of_the_book(arm):
    found = race.train(replace(SMALL, arm=arm))["loss"].sel(arm=arm)
    for i, rate in enumerate(SMALL.rates):
        problem = race.problem(SMALL, SMALL.seeds)
        params = [w.requires_grad_() for w in problem.weights]
        kind = RAdam if "RAdam" in arm else torch.optim.AdamW
        inner = kind(params, rate, weight_decay=1e-4)
        optimizer = Lookahead(inner, 5, 0.5) if "Lookahead" in arm else inner
        for t in range(1, 8):
            up = min(t, round(7 / 6)) / round(7 / 6) if arm == "warm-up" else 1
            inner.param_groups[0]["lr"] = rate * (1 - (t - 1) / 7) * up
            for w in params:
                w.grad = None
            problem.losses(params, t).sum().backward()
            optimizer.step()
        with optimizer.slow_weights() if "Lookahead" in arm else nullcontext():
            loss, _ = problem.test(params)
        np.testing.assert_allclose(found.isel(lr=i), loss.detach().numpy(), rtol=1e-4)


def test_the_average_follows_adam_and_starts_at_its_first_weights():
    result = race.train(replace(SMALL, steps=1))
    adam, mean = (result["loss"].sel(arm=arm) for arm in ("Adam", race.AVERAGED))
    np.testing.assert_allclose(adam, mean, rtol=1e-6)


def test_one_half_chooses_and_the_other_judges():
    loss = np.ones((1, 2, 4))
    loss[0, 1] = [0.5, 0.5, 9.0, 9.0]  # the second rate is best for the first two seeds only
    result = xr.Dataset(
        {"loss": (("arm", "lr", "seed"), loss)},
        coords={"arm": ["Adam"], "lr": [0.1, 0.2], "seed": [0, 1, 2, 3]},
    )
    assert race.best_rate(result, "Adam") == 0.2
    assert race.judged(result, "Adam", "loss").values.tolist() == [9.0, 9.0]
