"""Claims about the gradient estimate itself: its mean, its variance, its cost."""

from __future__ import annotations

import math
from functools import partial

from replications.core.claims import Band, Claim, Kind, Verdict
from replications.core.estimates import Estimate, exact, mean
from replications.papers.pes.experiments import BIAS, TABLE, TARGETS, VARIANCE
from replications.papers.pes.experiments.bias import ARMS as ESTIMATORS
from replications.papers.pes.experiments.bias import Result as BiasResult
from replications.papers.pes.experiments.table import ARMS as METHODS
from replications.papers.pes.experiments.table import Result as TableResult
from replications.papers.pes.experiments.targets import Result as TargetsResult
from replications.papers.pes.experiments.variance import Result as VarianceResult

PAPER = "vicol2021unbiased"
DIALOGUE = "blog dialogue in Japanese on the paper (unfinished)"


def _bias(result: BiasResult) -> Estimate:
    return mean(
        result.relative_error("quadratic", "PES", 0, "exact"),
        "error along the exact gradient, K = 1, quadratic loss, 40 groups of pairs",
    )


def _truncated_bias(result: BiasResult) -> Estimate:
    error = result.relative_error("quadratic", "truncated ES", 0, "exact")
    return mean(-error, "shortfall along the exact gradient, K = 1, 40 groups of pairs")


def _truncated_is_bptt(result: BiasResult) -> Estimate:
    error = result.relative_error("quadratic", "truncated ES", 0, "truncated")
    return mean(error, "error along truncated BPTT's gradient, K = 1, 40 groups of pairs")


def _formula(arm: str, result: BiasResult) -> Estimate:
    samples = result.variance[ESTIMATORS.index(arm), 0]
    return mean(samples, "Monte Carlo over formula, K = 1, linear loss, groups of pairs")


def _nres_ratio(result: BiasResult) -> Estimate:
    return exact(result.formula[0, 0] / result.formula[1, 0], "formula, linear loss, K = 1, T = 24")


def _cubic(result: TargetsResult) -> Estimate:
    return mean(result.cubic[0] / result.cubic_targets[0], "40 groups of 10 000 pairs")


def _plain(result: TargetsResult) -> Estimate:
    return mean(result.cubic[0] / result.cubic_gradient, "40 groups of 10 000 pairs")


def _schedule(result: TargetsResult) -> Estimate:
    ratio = result.schedule_peer / result.quadratic_gradient
    return mean(ratio, "its weighting, transcribed; sigma shrinks by 0.8 a window, 10 windows")


def _crossing(result: TargetsResult) -> Estimate:
    ratio = result.crossing_peer / result.quadratic_gradient
    return mean(ratio, "its weighting, transcribed from commit 0af28c1; K = 3, T = 10")


def _hysteresis(result: TargetsResult) -> Estimate:
    ratio = result.drifting / result.drifting_current
    return mean(ratio, "theta moves by 0.02 a window, 10 windows")


def _repeated(result: VarianceResult) -> Estimate:
    return mean(result.ratio[2, -1] / result.episode, "formula, 6 networks, 100 windows")


def _random_growth(result: VarianceResult) -> Estimate:
    return mean(result.ratio[1, -1] / result.ratio[1, -2], "formula, 6 networks, 100 over 50")


def _real(result: VarianceResult) -> Estimate:
    return mean(result.ratio[0, -1] / result.episode, "formula, 6 networks on text, 100 windows")


def _laws(result: VarianceResult) -> Estimate:
    return mean(result.independent[-1], "480 draws of 100 independent gradients, 24 groups")


def _memory(result: TableResult) -> Estimate:
    kept = result.kept[METHODS.index("PES")]
    return exact(kept[1] / kept[0], "numbers kept in a window, T = 240 over T = 24")


def _stairs(result: TableResult) -> Estimate:
    samples = result.rounded[METHODS.index("PES")]
    return mean(samples, "estimate on the rounded loss along the smooth loss's gradient")


def _sum_of_gradients(result: TableResult) -> Estimate:
    error = abs(float(result.error[METHODS.index("BPTT"), 0]))
    return exact(error, "sum over the steps' partial gradients against the closed form")


CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="pes-unbiased",
        paper=PAPER,
        place="abstract; table 1, column unbiased",
        kind=Kind.PAPER,
        says="PES is unbiased, even with windows of one step.",
        expect=Band(-0.03, 0.03, "3 %: seven standard errors; truncated ES is off by 15 %"),
        experiment=BIAS,
        tier="quick",
        measure=_bias,
        verdict=Verdict.REPRODUCED,
        cell="fig-bias",
    ),
    Claim(
        id="pes-truncated-es-biased",
        paper=PAPER,
        place="table 1, column unbiased",
        kind=Kind.PAPER,
        says="Truncated ES is biased.",
        expect=Band(0.05, math.inf, "a bias below 5 % would hardly matter for an update"),
        experiment=BIAS,
        tier="quick",
        measure=_truncated_bias,
        verdict=Verdict.REPRODUCED,
        cell="fig-bias",
    ),
    Claim(
        id="pes-truncated-es-is-tbptt",
        paper=PAPER,
        place="our derivation",
        kind=Kind.CONTROL,
        says="For a quadratic loss the mean of truncated ES is truncated BPTT's gradient.",
        expect=Band(-0.01, 0.01, "the formula is exact; Monte Carlo is good for half a per cent"),
        experiment=BIAS,
        tier="quick",
        measure=_truncated_is_bptt,
        verdict=Verdict.REPRODUCED,
        cell="fig-bias",
    ),
    Claim(
        id="pes-cubic-own-target",
        paper=PAPER,
        place="our derivation",
        kind=Kind.CONTROL,
        says="On a cubic loss the mean of PES is the gradient of its own smoothed loss.",
        expect=Band(0.98, 1.02, "Monte Carlo is good for half a per cent"),
        experiment=TARGETS,
        tier="quick",
        measure=_cubic,
        verdict=Verdict.REPRODUCED,
        cell="fig-targets",
    ),
    Claim(
        id="pes-cubic-plain-gradient",
        paper=PAPER,
        place="title, read without the column smoothed of table 1",
        kind=Kind.CONTROL,
        says="On a cubic loss the mean of PES is the gradient of the loss itself.",
        expect=Band(0.95, 1.05, "5 % would pass as unbiased"),
        experiment=TARGETS,
        tier="quick",
        measure=_plain,
        verdict=Verdict.NOT_REPRODUCED,
        cell="fig-targets",
    ),
    Claim(
        id="pes-hysteresis",
        paper=PAPER,
        place="the proof's condition, left out",
        kind=Kind.CONTROL,
        says="While theta moves, PES has the mean of the windows' gradients at their own theta.",
        expect=Band(
            0.95,
            1.05,
            "5 % would pass as unbiased; the target was the last theta's gradient at first, and "
            "was corrected after a referee's look",
        ),
        experiment=TARGETS,
        tier="quick",
        measure=_hysteresis,
        verdict=Verdict.NOT_REPRODUCED,
        cell="fig-errata",
    ),
    Claim(
        id="pes-variance-formula",
        paper=PAPER,
        place="our derivation",
        kind=Kind.CONTROL,
        says="The exact variance formula of PES agrees with Monte Carlo.",
        expect=Band(0.95, 1.05, "5 %; the standard error is 1 %"),
        experiment=BIAS,
        tier="quick",
        measure=partial(_formula, "PES"),
        verdict=Verdict.REPRODUCED,
        cell="fig-variance",
    ),
    Claim(
        id="pes-variance-episode",
        paper=PAPER,
        place="our derivation",
        kind=Kind.CONTROL,
        says="The exact variance of NRES, P + 1 times the squared gradient, agrees with Monte "
        "Carlo.",
        expect=Band(0.95, 1.05, "5 %; the standard error is 1 %"),
        experiment=BIAS,
        tier="quick",
        measure=partial(_formula, "NRES"),
        verdict=Verdict.REPRODUCED,
        cell="fig-variance",
    ),
    Claim(
        id="pes-variance-repeated",
        paper=PAPER,
        place="our formula, on the official code's scenario of one repeated input",
        kind=Kind.CONTROL,
        says="Where all windows pull the same way, PES has half the variance of full ES.",
        expect=Band(0.45, 0.55, "the closed form for identical windows tends to a half"),
        experiment=VARIANCE,
        tier="quick",
        measure=_repeated,
        verdict=Verdict.REPRODUCED,
        cell="fig-variance",
    ),
    Claim(
        id="pes-variance-random",
        paper=PAPER,
        place="our formula, on the official code's scenario of random inputs",
        kind=Kind.CONTROL,
        says="Where windows are unrelated, PES's variance grows nearly in proportion to them.",
        expect=Band(1.8, 2.2, "twice the windows, twice the variance, up to the constant term"),
        experiment=VARIANCE,
        tier="quick",
        measure=_random_growth,
        verdict=Verdict.REPRODUCED,
        cell="fig-variance",
    ),
    Claim(
        id="pes-variance-independent-law",
        paper=PAPER,
        place="our derivation",
        kind=Kind.CONTROL,
        says="For independent window gradients the variance is P(n + 1)/2 + 1 times |g| squared.",
        expect=Band(0.9, 1.1, "10 %; the standard error is under 1 %"),
        experiment=VARIANCE,
        tier="quick",
        measure=_laws,
        verdict=Verdict.REPRODUCED,
        cell="fig-variance",
    ),
    Claim(
        id="pes-variance-nres",
        paper="li2023noise",
        place="title, read as a rule without exception",
        kind=Kind.CONTROL,
        says="Reusing the noise always lowers the variance: PES never has less than NRES.",
        expect=Band(
            1.0,
            math.inf,
            "exact variances, PES over NRES; the statement was turned round after its result",
        ),
        experiment=BIAS,
        tier="quick",
        measure=_nres_ratio,
        verdict=Verdict.NOT_REPRODUCED,
        cell="fig-variance",
    ),
    Claim(
        id="pes-memory",
        paper=PAPER,
        place="table 1, column memory: N(S + P)",
        kind=Kind.PAPER,
        says="PES's memory does not depend on the horizon.",
        expect=Band(1.0, 1.0, "a count: it must be equal"),
        experiment=TABLE,
        tier="quick",
        measure=_memory,
        verdict=Verdict.REPRODUCED,
        cell="fig-memory",
    ),
    Claim(
        id="pes-stairs",
        paper=PAPER,
        place="table 1, column works on non-differentiable losses",
        kind=Kind.PAPER,
        says="PES works where the loss has no derivative.",
        expect=Band(0.9, 1.1, "the stairs are fine: 10 % covers Monte Carlo and rounding"),
        experiment=TABLE,
        tier="quick",
        measure=_stairs,
        verdict=Verdict.REPRODUCED,
        cell="table-1-rebuilt",
    ),
    Claim(
        id="pes-blog-sum",
        paper=PAPER,
        place=DIALOGUE,
        kind=Kind.BLOG,
        says="BPTT's plain sum of the steps' gradients is probably not the best direction.",
        expect=Band(0.01, math.inf, "a wrong direction would be off by a per cent at least"),
        experiment=TABLE,
        tier="quick",
        measure=_sum_of_gradients,
        verdict=Verdict.NOT_REPRODUCED,
        cell="table-1-rebuilt",
    ),
    Claim(
        id="pes-blog-variance",
        paper=PAPER,
        place=DIALOGUE,
        kind=Kind.BLOG,
        says="Cutting the unroll, if it makes an ensemble of gradients, lowers their variance.",
        expect=Band(-math.inf, 1.0, "the ratio to the uncut full ES must not exceed 1"),
        experiment=VARIANCE,
        tier="quick",
        measure=_real,
        verdict=Verdict.NOT_REPRODUCED,
        cell="fig-variance",
    ),
    Claim(
        id="pes-erratum-schedule",
        paper=PAPER,
        place="evosax, PersistentES: accumulated noise over today's sigma squared",
        kind=Kind.ERRATUM,
        says="The PES gradient of evosax is unbiased under a sigma schedule.",
        expect=Band(0.95, 1.05, "5 % would pass as unbiased"),
        experiment=TARGETS,
        tier="quick",
        measure=_schedule,
        verdict=Verdict.NOT_REPRODUCED,
        cell="fig-errata",
    ),
    Claim(
        id="pes-erratum-crossing",
        paper=PAPER,
        place="learned_optimization, TruncatedPES: mixed weights at an episode's end",
        kind=Kind.ERRATUM,
        says="The PES gradient of learned_optimization is unbiased where episodes end in a window.",
        expect=Band(0.95, 1.05, "5 % would pass as unbiased"),
        experiment=TARGETS,
        tier="quick",
        measure=_crossing,
        verdict=Verdict.NOT_REPRODUCED,
        cell="fig-errata",
    ),
)
