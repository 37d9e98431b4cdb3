"""The claims of the chapter SLUG: an example of each kind, to replace."""

from __future__ import annotations

from replications.core.claims import Band, Claim, Kind, Verdict
from replications.core.estimates import Estimate, mean, paired
from replications.papers.SLUG.experiments import MOMENTS, moments

PAPER = "KEY"


def _mean(result: moments.Result) -> Estimate:
    return mean(result.mean, "Student's t over repetitions")


def _variance(result: moments.Result) -> Estimate:
    return mean(result.variance, "Student's t over repetitions")


def _difference(result: moments.Result) -> Estimate:
    return paired(result.mean, result.median, "paired t over repetitions")


CLAIMS = (
    Claim(
        id="SLUG-mean",
        paper=PAPER,
        place="Section 1",
        kind=Kind.PAPER,
        says="The mean is one half.",
        expect=Band(0.49, 0.51, "one unit in the printed second decimal"),
        experiment=MOMENTS,
        tier="quick",
        measure=_mean,
        verdict=Verdict.REPRODUCED,
        cell="fig-means",
    ),
    Claim(
        id="SLUG-variance",
        paper=PAPER,
        place="a blog",
        kind=Kind.BLOG,
        says="The variance is one twelfth.",
        expect=Band(0.08, 0.087, "4 %: far from any other simple fraction"),
        experiment=MOMENTS,
        tier="quick",
        measure=_variance,
        verdict=Verdict.REPRODUCED,
        cell="fig-means",
    ),
    Claim(
        id="SLUG-median",
        paper=PAPER,
        place="not in the paper",
        kind=Kind.CONTROL,
        says="Mean and median agree.",
        expect=Band(-0.01, 0.01, "the same width as for the mean"),
        experiment=MOMENTS,
        tier="quick",
        measure=_difference,
        verdict=Verdict.REPRODUCED,
        cell="fig-means",
    ),
    Claim(
        id="SLUG-variance-as-printed",
        paper=PAPER,
        place="Equation 1, as printed",
        kind=Kind.ERRATUM,
        says="The variance is one sixth.",
        expect=Band(0.16, 0.174, "4 %, as for one twelfth"),
        experiment=MOMENTS,
        tier="quick",
        measure=_variance,
        verdict=Verdict.NOT_REPRODUCED,
        cell="fig-means",
    ),
)
