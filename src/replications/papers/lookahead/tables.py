"""The chapter's small tables as Markdown."""

from __future__ import annotations

from collections.abc import Iterable

import xarray as xr

from replications.core.numbers import number, row
from replications.papers.lookahead.experiments import convergence, digits, momentum


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


def equal_risk(result: xr.Dataset, risks: tuple[float, ...] = (0.02, 0.05, 0.1, 0.5)) -> str:
    """Loss over that of SGD with the same steady-state risk."""
    ratios = convergence.table_ratio(result).sel(risk=list(risks))
    return _table(
        ("α, k", *(f"risk {risk:g}" for risk in risks)),
        (
            (f"{s['setting_alpha'].item():g}, {s['setting_k'].item()}", *row(s.values).split())
            for s in ratios.transpose("setting", "risk")
        ),
    )


def speed_up(result: xr.Dataset) -> str:
    """Speed of Lookahead over that of momentum alone."""
    gain = momentum.gain(result).sel(eigenvalues=[2, 0])
    shown = [(0.99, 1), (0.99, 2), (0.99, 3), (0.9, 1), (0.9, 2), (0.9, 3), (0.9, 4)]
    return _table(
        ("β, condition number", "two eigenvalues", "range filled"),
        (
            (
                f"{beta:g}, {10**decades}" + (" (over-damped)" if decades == 4 else ""),
                *row(gain.sel(beta=beta, decades=decades).values).split(),
            )
            for beta, decades in shown
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
