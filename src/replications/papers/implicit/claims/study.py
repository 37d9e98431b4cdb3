"""Claims about Iris: what the blog concludes, the controls that it lacks, and its code."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import numpy as np

from replications.core.claims import Band, Claim, Kind, Verdict
from replications.core.estimates import Estimate, exact, mean, paired, proportion, ratio
from replications.papers.implicit.experiments import AUDIT, IRIS, MILLION, audit, iris, million
from replications.papers.implicit.study import ARM, arms, early_stopped, tuned_scalar

_blog = partial(Claim, paper="lorraine2020optimizing")
_full = partial(_blog, experiment=IRIS, tier="full")
_audit = partial(_blog, experiment=AUDIT, tier="quick", cell="fig-audit")
LOWER = Band(-math.inf, 0.0, "lower test loss, as the claim says")
EARLIER = "an earlier run, same seeds and sums in another order, was"
TWO_POINTS = Band(-0.02, 0.02, "two points: less than one of 30 test flowers")
Results = tuple[iris.Result, ...]


def _decays(result: audit.Result) -> Estimate:
    return exact(result.weights, "4*128 + 128*128 + 128*3, counted")


def _decays_1024(result: million.Result) -> Estimate:
    return exact(result.decays[-1], "weights of 4-1024-1024-3, counted")


def _initial(result: Results) -> Estimate:
    return mean(arms(result)["frozen"].mean_decay[:, 0], "mean of theta^2, theta ~ U(0, 0.01)")


def _final_decay(arm: str, result: Results) -> Estimate:
    return mean(arms(result)[arm].mean_decay[:, -1], f"last mean decay, arm '{arm}'")


def _against(control: str, result: Results, arm: str = ARM) -> Estimate:
    by = arms(result)
    how = f"final test loss, '{arm}' minus '{control}', paired by split"
    return paired(by[arm].test[:, -1], by[control].test[:, -1], how)


def _against_tuned(result: Results) -> Estimate:
    by = arms(result)
    how = "final test loss minus that of one decay chosen on validation, paired by split"
    return paired(by[ARM].test[:, -1], tuned_scalar(by)[0], how)


def _against_stopped(result: Results) -> Estimate:
    by = arms(result)
    how = "final test loss minus that of no decay stopped by validation loss, paired by split"
    return paired(by[ARM].test[:, -1], early_stopped(by["no decay"])[0], how)


def _wins(control: str, result: Results) -> Estimate:
    by = arms(result)
    ours, theirs = by["log, K=20, no dropout"].test[:, -1], by[control].test[:, -1]
    wins = int((ours < theirs).sum())  # a diverged run is nan, which is not less
    how = f"splits with lower final test loss than '{control}'; diverged runs count as losses"
    return proportion(wins, len(ours), how)


def _diverged(result: Results) -> Estimate:
    test = arms(result)["log, K=20, no dropout"].test
    bad = int((~np.isfinite(test)).any(1).sum())
    return proportion(bad, len(test), "splits that ended in nan, no ceiling, no dropout")


def _accuracy(result: Results) -> Estimate:
    by = arms(result)
    how = "final test accuracy, optimised minus no decay, paired by split"
    return paired(by[ARM].accuracy[:, -1], by["no decay"].accuracy[:, -1], how)


def _rise(arm: str, result: Results) -> Estimate:
    test = arms(result)[arm].test
    return ratio(test[:, -1], test[:, 2], "test loss after 100 over after 3 outer iterations")


def _rises(result: Results) -> Estimate:
    test = arms(result)["no decay"].test
    return paired(test[:, -1], test[:, 2], "test loss after 100 minus after 3 outer iterations")


def _accuracy_falls(result: Results) -> Estimate:
    accuracy = arms(result)["no decay"].accuracy
    return paired(accuracy[:, -1], accuracy[:, 2], "test accuracy, outer 100 minus outer 3")


def _nothing(result: Results) -> Estimate:
    by = arms(result)
    how = "final test loss, 'frozen' minus 'no decay', paired by split"
    return paired(by["frozen"].test[:, -1], by["no decay"].test[:, -1], how)


def _stationary(result: audit.Result) -> Estimate:
    return mean(result.stationarity[-1], "norm of the training gradient at outer 100")


def _forgotten(result: audit.Result) -> Estimate:
    return mean(result.hessian_share.mean(0), "|H v| of the code's Hessian over that of the loss's")


def _diagonal(result: audit.Result) -> Estimate:
    return exact(float(result.hessian_gap.max()), "max |H v - 2 theta^2 v|, all checkpoints")


def _opposite(result: audit.Result) -> Estimate:
    spread = float(np.abs(result.orders - result.orders.mean()).max())
    how = "cosine of p with the validation gradient, i = 5"
    return exact(float(result.orders.mean()), how, spread)


def _length(result: audit.Result) -> Estimate:
    spread = float(np.abs(result.length - result.length.mean()).max())
    return exact(float(result.length.mean()), "|p| / |v0| of the code at i = 5", spread)


def _cosine(variant: str, result: audit.Result) -> Estimate:
    values = result.cosine[list(audit.VARIANTS).index(variant)].mean(0)
    return mean(values, "cosine with the correct hypergradient, mean of 5 checkpoints, per split")


CLAIMS = (
    _blog(
        id="implicit-blog-17280",
        place="post, experiment",
        kind=Kind.BLOG,
        experiment=MILLION,
        tier="quick",
        says="A three-layer net with 1024 hidden units has 17,280 weight decays.",
        expect=Band(17280, 17280, "a count"),
        measure=_decays_1024,
        verdict=Verdict.NOT_REPRODUCED,
        cell="fig-million",
    ),
    _audit(
        id="implicit-17280-is-128",
        place="not in the post",
        kind=Kind.CONTROL,
        says="With 128 hidden units it has 17,280.",
        expect=Band(17280, 17280, "a count"),
        measure=_decays,
        verdict=Verdict.REPRODUCED,
    ),
    _full(
        id="implicit-blog-overfits",
        place="post, its concluding sentence; with dropout, as there",
        kind=Kind.BLOG,
        says="Without hyperparameter optimisation the network overfits: test loss rises.",
        expect=Band(
            0.0,
            math.inf,
            "a rise at all; measured by difference, like the comparisons of arms with dropout, "
            "since a referee's look: by ratio, our first choice, it is inconclusive",
        ),
        measure=_rises,
        verdict=Verdict.REPRODUCED,
        cell="fig-iris-curves",
    ),
    _full(
        id="implicit-overfits-ratio",
        place="not in the post",
        kind=Kind.CONTROL,
        says="The rise shows in the geometric mean of the ratio, too.",
        expect=Band(1.0, math.inf, "a rise at all; our first measure of the post's claim"),
        measure=partial(_rise, "no decay"),
        verdict=Verdict.INCONCLUSIVE,
        cell="fig-iris-curves",
    ),
    _full(
        id="implicit-overfits-no-dropout",
        place="not in the post",
        kind=Kind.CONTROL,
        says="Without dropout the test loss more than doubles.",
        expect=Band(2.0, math.inf, "fixed by an earlier pilot run, which found 4.5"),
        measure=partial(_rise, "no decay, no dropout"),
        verdict=Verdict.INCONCLUSIVE,
        cell="fig-iris-curves",
    ),
    _full(
        id="implicit-overfits-not-in-accuracy",
        place="not in the post",
        kind=Kind.CONTROL,
        says="The overfitting does not show in accuracy.",
        expect=replace(
            TWO_POINTS,
            why=f"{TWO_POINTS.why}; from outer 3, as the loss, since a referee's look, not from 10",
        ),
        measure=_accuracy_falls,
        verdict=Verdict.REPRODUCED,
        cell="fig-iris-curves",
    ),
    _full(
        id="implicit-blog-moderate-over-crude",
        place="post, its concluding sentence; the orders are ours",
        kind=Kind.BLOG,
        says="A moderate order generalises better than none (K = 5 against K = 0).",
        expect=LOWER,
        measure=partial(_against, "theta, K=0", arm="theta, K=5"),
        verdict=Verdict.INCONCLUSIVE,
        cell="fig-iris-orders",
    ),
    _full(
        id="implicit-blog-moderate-over-fine",
        place="post, its concluding sentence; the orders are ours",
        kind=Kind.BLOG,
        says="A moderate order generalises better than a high one (K = 5 against K = 20).",
        expect=LOWER,
        measure=partial(_against, "theta, K=20", arm="theta, K=5"),
        verdict=Verdict.INCONCLUSIVE,
        cell="fig-iris-orders",
    ),
    _full(
        id="implicit-blog-generalises",
        place="post, its concluding sentence",
        kind=Kind.BLOG,
        says="Optimising the decays gives a lower test loss than no decay.",
        expect=replace(LOWER, why=f"{LOWER.why}; {EARLIER} inconclusive"),
        measure=partial(_against, "no decay"),
        verdict=Verdict.REPRODUCED,
        cell="fig-iris-effects",
    ),
    _full(
        id="implicit-blog-code-generalises",
        place="post, its concluding sentence, with the code as published",
        kind=Kind.BLOG,
        says="The published code gives a lower test loss than no decay.",
        expect=LOWER,
        measure=partial(_against, "no decay", arm="blog's code"),
        verdict=Verdict.INCONCLUSIVE,
        cell="fig-iris-orders",
    ),
    _full(
        id="implicit-control-frozen",
        place="not in the post",
        kind=Kind.CONTROL,
        says="Optimising the decays beats the same decays left alone.",
        expect=LOWER,
        measure=partial(_against, "frozen"),
        verdict=Verdict.REPRODUCED,
        cell="fig-iris-effects",
    ),
    _full(
        id="implicit-frozen-changes-nothing",
        place="not in the post",
        kind=Kind.CONTROL,
        says="Decays of 0.00003, left alone, change nothing (frozen minus no decay).",
        expect=Band(
            -0.03, 0.03, "small beside what is claimed; claim and band added after a referee's look"
        ),
        measure=_nothing,
        verdict=Verdict.INCONCLUSIVE,
        cell="what-the-study-shows",
    ),
    _full(
        id="implicit-control-blog-frozen",
        place="not in the post",
        kind=Kind.CONTROL,
        says="The published code beats its own initial decays left alone.",
        expect=LOWER,
        measure=partial(_against, "frozen", arm="blog's code"),
        verdict=Verdict.INCONCLUSIVE,
        cell="fig-iris-orders",
    ),
    _full(
        id="implicit-control-scalar",
        place="not in the post",
        kind=Kind.CONTROL,
        says="17,280 optimised decays beat weight_decay 0.01 (lambda = 0.005), the best of five "
        "by final test loss: a control with hindsight.",
        expect=replace(LOWER, why=f"{LOWER.why}; {EARLIER} a little worse"),
        measure=partial(_against, "uniform 1e-2"),
        verdict=Verdict.INCONCLUSIVE,
        cell="fig-iris-effects",
    ),
    _full(
        id="implicit-control-tuned",
        place="not in the post",
        kind=Kind.CONTROL,
        says="17,280 optimised decays beat one decay chosen on the same validation set.",
        expect=LOWER,
        measure=_against_tuned,
        verdict=Verdict.INCONCLUSIVE,
        cell="fig-iris-effects",
    ),
    _full(
        id="implicit-control-early-stopping",
        place="not in the post",
        kind=Kind.CONTROL,
        says="17,280 optimised decays beat stopping early without any decay.",
        expect=LOWER,
        measure=_against_stopped,
        verdict=Verdict.INCONCLUSIVE,
        cell="fig-iris-effects",
    ),
    _full(
        id="implicit-no-dropout-wins",
        place="not in the post",
        kind=Kind.CONTROL,
        says="Without dropout optimised decays mostly beat no decay.",
        expect=Band(0.5, 1.0, f"more often than a coin; {EARLIER} inconclusive"),
        measure=partial(_wins, "no decay, no dropout"),
        verdict=Verdict.REPRODUCED,
        cell="what-the-study-shows",
    ),
    _full(
        id="implicit-no-dropout-scalar",
        place="not in the post",
        kind=Kind.CONTROL,
        says="Without dropout optimised decays mostly beat weight_decay 0.01.",
        expect=Band(0.5, 1.0, "more often than a coin"),
        measure=partial(_wins, "uniform 1e-2, no dropout"),
        verdict=Verdict.INCONCLUSIVE,
        cell="what-the-study-shows",
    ),
    _full(
        id="implicit-unbounded-decays-are-stable",
        place="not in the post",
        kind=Kind.CONTROL,
        says="Unbounded log decays leave training stable (share of runs that diverge).",
        expect=Band(
            0.0,
            0.01,
            "never: one in a hundred runs at most; since a referee's look the claim is about the "
            "training, our first blamed the step of the series",
        ),
        measure=_diverged,
        verdict=Verdict.INCONCLUSIVE,
        cell="what-the-study-shows",
    ),
    _full(
        id="implicit-control-accuracy",
        place="not in the post",
        kind=Kind.CONTROL,
        says="Optimising the decays leaves the test accuracy where it was.",
        expect=TWO_POINTS,
        measure=_accuracy,
        verdict=Verdict.REPRODUCED,
        cell="fig-iris-curves",
    ),
    _full(
        id="implicit-blog-mean-decay",
        place="post, last result",
        kind=Kind.BLOG,
        says="The optimised decays average about 0.00003 (with the correct hypergradient).",
        expect=Band(
            2.5e-5,
            3.5e-5,
            "what rounds to the one printed digit; the arm with the post's alpha, 0.1, since a "
            "referee's look; before, the one with 1",
        ),
        measure=partial(_final_decay, "theta, K=5, alpha 0.1"),
        verdict=Verdict.REPRODUCED,
        cell="fig-mean-decay",
    ),
    _full(
        id="implicit-blog-mean-decay-code",
        place="post, last result",
        kind=Kind.BLOG,
        says="The optimised decays average about 0.00003 (the published code at its defaults).",
        expect=Band(2.5e-5, 3.5e-5, "what rounds to the one printed digit"),
        measure=partial(_final_decay, "blog's code"),
        verdict=Verdict.NOT_REPRODUCED,
        cell="fig-mean-decay",
    ),
    _full(
        id="implicit-initial-decay",
        place="not in the post",
        kind=Kind.CONTROL,
        says="Before any optimisation the decays average 1e-4 / 3.",
        expect=Band(0.99e-4 / 3, 1.01e-4 / 3, "1 %: 17,280 draws have a standard error of 0.7 %"),
        measure=_initial,
        verdict=Verdict.REPRODUCED,
        cell="fig-mean-decay",
    ),
    _audit(
        id="implicit-erratum-hessian",
        place="the post's code",
        kind=Kind.ERRATUM,
        says="The code multiplies by the Hessian of the training loss.",
        expect=Band(0.9, 1.1, "a tenth; a right product has ratio 1"),
        measure=_forgotten,
        verdict=Verdict.NOT_REPRODUCED,
        cell="the-audit",
    ),
    _audit(
        id="implicit-hessian-is-penalty",
        place="not in the post",
        kind=Kind.CONTROL,
        says="What the code multiplies by is diag(2 theta^2), the penalty's Hessian.",
        expect=Band(0.0, 1e-9, "single precision, entries of 1e-5"),
        measure=_diagonal,
        verdict=Verdict.REPRODUCED,
        cell="the-audit",
    ),
    _audit(
        id="implicit-erratum-sign",
        place="the post's code",
        kind=Kind.ERRATUM,
        says="The sum p points along the validation gradient (cosine at i = 5).",
        expect=Band(0.0, 1.0, "an inverse of a positive definite matrix keeps the half-space"),
        measure=_opposite,
        verdict=Verdict.NOT_REPRODUCED,
        cell="the-audit",
    ),
    _audit(
        id="implicit-order-is-scale",
        place="not in the post",
        kind=Kind.CONTROL,
        says="In the code the order only sets a factor, p = (1 - i) v0: |p| = (i - 1) |v0| for "
        "i > 0.",
        expect=Band(3.99, 4.01, "i = 5, with 2 b theta^2 of at most 2e-6 neglected"),
        measure=_length,
        verdict=Verdict.REPRODUCED,
        cell="the-audit",
    ),
    _audit(
        id="implicit-blog-descends",
        place="post, update equation and code",
        kind=Kind.BLOG,
        says="The update follows the hypergradient (cosine above 0).",
        expect=Band(0.0, 1.0, "any positive cosine is a descent direction"),
        measure=partial(_cosine, "as published"),
        verdict=Verdict.NOT_REPRODUCED,
    ),
    _audit(
        id="implicit-repaired-descends",
        place="not in the post",
        kind=Kind.CONTROL,
        says="With all slips mended five terms point along the hypergradient.",
        expect=Band(0.8, 1.0, "K = 5 against K = 20; a pilot run found 0.9"),
        measure=partial(_cosine, "all mended"),
        verdict=Verdict.REPRODUCED,
    ),
    _audit(
        id="implicit-erratum-stationary",
        place="the post's code, dropout",
        kind=Kind.ERRATUM,
        says="The hypergradient is taken where the training gradient vanishes.",
        expect=Band(0.0, 1e-2, "a hundredth: the first-order error is of that order"),
        measure=_stationary,
        verdict=Verdict.NOT_REPRODUCED,
        cell="the-audit",
    ),
)
