"""Public code, claimed to follow Algorithm 1: the largest distance from it on a small problem."""

from __future__ import annotations

from functools import partial

from replications.core.claims import Band, Claim, Kind, Verdict
from replications.core.estimates import Estimate, exact
from replications.papers.lookahead.experiments import PUBLIC_RULES, public_rules


def _deviation(result: public_rules.Result, rule: int) -> Estimate:
    largest = result.distance[rule].max()
    return exact(largest, "largest distance from Algorithm 1 over that of start and optimum", 1e-12)


def _claim(id: str, rule: str, place: str, says: str) -> Claim:
    (row,) = (i for i, known in enumerate(public_rules.RULES) if known.name == rule)
    return Claim(
        id=id,
        paper="zhang2019lookahead",
        place=place,
        kind=Kind.ERRATUM,
        says=says,
        expect=Band(0.0, 1e-9, "float64 rounding over 40 steps is far below"),
        experiment=PUBLIC_RULES,
        tier="quick",
        measure=partial(_deviation, rule=row),
        verdict=Verdict.NOT_REPRODUCED,
        cell="fig-public-rules",
    )


CLAIMS = (
    _claim(
        "lookahead-rule-zero",
        "slow weights start at zero",
        "the authors' TensorFlow code (read, not run)",
        "Slow weights that start at zero follow Algorithm 1.",
    ),
    _claim(
        "lookahead-rule-period",
        "period k + 1",
        "the authors' TensorFlow code (read, not run)",
        "A counter that is compared before it is raised follows Algorithm 1.",
    ),
    _claim(
        "lookahead-rule-first-step",
        "first synchronisation after step 1",
        "torch_optimizer 0.3.0",
        "A first synchronisation after step 1, which copies the slow weights, follows Algorithm 1.",
    ),
    _claim(
        "lookahead-rule-late-copy",
        "slow weights copied at the first synchronisation",
        "timm 1.0.31",
        "Slow weights copied when they are first needed follow Algorithm 1.",
    ),
    _claim(
        "lookahead-rule-alias",
        "pullback, momentum aliased",
        "the authors' PyTorch code, c4fd85f",
        "A pull-back whose kept momentum is the buffer itself follows the pulled-back momentum.",
    ),
    _claim(
        "lookahead-rule-checkpoint",
        "checkpoint without slow weights, inside a loop",
        "the authors' PyTorch code, c4fd85f",
        "A checkpoint without slow weights and counter resumes the run.",
    ),
)
