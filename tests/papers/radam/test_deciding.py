"""The deciding experiments, on a few steps; what their arms share, and in what they differ."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
import xarray as xr

from replications.methods.adam_variants import AdamVariant
from replications.papers.radam.experiments import robust, scale, sensitivity, translation, tuned
from replications.papers.radam.experiments.matched import (
    Config,
    _second_moments,
    last,
    matched,
    success,
)
from replications.papers.radam.figures import warmup
from replications.problems.reversal import Reversal
from replications.problems.transformer import Transformer
from tests.site.browser import needs_browser, opened

TINY = Config(gradients=(1, 3), steps=4, matched=2, reset_at=2, batch=4, seeds=(3, 5), together=1)
BRIEF = {"steps": 4, "horizon": 4, "batch": 4, "looks": (1,), "watched": 2, "seeds": (3, 5)}


@pytest.fixture(scope="module")
def trial() -> xr.Dataset:
    return matched(TINY)


def losses(config: translation.Config, **changes: object) -> np.ndarray:
    run = translation.train(replace(config, **(BRIEF | changes)))
    return np.asarray(run["loss"].isel(arm=0))


def test_the_leaders_are_adam_and_adam_with_warmup(trial) -> None:
    # A batch of other models changes float32 sums.
    for arm, config in {"full 1": translation.ADAM, "short 1": translation.WARMUP}.items():
        found = trial["loss"].sel(arm=arm).transpose("seed", "step")
        assert found.values == pytest.approx(losses(config), abs=2e-3)


def test_who_is_led_takes_steps_as_long(trial) -> None:
    """They share the length of the first updates, and nothing else from the second loss on."""
    length = trial["length"]
    for arm, leader, steps in (
        ("full 3", "full 1", [1, 2]),
        ("short 200", "short 1", [1, 2]),
        ("restart, usual steps", "short 1", [3, 4]),
        ("v kept, restart's steps", "restart", [3, 4]),
    ):
        pair = [length.sel(arm=name, watched=steps).values for name in (arm, leader)]
        assert pair[0] == pytest.approx(pair[1], rel=1e-4)
        one, other = (trial["loss"].sel(arm=name, step=4) for name in (arm, leader))
        assert abs(one - other).min() > 1e-5
    assert (length.sel(arm="full 1") > 5 * length.sel(arm="short 1")).sel(watched=[1, 2]).all()


def test_one_arm_is_led_tensor_by_tensor(trial) -> None:
    apart = trial["apart"].sel(watched=[1, 2])
    assert apart.sel(arm="full 3, by tensor").max() < 1e-3
    assert apart.sel(arm="full 3").min() > 1e-2
    length = trial["length"].sel(watched=[1, 2])
    whole = [length.sel(arm=name).values for name in ("full 3, by tensor", "full 1")]
    assert whole[0] == pytest.approx(whole[1], rel=1e-3)


def test_the_second_moment_is_adam_2ks() -> None:
    net, task = Transformer(), Reversal((3,))
    start = net.init((3,))
    found = _second_moments(TINY, net, task, start)[2]
    params = [p.clone().requires_grad_() for p in start]
    optimizer = AdamVariant(params, freeze=2)
    for source in task.batches(2, TINY.batch, "frozen"):
        _, grads = net.gradients(params, source, task.translate(source))
        for p, g in zip(params, grads, strict=True):
            p.grad = g
        optimizer.step()
    for p, v in zip(params, found, strict=True):
        assert torch.allclose(optimizer.state[p]["exp_avg_sq"], v, rtol=1e-4, atol=1e-12)


def test_success_counts_seeds_below_the_threshold() -> None:
    loss = np.full((1, 4, 60), 3.0)
    loss[0, 1:, 10:] = 1.0
    coords = {"arm": ["x"], "seed": np.arange(4), "step": np.arange(1, 61)}
    result = xr.Dataset({"loss": (("arm", "seed", "step"), loss)}, coords)
    assert last(result, "x").values.tolist() == [3.0, 1.0, 1.0, 1.0]
    assert (success(result, "x").value, success(result, "x").n) == (0.75, 4)


def test_the_first_five_updates_scale_with_the_loss() -> None:
    short = {"steps": 7, "batch": 4, "seeds": (3,)}
    arms = {
        (below, factor): scale.scale(scale.Config(below, factor, **short)).isel(arm=0, seed=0)
        for below, factor in (("momentum", 1.0), ("momentum", 100.0), ("skip", 100.0))
    }
    one, hundred, skip = (x["length"] for x in arms.values())
    assert hundred.sel(early=1) == pytest.approx(100 * one.sel(early=1).item(), rel=0.01)
    assert (skip.sel(early=slice(1, 5)) == 0).all() and skip.sel(early=6) > 0
    config = replace(translation.RADAM, **(BRIEF | {"steps": 7, "horizon": 7, "seeds": (3,)}))
    plain = translation.train(config)["loss"].isel(arm=0, seed=0)
    assert arms["momentum", 1.0]["loss"].values == pytest.approx(plain.values, abs=2e-3)


def test_the_rate_is_the_choosing_seeds_best() -> None:
    arm = replace(translation.ADAM, steps=2, horizon=2, batch=4)
    config = tuned.Config(arm, rates=(3e-3, 1e-4), chooser=10, seeds=(3,))
    result = tuned.tuned(config).isel(arm=0)
    best = config.rates[int(np.argmin(result["tried"].values))]
    assert result["best"] == best
    judged = translation.train(replace(arm, learning_rate=best, seeds=(3,), looks=(1,), watched=1))
    assert result["loss"].item() == pytest.approx(judged["loss"].mean().item(), abs=2e-3)


def test_the_residual_network_learns() -> None:
    config = robust.Config("Adam", learning_rates=(0.01,), epochs=4, seeds=(0,))
    result = robust.robust(config)
    assert sensitivity.at_rate(result, "Adam", 0.01).item() > 0.5


@needs_browser
def test_the_moving_picture_says_what_the_methods_say(tmp_path) -> None:
    picture = warmup.warmup()
    move = (
        "<script>const inputs = document.querySelectorAll('input');"
        "inputs[0].value = 3; inputs[1].value = 7;"
        "document.querySelector('form').dispatchEvent(new Event('input'));</script>"
    )
    page = tmp_path / "page.html"
    page.write_text("<!doctype html><meta charset=utf8>" + picture._repr_html_() + move, "utf8")
    shown = opened(page.as_uri(), tmp_path / "profile")
    said = warmup.sentence(picture.data["frames"][3], 7)
    assert "at step 8" in said.lower() and said in shown
    assert warmup.sentence(picture.data["frames"][3], 2).count("momentum step") == 1
