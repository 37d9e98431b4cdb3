"""Figures can be read at the size at which a page shows them."""

import matplotlib as mpl
import pytest

from replications.core.figures import style


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_letter_is_below_nine_points(theme):
    with style(theme):
        sizes = {name: size for name, size in mpl.rcParams.items() if name.endswith("size")}
        letters = ("font.size", "axes.titlesize", "axes.labelsize", "legend.fontsize")
        for name in (*letters, "xtick.labelsize", "ytick.labelsize"):
            assert sizes[name] >= 9, name
