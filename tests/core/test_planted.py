"""Planted mistakes change what they say, and refuse to change nothing."""

import numpy as np
import pytest
import xarray as xr

from replications.core.planted import same, scaled, shifted, swap

RESULT = xr.Dataset(
    {"loss": (("arm", "seed"), [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])},
    coords={"arm": ["a", "b", "c"], "seed": [0, 1]},
)
OTHER = xr.Dataset({"x": ("i", [1.0])})


def test_swap_exchanges_two_arms():
    (wrong, other) = swap("arm", "a", "c")(RESULT, OTHER)
    assert wrong["loss"].sel(arm="a").values.tolist() == [5.0, 6.0]
    assert wrong["loss"].sel(arm="b").values.tolist() == [3.0, 4.0]
    assert wrong["arm"].values.tolist() == ["a", "b", "c"]
    assert other is OTHER


def test_same_gives_one_arms_data_to_another():
    (wrong,) = same("arm", "a", "b")(RESULT)
    np.testing.assert_array_equal(wrong["loss"].sel(arm="a"), wrong["loss"].sel(arm="b"))
    assert wrong["loss"].sel(arm="b").values.tolist() == [3.0, 4.0]


def test_scaled_and_shifted():
    assert scaled("loss", 2.0)(RESULT)[0]["loss"].sel(arm="a", seed=1) == 4.0
    assert shifted("loss", -1.0)(RESULT)[0]["loss"].sel(arm="a", seed=1) == 1.0


@pytest.mark.parametrize(
    "mistake", [swap("arm", "a", "z"), same("x", 1, 2), scaled("y", 2.0), shifted("y", 1.0)]
)
def test_a_mistake_that_changes_nothing_is_refused(mistake):
    with pytest.raises(ValueError, match="the mistake changes nothing"):
        mistake(RESULT, OTHER)
