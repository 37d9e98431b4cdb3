"""The chapter's small tables as Markdown."""

from __future__ import annotations

from collections.abc import Iterable

import xarray as xr

from replications.core.numbers import number, row
from replications.papers.lookahead.experiments import convergence, digits


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def limits(result: xr.Dataset) -> str:
    """Limits of the learning rate in units of 1 / L, by formula and by running."""
    half = result["resolution"].item()
    settings = [s for _, s in result[["limit", "limit_theory"]].groupby("setting")]
    return _table(
        ("α", "k", "limit of γL, formula", f"where a run stops shrinking, to {number(half)}"),
        (
            (
                f"{s['alpha'].item():g}",
                f"{s['k'].item()}",
                number(s["limit_theory"].item()),
                number(s["limit"].item(), half),
            )
            for s in settings
        ),
    )


def equal_risk(result: xr.Dataset) -> str:
    """Loss over that of SGD with the same steady-state risk, 100 curvatures and k = 5."""
    ratio = convergence.loss_ratio(result).sel(curvatures=100)
    better = 100 * (ratio < 0.99).mean("alpha")
    return _table(
        ("risk", "best α", "its loss / SGD's", "α = 0.5, k = 5", "share of α more than 1 % below"),
        (
            (
                f"{risk:g}",
                number(ratio.sel(risk=risk).idxmin("alpha").item()),
                *row(
                    [ratio.sel(risk=risk).min().item(), ratio.sel(risk=risk, alpha=0.5).item()]
                ).split(),
                f"{number(better.sel(risk=risk).item(), digits=2)} %",
            )
            for risk in ratio["risk"].values.tolist()
        ),
    )


def figure_8(result: xr.Dataset) -> str:
    """What halving and averaging have of Lookahead's gain, at figure 8's nine settings."""
    names = {
        digits.HALF: "half the rate",
        digits.averaged(0.97, digits.SGD): "average 0.97 at the full rate",
        **{
            digits.averaged(keep): f"half the rate and average {keep:g}"
            for keep in (0.9, 0.97, 0.99)
        },
        digits.LOOKAHEAD: "Lookahead",
    }
    return _table(
        (
            "beside SGD",
            "training loss, times lower",
            "share of Lookahead's gain there",
            "test accuracy at the end, points",
        ),
        (
            (
                name,
                number(digits.times_lower(result, digits.SGD, arm), digits=2),
                f"{number(100 * digits.explained(result, arm).mean().item(), digits=2)} %",
                number(round(digits.gain_8(result, arm).item()), sign=True),
            )
            for arm, name in names.items()
        ),
    )


def doublings(result: xr.Dataset, *means: str) -> str:
    """How many more doublings of the learning rate Lookahead stands, by momentum.

    Args:
        result: the maps.
        means: two texts, of the mean over all momenta and over those of figure 8.
    """
    found = digits.doublings(result).mean("seed")
    momenta = [f"{m:g}" for m in found["momentum"].values]
    cells = ("doublings that Lookahead stands more", *row(found.values).split(), *means)
    return _table(("momentum", *momenta, "all", "0.9 to 0.98"), [cells])
