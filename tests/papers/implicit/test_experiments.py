"""Small runs of the experiments: shapes, arms in common, and what must hold at any size."""

from dataclasses import replace

import numpy as np
import pytest

from replications.papers.implicit import study
from replications.papers.implicit.experiments import (
    IRIS,
    accuracy,
    audit,
    distill,
    iris,
    libraries,
    million,
    overfit,
)

SMALL = {"splits": 3, "outer": 2, "inner": 5, "hidden": 16}


@pytest.fixture(scope="module")
def small():
    return {arm.arm: iris.run(replace(arm, **SMALL)) for arm in iris.ARMS}


def test_arms_have_splits_weights_and_dropout_in_common(small):
    frozen = small["frozen"]
    for name in ("blog's code", "theta, K=5", "log, K=20"):
        # nothing differs before the first update of the decays
        np.testing.assert_array_equal(small[name].test[:, 0], frozen.test[:, 0])
        assert (small[name].mean_decay[:, 1] != frozen.mean_decay[:, 1]).all()
    np.testing.assert_array_equal(frozen.mean_decay[:, 0], frozen.mean_decay[:, 1])
    assert (small["no decay"].mean_decay == 0).all()
    assert (frozen.largest_decay <= 1e-4).all()
    assert (small["log, K=20"].largest_decay[:, 1] > frozen.largest_decay[:, 1]).all()
    np.testing.assert_allclose(small["uniform 1e-2"].mean_decay, 0.005, rtol=1e-5)
    assert all(
        r.accuracy.shape == (3, 2) and np.isfinite(r.stationarity).all() for r in small.values()
    )


def test_quick_and_full_name_their_arms():
    for tier in ("quick", "full"):
        names = [config.arm for config in IRIS.configs(tier)]
        assert list(study.arms(tuple(names))) == names


def test_early_stopping_and_the_tuned_decay_read_the_validation_loss():
    def result(val, test):
        rows = np.array(val, float), np.array(test, float)
        return iris.Result(rows[0], rows[0], rows[1], rows[1] / 10, *[rows[0]] * 3)

    stopped, accuracy = study.early_stopped(result([[3, 1, 2], [5, 6, 4]], [[7, 8, 9], [1, 2, 3]]))
    np.testing.assert_array_equal(stopped, [8, 3])
    np.testing.assert_array_equal(accuracy, [0.8, 0.3])
    by = {
        name: result([[9, k], [9, 5 - k]], [[0, 10 + k], [0, 20 + k]])
        for k, name in enumerate(study.SCALARS)
    }
    np.testing.assert_array_equal(study.tuned_scalar(by)[0], [10, 24])


def test_accuracy_holds_the_formula_against_retraining():
    result = accuracy.run(accuracy.Config(terms=(0, 1, 5), ridges=3))
    assert result.through_solve.shape == (3,)
    assert (result.through_solve < 1e-12).all()
    assert (result.unrolled_gap < 1e-12).all()


def test_audit_of_one_short_run():
    result = audit.run(audit.Config(splits=2, checkpoints=(1,), inner=20, hidden=32))
    names = list(audit.VARIANTS)
    assert result.cosine.shape == (len(names), 1, 2)
    assert (result.hessian_gap == 0).all()
    np.testing.assert_allclose(result.length, 4, atol=1e-3)
    assert (result.cosine[names.index("all mended")] > 0.8).all()
    assert result.weights == 4 * 32 + 32 * 32 + 32 * 3


def test_a_million_decays_fit_in_a_gibibyte():
    config = million.Config(hidden=(64, 1024), outer=1, inner=1)
    result = million.run(config)
    assert result.decays[-1] == 1_055_744
    assert result.peak_bytes[-1] < 2**30
    per_decay = (result.peak_bytes[1] - result.peak_bytes[0]) / (
        result.decays[1] - result.decays[0]
    )
    assert per_decay < 60 * 4  # bytes: 60 float32 vectors; it was 30 when this was written


def test_overfitting_moves_only_the_tuned_arm():
    result = overfit.run(overfit.Config(splits=2, outer=25))
    assert result.val.shape == (2, 2, 2, 26)
    assert result.hyperparameters.tolist() == [650, 4810]
    np.testing.assert_array_equal(result.val[:, :, :, 0], result.val[:1, :, :, 0].repeat(2, 0))
    assert (result.val_loss[1, :, :, -1] < result.val_loss[0, :, :, -1]).all()


def test_distilled_pixels_learn():
    result = distill.run(distill.Config(splits=2, outer=15))
    assert result.images.shape == (4, 10, 8, 8)
    assert result.images.min() >= 0 and result.images.max() <= 1
    assert (result.curve[:, :, -1] < result.curve[:, :, 0]).all()
    assert (result.baselines[2] > 0.9).all()
    assert (result.baselines[3] > result.baselines[2]).all()


def test_our_rows_of_the_library_table():
    result = libraries.run(libraries.Config(problems=2))
    row = {str(name): error.max() for name, error in zip(result.names, result.error, strict=True)}
    assert row["this package: exact"] < 1e-12
    assert row["this package: CG"] < 1e-12
    assert row["transcribed: CG with the old residual"] > 0.5
