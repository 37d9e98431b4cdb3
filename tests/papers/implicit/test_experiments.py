"""Small runs of the experiments: labels, arms in common, and what must hold at any size."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from replications.papers.implicit.experiments import iris as study
from replications.papers.implicit.experiments import worth as tuners
from replications.papers.implicit.experiments.accuracy import accuracy
from replications.papers.implicit.experiments.algorithms import algorithms, typical
from replications.papers.implicit.experiments.audit import audit, direction
from replications.papers.implicit.experiments.descent import (
    descent,
    ends_lower,
    falls,
    foretold,
    kept,
    share_of_exact,
)
from replications.papers.implicit.experiments.distill import distill, score
from replications.papers.implicit.experiments.libraries import libraries, table
from replications.papers.implicit.experiments.million import mebibytes, million
from replications.papers.implicit.experiments.overfit import TUNED, at_end, overfit, peak
from replications.papers.implicit.experiments.worth_elsewhere import cancer, million_tuned
from replications.papers.implicit.figures.valley import frames, valley

SMALL = {"splits": 3, "outer": 2, "inner": 5, "hidden": 16}


@pytest.fixture(scope="module")
def small():
    return {arm.arm: study.iris(replace(arm, **SMALL)).squeeze("arm") for arm in study.ARMS}


def test_arms_have_splits_weights_and_dropout_in_common(small):
    frozen = small["frozen"]
    assert dict(frozen.sizes) == {"split": 3, "dropout_seed": 2, "outer": 2}
    for name in ("blog's code", "theta, K=5", study.TUNED):
        # nothing differs before the first update of the decays
        first = [arm["test"].sel(outer=1) for arm in (small[name], frozen)]
        np.testing.assert_array_equal(*first)
        moved = small[name]["mean_decay"].sel(outer=2) != frozen["mean_decay"].sel(outer=2)
        assert moved.all()
    assert (frozen["mean_decay"] == frozen["mean_decay"].sel(outer=1)).all()
    assert (small["no decay"]["mean_decay"] == 0).all()
    assert (frozen["largest_decay"] <= 1e-4).all()
    np.testing.assert_allclose(small["uniform 1e-2"]["mean_decay"], 0.005, rtol=1e-5)
    assert all(np.isfinite(arm["stationarity"]).all() for arm in small.values())


def test_dropout_seeds_share_weights_and_decays_alone(small):
    test = small["frozen"]["test"]
    assert (test.sel(dropout_seed=0) != test.sel(dropout_seed=1)).any()
    decay = small["frozen"]["mean_decay"]
    assert (decay.sel(dropout_seed=0) == decay.sel(dropout_seed=1)).all()


def test_without_dropout_there_is_one_run():
    (config,) = (c for c in study.NO_DROPOUT if c.arm == "no decay")
    assert study.no_dropout(replace(config, **SMALL)).sizes["dropout_seed"] == 1


def curves(arms, test, val=None):
    """A result of two splits, one dropout seed and some outer iterations."""
    dims = ("arm", "split", "dropout_seed", "outer")
    test = np.array(test, float)[:, :, None, :]
    val = test if val is None else np.array(val, float)[:, :, None, :]
    return xr.Dataset(
        {"test": (dims, test), "val": (dims, val)},
        coords={
            "arm": arms,
            "split": [0, 1],
            "dropout_seed": [0],
            "outer": np.arange(1, test.shape[-1] + 1),
        },
    )


def test_early_stopping_and_the_tuned_decay_read_the_validation_loss():
    result = curves(["a"], [[[7, 8, 9], [1, 2, 3]]], [[[3, 1, 2], [5, 6, 4]]])
    np.testing.assert_array_equal(study.early_stopped(result).sel(arm="a"), [8, 3])
    test = [[[10 + k], [20 + k]] for k in range(5)]
    val = [[[k], [5 - k]] for k in range(5)]
    chosen = study.tuned_scalar(curves(list(study.SCALARS), test, val))
    np.testing.assert_array_equal(chosen, [10, 24])


def test_late_is_the_mean_of_the_last_iterations_and_keeps_nan():
    values = np.tile(np.arange(1.0, 31.0), (2, 1))
    values[1, 5] = np.nan  # early: plays no part
    result = curves(["a"], [values])
    np.testing.assert_allclose(study.late(result["test"]).sel(arm="a"), np.arange(11, 31).mean())
    values[1, 20] = np.nan
    assert np.isnan(study.late(curves(["a"], [values])["test"]).sel(arm="a", split=1))


def test_holm_steps_down():
    """p-values far below, between and above: the levels of a hand calculation."""
    rng = np.random.default_rng(0)
    noise = rng.normal(size=50)
    noise = (noise - noise.mean()) / noise.std(ddof=1)
    samples = {
        name: xr.DataArray(noise + t / np.sqrt(50), dims="split")
        for name, t in (("none", 0.5), ("strong", 9.0), ("weak", 2.3), ("some", 2.6))
    }
    levels = study.holm_levels(samples)
    # p = 6e-12 < .05 / 4; .0123 < .05 / 3; .0257 > .05 / 2 stops; .62
    expected = {"strong": 1 - 0.05 / 4, "some": 1 - 0.05 / 3, "weak": 0.975, "none": 0.975}
    assert levels == pytest.approx(expected)


def test_accuracy_holds_the_formula_against_unrolling():
    result = accuracy(replace(accuracy.quick, terms=(0, 1, 5)))
    assert (result["unrolled_gap"] < 1e-12).all()
    assert (result["truth"] < 1e-8).all()


def test_a_minus_in_the_sum_turns_the_hypergradient_round():
    found = typical(algorithms(replace(algorithms.quick, problems=5, terms=(0, 20))), "cosine")
    assert found.sel(variant="correct") > 0.999
    assert found.sel(variant="p -= v") < 0


def test_audit_of_one_short_run():
    result = audit.result("quick")
    assert (result["hessian_gap"] == 0).all()
    np.testing.assert_allclose(result["length"], 4, atol=1e-3)
    assert (direction(result, "all mended") > 0.8).all()
    assert result["weights"] == 4 * 32 + 32 * 32 + 32 * 3


def test_a_million_decays_fit_in_a_gibibyte():
    result = million(replace(million.full, hidden=(64, 1024), outer=1, inner=1))
    small, large = result.decays.values
    assert large == 1_055_744
    assert mebibytes(result).sel(decays=large) < 1024
    per_decay = float(result["peak_bytes"].diff("decays").sel(decays=large)) / (large - small)
    assert per_decay < 60 * 4  # bytes: 60 float32 vectors; it was 30 when this was written


def test_overfitting_moves_only_the_tuned_arm():
    result = overfit.result("quick")
    assert result["hyperparameters"].values.tolist() == [650, 4810]
    fixed, tuned = (result["val_loss"].sel(arm=arm) for arm in ("fixed decay", TUNED))
    assert (fixed.sel(outer=0) == tuned.sel(outer=0)).all()
    assert (tuned.sel(outer=25) < fixed.sel(outer=25)).all()
    assert at_end(result, "val_loss").dims == ("split",)
    assert 0 <= peak(result) <= 25


def test_distilled_pixels_learn():
    result = distill.result("quick")
    assert result["images"].min() >= 0 and result["images"].max() <= 1
    assert (result["val_loss"].sel(outer=15) < result["val_loss"].sel(outer=1)).all()
    assert (score(result, "all 900 images") > 0.9).all()
    assert (score(result, "all 900, weaker decay") > score(result, "all 900 images")).all()


def test_our_rows_of_the_library_table():
    result = libraries(replace(libraries.quick, problems=2))
    error = result["error"].max("problem")
    assert error.sel(solver="this package: exact") < 1e-12
    assert error.sel(solver="this package: CG") < 1e-12
    assert error.sel(solver="transcribed: CG with the old residual") > 0.5
    assert not any(str(name).startswith("transcribed") for name in table(result).solver.values)


def test_a_small_step_keeps_the_exact_promise():
    (config,) = descent.quick
    result = descent(replace(config, draws=1, length=1e-3))
    np.testing.assert_allclose(kept(result, "exact"), 1, atol=2e-3)
    np.testing.assert_allclose(share_of_exact(result, "CG, 6 products"), 1, atol=0.1)
    assert falls(result, "K = 0", "exact").all()
    # of any step the exact derivative foretells the change; the step's own length does not
    found = result["found"].squeeze("start").sel(arm="K = 0")
    np.testing.assert_allclose(foretold(result, "K = 0"), found, rtol=1e-2)
    assert (abs(kept(result, "K = 0") - 1) > 0.1).all()
    assert ends_lower(result, "K = 20", "K = 0").all()
    assert not ends_lower(result, "K = 0", "K = 20").any()
    # all repairs together are the paper's algorithm, of the same order
    np.testing.assert_allclose(
        result["promised"].sel(arm="all mended"), result["promised"].sel(arm="K = 5")
    )


def test_tuners_spend_the_same_and_hand_in_what_they_say():
    result = tuners.worth.result("quick").squeeze("share")
    assert result["decays"].values.tolist() == [1, 1, 64 * 32 + 32 * 10]
    assert np.isfinite(result["loss"]).all()
    untuned = result["log_decay"].sel(arm=tuners.UNTUNED)
    assert (untuned == -4).all()
    assert result["log_decay"].sel(arm=tuners.GRID).isin([-10, -5, 0]).all()
    config = tuners.worth.full[0]
    spent = config.outer() * (config.inner + 2 * (config.terms + config.probes + 1) + 3)
    assert 0 <= config.trials * config.steps - spent < config.inner + 2 * 25 + 3


@pytest.mark.parametrize("arm", [tuners.ONE, tuners.EACH, tuners.INPUT])
def test_a_tuner_lowers_the_validation_loss(arm):
    config = replace(
        tuners.worth.full[0],
        shares=(0.5,),
        arms=(tuners.UNTUNED, arm),
        splits=2,
        steps=150,
        trials=4,
    )
    val = tuners.worth.run(config)["val"].squeeze().mean("split")
    assert float(val.sel(arm=arm)) < float(val.sel(arm=tuners.UNTUNED))


def test_a_second_data_set_is_standardised_and_a_million_are_that_many():
    tumours = cancer.result("quick").squeeze("share")
    assert tumours["decays"].values.tolist() == [1, 1, 30 * 32 + 32 * 2]
    # raw areas of a thousand square pixels would leave a network at random
    assert float(tumours["accuracy"].sel(arm=tuners.UNTUNED).min()) > 0.85
    wide = million_tuned.full[-1].hidden
    assert 64 * wide[0] + wide[0] * wide[1] + wide[1] * 10 > 1e6
    assert {c.outer() for c in million_tuned.full} == {22}


def test_the_valley_s_frames_are_the_closed_form():
    shown = frames()
    slopes, true = np.array(shown["slopes"]), np.array(shown["slope"])
    assert abs(slopes[:, -1] - true).max() < 0.02  # fifty terms
    assert abs(slopes[:, 0] - true).max() > 0.1  # none
    steps = np.gradient(np.array(shown["loss"]), 0.2)
    np.testing.assert_allclose(steps[1:-1], true[1:-1], atol=0.01)
    assert "polyline" in valley()._repr_html_()
