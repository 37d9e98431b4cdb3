"""The race: its arms are the book's optimisers, and half of the seeds choose."""

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr

from replications.methods.lookahead import Lookahead
from replications.methods.radam import RAdam
from replications.papers.optimisers.claims.race import doublings
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


def dataset(loss, lr):
    """Losses [arm, lr, seed] of all arms; the accuracy is their negative."""
    dims = ("arm", "lr", "seed")
    return xr.Dataset(
        {"loss": (dims, np.asarray(loss, float)), "accuracy": (dims, -np.asarray(loss, float))},
        coords={"arm": list(race.ARMS), "lr": lr, "seed": list(range(np.shape(loss)[2]))},
    )


def test_the_pair_is_chosen_by_the_half_that_chooses():
    loss = np.tile([2.0, 2.0, 5.0, 5.0], (5, 1, 1))
    loss[1, 0] = [1.0, 1.0, 9.0, 9.0]  # first where it is chosen, last where it is judged
    loss[3, 0] = [3.0, 3.0, 0.0, 0.0]
    result = dataset(loss, [0.1])
    assert race.best_to_worst(result, "accuracy") == (race.ARMS[1], race.ARMS[3])
    other = race.swapped(result)
    assert race.best_to_worst(other, "accuracy") == (race.ARMS[3], race.ARMS[1])
    assert race.judged(other, race.ARMS[1], "loss").values.tolist() == [1.0, 1.0]
    xr.testing.assert_identical(race.swapped(other), result)


def test_doublings_are_as_sure_as_the_seeds_agree():
    lr, one, other = [0.1, 0.2, 0.4, 0.8], race.ARMS[3], race.ARMS[0]
    loss = np.ones((5, 4, 8))
    loss[3, 3] = loss[0, 1] = 0.5  # every seed says 0.8 and 0.2
    sure = doublings(dataset(loss, lr), one, other, draws=100)
    assert (sure.value, sure.low, sure.high, sure.n) == pytest.approx((2, 2, 2, 8))
    loss[0, 3, ::2] = 0.1  # half of the seeds say 0.8 for both, and by more
    loss[0, 1, ::2] = 1.0
    open_ = doublings(dataset(loss, lr), one, other)
    assert (open_.value, open_.low) == pytest.approx((0, 0))
    assert open_.high == pytest.approx(2)
    loss[0, 0] = np.inf  # a rate at which all diverge is never the best
    assert doublings(dataset(loss, lr), one, other) == open_
