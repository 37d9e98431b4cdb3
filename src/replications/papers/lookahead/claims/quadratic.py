"""Claims about quadratics: variances, stability, convergence, the slow step."""

from __future__ import annotations

from replications.core.claims import Band, Claim, Kind, Verdict
from replications.core.estimates import Estimate, mean
from replications.papers.lookahead.experiments import VARIANCE, variance

PAPER = "zhang2019lookahead"


def _formula(result: variance.Result) -> Estimate:
    relative = (result.measured / result.theory).ravel()
    return mean(relative, f"simulated / predicted over {relative.size} settings")


CLAIMS = (
    Claim(
        id="lookahead-variance-formula",
        paper=PAPER,
        place="Proposition 2",
        kind=Kind.PAPER,
        says="The slow weights' variance settles at the fixed point that the paper derives.",
        expect=Band(0.99, 1.01, "1 %: a wrong k or noise power moves it by far more"),
        experiment=VARIANCE,
        tier="quick",
        measure=_formula,
        verdict=Verdict.REPRODUCED,
        cell="fig-variance-ratio",
    ),
)
