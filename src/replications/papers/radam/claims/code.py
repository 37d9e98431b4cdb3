"""Claims about public implementations."""

from __future__ import annotations

from functools import partial

from replications.core.claims import Band, Claim, Kind, Verdict
from replications.core.estimates import Estimate, exact
from replications.papers.radam.experiments import IMPLEMENTATIONS, implementations

_claim = partial(
    Claim,
    paper="liu2020variance",
    tier="quick",
    experiment=IMPLEMENTATIONS,
    kind=Kind.ERRATUM,
    cell="fig-implementations",
)
CLOSE = Band(0.0, 0.1, "a tenth of one learning rate after 200 steps")


def _apart(rule: str, result: implementations.Result) -> Estimate:
    value = result.apart[implementations.RULES.index(rule), -1]
    return exact(value, "rms distance, 1000 coordinates, 200 steps, float64", 1e-9)


def _first_step(result: implementations.Result) -> Estimate:
    row = implementations.RULES.index("authors, default")
    return exact(result.first_move[row, 0], "rms of the first update, in learning rates")


def _scaling(method: str, result: implementations.Result) -> Estimate:
    after_5 = result.moved[implementations.METHODS.index(method), 0]
    one, thousand = (after_5[result.scales == c].item() for c in (1.0, 1000.0))
    return exact(thousand / one, "move after 5 steps, loss times 1000 / loss, float64", 1e-6)


CLAIMS = (
    _claim(
        id="radam-code-nmt",
        place="authors' copies for translation and images; torch with decoupled decay",
        says="The authors' copies and torch follow Algorithm 2, but for one step (distance after "
        "200 steps).",
        expect=CLOSE,
        measure=partial(_apart, "authors, nmt"),
        verdict=Verdict.REPRODUCED,
    ),
    _claim(
        id="radam-code-skip",
        place="authors' general class, pytorch_optimizer, default",
        says="While it cannot rectify, the default implementation takes a momentum step.",
        expect=Band(0.01, 1.0, "a momentum step is about |g| = 0.1 learning rates long"),
        measure=_first_step,
        verdict=Verdict.NOT_REPRODUCED,
    ),
    _claim(
        id="radam-code-torch-decay",
        place="our control, on torch.optim.RAdam",
        kind=Kind.CONTROL,
        says="With weight decay torch's default follows the paper's decoupled decay (distance "
        "from Algorithm 2 after 200 steps).",
        expect=CLOSE,
        measure=partial(_apart, "torch, default"),
        verdict=Verdict.NOT_REPRODUCED,
    ),
    _claim(
        id="radam-scale-free",
        place="our control",
        kind=Kind.CONTROL,
        says="RAdam does not feel the scale of the loss (move after 5 steps).",
        expect=Band(0.99, 1.01, "1 %; Adam: 1 up to eps"),
        measure=partial(_scaling, "RAdam"),
        verdict=Verdict.NOT_REPRODUCED,
    ),
)
