"""Numbers print with the digits that their interval carries."""

import math

import pytest

from replications.core import numbers
from replications.core.estimates import Estimate, exact


@pytest.mark.parametrize(
    ("x", "half_width", "text"),
    [
        (17280, 0.0, "17,280"),
        (0.0, 0.0, "0"),
        (0.0, 1e-6, "0.000"),
        (-0.0402, 0.019, "−0.040"),
        (0.05981234, 0.0, "0.05981"),
        (0.44, 0.0, "0.44"),
        (0.44, 0.012, "0.440"),
        (123456.7, 5000.0, "123,500"),
        (123456.7, 0.0, "123,500"),
        (3.2e-5, 0.0, "3.2e-5"),
        (7.23e-5, 2.4e-5, "7.2e-5"),
        (2.5e7, 1e5, "2.500e7"),
        (1 / 3, 1e-12, "0.3333"),
        (-1e-9, 0.1, "0.00"),
        (math.inf, 0.0, "∞"),
        (-math.inf, 1.0, "−∞"),
        (math.nan, 0.0, "nan"),
    ],
)
def test_number(x, half_width, text):
    assert numbers.number(x, half_width) == text


def test_sign_and_digits():
    assert numbers.number(0.123456, digits=2, sign=True) == "+0.12"
    assert numbers.number(-0.123456, digits=2, sign=True) == "−0.12"
    assert numbers.row([0.5, 12.3456, -1]) == "0.5 12.3 −1"


@pytest.mark.parametrize("x", [5.28e-16, 5.2e-16, -1e-10, 0.0])
def test_rounding_has_no_digits(x):
    assert numbers.error(x) == "below 1e-9"
    assert numbers.error(x, 1e-8) == "below 1e-8"


def test_error_that_is_none():
    assert numbers.error(0.0123) == "0.012"


@pytest.mark.parametrize(
    ("x", "text"), [(2.9, "2.9"), (-0.05, "−0.05"), (1e-12, "1e-12"), (100, "100")]
)
def test_constants_print_as_written(x, text):
    assert numbers.constant(x) == text


def test_an_estimate_formats_itself():
    estimate = Estimate(-0.0402, -0.059, -0.021, 20, "test")
    assert str(estimate) == "−0.040 [−0.059, −0.021]"
    assert f"{estimate:value}" == "−0.040"
    assert f"{estimate:interval}" == "[−0.059, −0.021]"
    assert f"{-100 * estimate:+value}" == "+4.0"
    assert f"{1 - estimate:value}" == "1.040"
    assert f"{estimate.map(lambda x: 10**-x):value}" == "1.097"
    assert str(exact(3, "count")) == "3"
    assert str(exact(1e-15, "rounding")) == "below 1e-9"
    with pytest.raises(ValueError, match="format must be"):
        f"{estimate:.2f}"


def test_rounded_is_what_is_printed():
    assert numbers.rounded(0.05981234) == 0.05981
    assert numbers.rounded(123456.7, 5000.0) == 123500.0
    assert numbers.rounded(17281) == 17281
