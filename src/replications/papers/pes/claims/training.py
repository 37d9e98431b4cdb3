"""Claims about optimisation: influence balancing, the toy, the digits network, the memory task."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from replications.core.claims import Band, Claim, Kind, Verdict
from replications.core.estimates import Estimate, exact, mean, proportion, ratio
from replications.papers.pes.experiments import DIGITS, INFLUENCE, MEMORY_TASK, TOY
from replications.papers.pes.experiments.digits import ARMS as TUNERS
from replications.papers.pes.experiments.digits import Result as DigitsResult
from replications.papers.pes.experiments.influence import ARMS as BALANCERS
from replications.papers.pes.experiments.influence import Result as InfluenceResult
from replications.papers.pes.experiments.memory_task import ARMS as LEARNERS
from replications.papers.pes.experiments.memory_task import Result as MemoryResult
from replications.papers.pes.experiments.toy import ARMS as WALKERS
from replications.papers.pes.experiments.toy import Result as ToyResult

PAPER = "vicol2021unbiased"
READING = "setting of the official code; the outcome is our reading of the abstract"
BALANCE = f"influence balancing: {READING}"
TOY_PLACE = f"two-parameter toy: {READING}"
OURS = "our control, in the official code's setting"
TUNING = "our control, on the official code's task, scaled down, with sigma and rate of our own"


def final_loss(result: InfluenceResult, arm: str) -> np.ndarray:
    """Losses after the last update, one a replicate."""
    loss: np.ndarray = result.loss[list(BALANCERS).index(arm), -1]
    return loss


def final_meta_loss(result: ToyResult, arm: str) -> np.ndarray:
    """Meta-losses after the last update, one a replicate."""
    loss: np.ndarray = result.loss[list(WALKERS).index(arm), -1]
    return loss


def fresh(results: Sequence[DigitsResult], arm: str, objective: int) -> np.ndarray:
    """The objective on fresh runs, one value a seed; 0: train loss, 1: validation error."""
    half = len(results) // 2
    part = results[objective * half : (objective + 1) * half]
    return np.array([result.fresh[TUNERS.index(arm)] for result in part])


def _pes(result: InfluenceResult) -> Estimate:
    return mean(np.log10(final_loss(result, "PES, N=1000")), "log10 of the last loss of each seed")


def _few(result: InfluenceResult) -> Estimate:
    losses = final_loss(result, "PES, N=10")
    return proportion(int((losses < 8.0).sum()), losses.size, "runs that end below the first loss")


def _truncated_es(result: InfluenceResult) -> Estimate:
    return mean(final_loss(result, "truncated ES, N=1000"), "last loss of each seed")


def _rtrl(result: InfluenceResult) -> Estimate:
    return exact(math.log10(final_loss(result, "RTRL")[0]), "log10 of the last loss")


def _tbptt_10(result: InfluenceResult) -> Estimate:
    loss = final_loss(result, "truncated BPTT, K=10")[0]
    return exact(math.log10(loss), "log10 of the last loss")


def _tbptt_100(result: InfluenceResult) -> Estimate:
    return exact(result.factor[99], "c_100, closed form", error=1e-9)


def _turning(result: InfluenceResult) -> Estimate:
    return exact(float(1 + np.argmax(result.factor < 0)), "first K with a negative c_K")


def _closed_form(result: InfluenceResult) -> Estimate:
    return exact(result.closed_form_error, "largest relative difference over 9 values of theta")


def _toy_pes(result: ToyResult) -> Estimate:
    return mean(final_meta_loss(result, "PES"), "last meta-loss of each seed")


def _toy_truncated(result: ToyResult) -> Estimate:
    return mean(final_meta_loss(result, "truncated ES, σ=1"), "last meta-loss of each seed")


def _toy_narrow(result: ToyResult) -> Estimate:
    return mean(final_meta_loss(result, "truncated ES, σ=0.3"), "last meta-loss of each seed")


def _toy_nres(result: ToyResult) -> Estimate:
    ours, theirs = (final_meta_loss(result, name) for name in ("PES", "NRES"))
    return ratio(ours, theirs, "last meta-losses of each seed")


def _toy_rtrl(result: ToyResult) -> Estimate:
    return exact(final_meta_loss(result, "RTRL")[0], "last meta-loss, deterministic")


def _versus(results: Sequence[DigitsResult], rival: str, objective: int) -> Estimate:
    what = ("train loss", "validation error")[objective]
    ours, theirs = (fresh(results, name, objective) for name in ("PES", rival))
    return ratio(ours, theirs, f"PES over {rival}: {what} on fresh runs, {ours.size} seeds")


def _solved(result: MemoryResult, arm: str) -> Estimate:
    last = result.loss[LEARNERS.index(arm), -1]
    return proportion(int((last < result.solved).sum()), last.size, "runs that keep the bit")


CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="pes-influence-pes",
        paper=PAPER,
        place=BALANCE,
        kind=Kind.PAPER,
        says="PES with N = 1000 finds the optimum of influence balancing.",
        expect=Band(
            -math.inf, -9.0, "below 1e-9, from a first loss of 8; fixed after a pilot study"
        ),
        experiment=INFLUENCE,
        tier="full",
        measure=_pes,
        verdict=Verdict.REPRODUCED,
        cell="fig-influence",
    ),
    Claim(
        id="pes-influence-truncated-es",
        paper=PAPER,
        place=OURS,
        kind=Kind.CONTROL,
        says="Truncated ES walks the same wrong way as truncated BPTT with K = 1.",
        expect=Band(150.0, 280.0, "about a third either way of truncated BPTT's 211"),
        experiment=INFLUENCE,
        tier="full",
        measure=_truncated_es,
        verdict=Verdict.REPRODUCED,
        cell="fig-influence",
    ),
    Claim(
        id="pes-influence-rtrl",
        paper=PAPER,
        place=OURS,
        kind=Kind.CONTROL,
        says="RTRL finds the optimum.",
        expect=Band(-math.inf, -15.0, "below 1e-15; fixed after a pilot study"),
        experiment=INFLUENCE,
        tier="full",
        measure=_rtrl,
        verdict=Verdict.REPRODUCED,
        cell="fig-influence",
    ),
    Claim(
        id="pes-influence-tbptt-10",
        paper=PAPER,
        place=OURS,
        kind=Kind.CONTROL,
        says="Truncated BPTT with K = 10 diverges.",
        expect=Band(10.0, math.inf, "above 1e10; fixed after a pilot study"),
        experiment=INFLUENCE,
        tier="full",
        measure=_tbptt_10,
        verdict=Verdict.REPRODUCED,
        cell="fig-influence",
    ),
    Claim(
        id="pes-erratum-caption",
        paper="vicol2023low",
        place="caption of figure 5",
        kind=Kind.ERRATUM,
        says="Truncated BPTT with K = 100 moves in the wrong direction.",
        expect=Band(0.0, math.inf, "a positive factor c_100 walks away from the optimum"),
        experiment=INFLUENCE,
        tier="full",
        measure=_tbptt_100,
        verdict=Verdict.NOT_REPRODUCED,
        cell="fig-factor",
    ),
    Claim(
        id="pes-influence-turning",
        paper=PAPER,
        place="our derivation",
        kind=Kind.CONTROL,
        says="Truncated BPTT walks the wrong way for every window of up to 40 steps.",
        expect=Band(41.0, 41.0, "a count from the closed form"),
        experiment=INFLUENCE,
        tier="full",
        measure=_turning,
        verdict=Verdict.REPRODUCED,
        cell="fig-factor",
    ),
    Claim(
        id="pes-influence-closed-form",
        paper=PAPER,
        place="our derivation",
        kind=Kind.CONTROL,
        says="The closed-form loss is that of an unroll of 500 steps.",
        expect=Band(0.0, 1e-10, "double precision over 500 steps"),
        experiment=INFLUENCE,
        tier="full",
        measure=_closed_form,
        verdict=Verdict.REPRODUCED,
        cell="fig-factor",
    ),
    Claim(
        id="pes-influence-few",
        paper=PAPER,
        place="our control",
        kind=Kind.CONTROL,
        says="Ten particles are enough for PES on influence balancing.",
        expect=Band(0.5, 1.0, "at least every second run should improve on its start"),
        experiment=INFLUENCE,
        tier="full",
        measure=_few,
        verdict=Verdict.NOT_REPRODUCED,
        cell="fig-influence",
    ),
    Claim(
        id="pes-toy-pes",
        paper=PAPER,
        place=TOY_PLACE,
        kind=Kind.PAPER,
        says="PES reaches the low region of the toy's meta-loss.",
        expect=Band(
            -math.inf, 600.0, "the lowest grid point is near 555; fixed after a pilot study"
        ),
        experiment=TOY,
        tier="full",
        measure=_toy_pes,
        verdict=Verdict.REPRODUCED,
        cell="fig-toy",
    ),
    Claim(
        id="pes-toy-truncated-es",
        paper=PAPER,
        place=TOY_PLACE,
        kind=Kind.PAPER,
        says="Truncated ES, even with the larger sigma tuned for it, stays far above.",
        expect=Band(1000.0, math.inf, "nearly twice the minimum; fixed after a pilot study"),
        experiment=TOY,
        tier="full",
        measure=_toy_truncated,
        verdict=Verdict.REPRODUCED,
        cell="fig-toy",
    ),
    Claim(
        id="pes-toy-narrow",
        paper=PAPER,
        place="our control",
        kind=Kind.CONTROL,
        says="With PES's sigma, truncated ES stops in the trap at 2423.4.",
        expect=Band(2422.4, 2424.4, "within 1 of the pilot study's 2423.4"),
        experiment=TOY,
        tier="full",
        measure=_toy_narrow,
        verdict=Verdict.REPRODUCED,
        cell="fig-toy",
    ),
    Claim(
        id="pes-toy-rtrl",
        paper=PAPER,
        place="our control",
        kind=Kind.CONTROL,
        says="An unbiased gradient is enough: RTRL reaches the low region too.",
        expect=Band(-math.inf, 600.0, "the same band as for PES"),
        experiment=TOY,
        tier="full",
        measure=_toy_rtrl,
        verdict=Verdict.NOT_REPRODUCED,
        cell="fig-toy",
    ),
    Claim(
        id="pes-toy-nres",
        paper="li2023noise",
        place="our control",
        kind=Kind.CONTROL,
        says="PES and NRES end within 2 % of each other on the toy.",
        expect=Band(0.98, 1.02, "the spread of single runs is about 1 %"),
        experiment=TOY,
        tier="full",
        measure=_toy_nres,
        verdict=Verdict.REPRODUCED,
        cell="fig-toy",
    ),
    Claim(
        id="pes-digits-truncated-es",
        paper=PAPER,
        place=TUNING,
        kind=Kind.CONTROL,
        says="PES finds better learning-rate schedules than truncated ES.",
        expect=Band(-math.inf, 1.0, "a ratio of training losses below 1"),
        experiment=DIGITS,
        tier="full",
        measure=lambda results: _versus(results, "truncated ES", 0),
        verdict=Verdict.REPRODUCED,
        cell="fig-digits",
    ),
    Claim(
        id="pes-digits-tbptt",
        paper=PAPER,
        place=TUNING,
        kind=Kind.CONTROL,
        says="PES finds better schedules than truncated BPTT at equal compute.",
        expect=Band(-math.inf, 1.0, "a ratio of training losses below 1"),
        experiment=DIGITS,
        tier="full",
        measure=lambda results: _versus(results, "truncated BPTT", 0),
        verdict=Verdict.REPRODUCED,
        cell="fig-digits",
    ),
    Claim(
        id="pes-digits-error",
        paper=PAPER,
        place=TUNING,
        kind=Kind.CONTROL,
        says="PES tunes the validation error, which has no derivative, better than truncated ES.",
        expect=Band(-math.inf, 1.0, "a ratio of validation errors below 1"),
        experiment=DIGITS,
        tier="full",
        measure=lambda results: _versus(results, "truncated ES", 1),
        verdict=Verdict.REPRODUCED,
        cell="fig-digits",
    ),
    Claim(
        id="pes-digits-random-search",
        paper=PAPER,
        place=TUNING,
        kind=Kind.CONTROL,
        says="PES beats random search at equal compute, with two hyperparameters.",
        expect=Band(-math.inf, 1.0, "a ratio of training losses below 1"),
        experiment=DIGITS,
        tier="full",
        measure=lambda results: _versus(results, "random search", 0),
        verdict=Verdict.INCONCLUSIVE,
        cell="fig-digits",
    ),
    Claim(
        id="pes-digits-random-search-error",
        paper=PAPER,
        place=TUNING,
        kind=Kind.CONTROL,
        says="PES beats random search on the validation error too.",
        expect=Band(
            -math.inf,
            1.0,
            "a ratio of validation errors below 1; added after a referee's look at the numbers",
        ),
        experiment=DIGITS,
        tier="full",
        measure=lambda results: _versus(results, "random search", 1),
        verdict=Verdict.NOT_REPRODUCED,
        cell="fig-digits",
    ),
    Claim(
        id="pes-memory-truncated-es",
        paper=PAPER,
        place="our control: table 1's column unbiased, taken at its word",
        kind=Kind.CONTROL,
        says="Truncated ES cannot learn to keep a bit for longer than its window.",
        expect=Band(
            0.0, 0.2, "it should fail in nearly every run; six runs at first, all of which learned"
        ),
        experiment=MEMORY_TASK,
        tier="quick",
        measure=lambda result: _solved(result, "truncated ES"),
        verdict=Verdict.NOT_REPRODUCED,
        cell="fig-memory-task",
    ),
    Claim(
        id="pes-memory-mean",
        paper=PAPER,
        place="our control",
        kind=Kind.CONTROL,
        says="It fails once its estimate for the bit's weights is replaced by its exact mean.",
        expect=Band(
            0.0,
            0.25,
            "it should solve fewer than one run in four; at first six runs and a band to 0.5, "
            "sixteen runs and 0.25 after a referee's look",
        ),
        experiment=MEMORY_TASK,
        tier="quick",
        measure=lambda result: _solved(result, "truncated ES, mean for the bit"),
        verdict=Verdict.REPRODUCED,
        cell="fig-memory-task",
    ),
)
