"""Wrong kinds, shapes, dtypes, devices and numbers: each is refused by the argument's name."""

import importlib
import inspect
import math

import pytest
import torch

from replications import methods
from replications.core.digest import code_digest
from replications.methods import (
    BPTT,
    NRES,
    PES,
    RTRL,
    UORO,
    AdamVariant,
    ConjugateGradient,
    Exact,
    FullES,
    Hypergradient,
    HypergradientWarning,
    Lookahead,
    MLPHessian,
    Neumann,
    RAdam,
    TruncatedBPTT,
    TruncatedES,
    decay_hypergradient,
    hypergradient,
    unrolled_hypergradient,
)

pytestmark = pytest.mark.usefixtures("unchecked")  # else the annotations' check comes first

NAN, INF = math.nan, math.inf
META = torch.device("meta")  # a device that every machine has
SETTINGS = {
    PES: {"window": 2, "sigma": 0.1, "pairs": 2},
    NRES: {"window": 2, "sigma": 0.1, "pairs": 2},
    TruncatedES: {"window": 2, "sigma": 0.1, "pairs": 2},
    FullES: {"sigma": 0.1, "pairs": 2},
    BPTT: {},
    TruncatedBPTT: {"window": 2},
    RTRL: {"window": 2},
    UORO: {"window": 2},
}


class Problem:
    """A linear unroll; what step and init return can be spoilt."""

    horizon = 6

    def __init__(self, first=None, pays=None):
        self.first, self.pays = first, pays

    def init(self, n):
        return torch.zeros(n, 2) if self.first is None else self.first

    def step(self, state, theta, t):
        state = 0.5 * state + theta
        losses = (state - 1).square().sum(dim=1)
        return state, losses if self.pays is None else self.pays(losses)


def start(estimator, theta=None, problem=None, seed=0):
    theta = torch.zeros(2) if theta is None else theta
    return estimator.init(problem or Problem(), theta, seed)


def step(kind, theta=None, **problem):
    estimator = kind(**SETTINGS[kind])
    state = start(estimator, problem=Problem(**problem))
    return estimator.step(state, torch.zeros(2) if theta is None else theta)


def weight():
    return [torch.ones(3, requires_grad=True)]


def adam_step(kind, gradient):
    (p,) = weight()
    p.grad = gradient
    kind([p]).step()


def train(w, h):
    return (w - 1).square().sum() + (h.exp() * w.square()).sum()


def val(w, h):
    return (w - 2).square().sum()


W, H = torch.ones(3), torch.zeros(3)
ONE_NAN = torch.tensor([1.0, NAN, 1.0])
GENERATOR = torch.Generator().manual_seed(0)
LAYERS = [torch.randn(4, 5, generator=GENERATOR), torch.randn(5, 3, generator=GENERATOR)]
X, Y = torch.randn(7, 4, generator=GENERATOR), torch.arange(7) % 3


def perceptron(**changed):
    return MLPHessian(**{"weights": LAYERS, "inputs": X, "targets": Y, **changed})


def lookahead(**settings):
    return Lookahead(torch.optim.SGD(weight(), lr=0.1), **settings)


CASES = [
    (Lookahead, lambda: Lookahead(weight()), "optimizer must"),
    (Lookahead, lambda: lookahead(k=2.5), "k must"),
    (Lookahead, lambda: lookahead(k=True), "k must"),
    (Lookahead, lambda: lookahead(alpha=NAN), "alpha must"),
    (Lookahead, lambda: lookahead(alpha=torch.tensor(0.5)), "alpha must"),
    (Lookahead, lambda: lookahead(inner_state=3), "inner_state must"),
    (RAdam, lambda: RAdam(weight(), threshold=NAN), "threshold must"),
    (RAdam, lambda: RAdam(weight(), threshold="4"), "threshold: must"),
    (RAdam, lambda: RAdam(weight(), below="x"), "below must"),
    (AdamVariant, lambda: AdamVariant(weight(), freeze=1.5), "freeze: must"),
    (AdamVariant, lambda: AdamVariant(weight(), first_moment=1), "first_moment must"),
    (Neumann, lambda: Neumann(terms=1.5), "terms: must"),
    (Neumann, lambda: Neumann(terms=NAN), "terms: must"),
    (Neumann, lambda: Neumann(terms=-1), "terms: must"),
    (Neumann, lambda: Neumann(step=NAN), "step: must"),
    (Neumann, lambda: Neumann(step=INF), "step: must"),
    (Neumann, lambda: Neumann(step=None), "step: must"),
    (Neumann, lambda: Neumann(step="x"), "step: must"),
    (Neumann, lambda: Neumann(probes=1.5), "probes: must"),
    (ConjugateGradient, lambda: ConjugateGradient(iterations=1.5), "iterations: must"),
    (ConjugateGradient, lambda: ConjugateGradient(iterations=0), "iterations: must"),
    (ConjugateGradient, lambda: ConjugateGradient(tolerance=NAN), "tolerance: must"),
    (ConjugateGradient, lambda: ConjugateGradient(damping=INF), "damping: must"),
    (ConjugateGradient, lambda: ConjugateGradient(damping="x"), "damping: must"),
    (Exact, lambda: Exact(NAN), "damping: must"),
    (Exact, lambda: Exact("x"), "damping: must"),
    (Exact, lambda: Exact(-1.0), "damping: must"),
    (hypergradient, lambda: hypergradient(train, val, W, H, "cg"), "solver: must"),
    (hypergradient, lambda: hypergradient(train, val, W, H, tolerance=0.0), "tolerance: must"),
    (hypergradient, lambda: hypergradient(train, val, W, H, Neumann), "solver: must"),
    (hypergradient, lambda: hypergradient(train, val, W, H, tolerance=NAN), "tolerance: must"),
    (hypergradient, lambda: hypergradient(train, val, W, H, tolerance=-1), "tolerance: must"),
    (
        hypergradient,
        lambda: hypergradient(lambda w, h: h.sum(), val, W, H),
        "train_loss: its gradient does not depend on params",
    ),
    (
        unrolled_hypergradient,
        lambda: unrolled_hypergradient(train, val, W, H, 1.5, 0.1),
        "steps: must",
    ),
    (
        unrolled_hypergradient,
        lambda: unrolled_hypergradient(train, val, W, H, 2, NAN),
        "learning_rate: must",
    ),
    (
        unrolled_hypergradient,
        lambda: unrolled_hypergradient(train, val, W, H, 2, INF),
        "learning_rate: must",
    ),
    (
        unrolled_hypergradient,
        lambda: unrolled_hypergradient(train, val, W, H, 2, "x"),
        "learning_rate: must",
    ),
    (MLPHessian, lambda: perceptron(inputs=X[:, :3]), r"inputs: must be \[n, 4\]"),
    (MLPHessian, lambda: perceptron(inputs=X.long()), "inputs: must be torch.float32"),
    (MLPHessian, lambda: perceptron(inputs=X.double()), "inputs: must be torch.float32"),
    (MLPHessian, lambda: perceptron(inputs=X.to(META)), "inputs: must be torch.float32 on cpu"),
    (MLPHessian, lambda: perceptron(inputs=X * NAN), "inputs: must be finite"),
    (MLPHessian, lambda: perceptron(inputs=X.numpy()), "inputs: must be a tensor"),
    (MLPHessian, lambda: perceptron(weights=[]), "weights: must be a list"),
    (MLPHessian, lambda: perceptron(weights=LAYERS[0]), "weights: must be a list"),
    (MLPHessian, lambda: perceptron(weights=[LAYERS[0]] * 2), r"weights\[1\]: must have 5 inputs"),
    (MLPHessian, lambda: perceptron(weights=[torch.ones(4)]), r"weights\[0\]: must be"),
    (
        MLPHessian,
        lambda: perceptron(weights=[LAYERS[0], LAYERS[1].double()]),
        r"weights\[1\]: must be torch.float32",
    ),
    (
        MLPHessian,
        lambda: perceptron(weights=[w[None, None] for w in LAYERS]),
        r"weights\[0\]: must be",
    ),
    (MLPHessian, lambda: perceptron(targets=Y[:6]), r"targets: must be \[7\]"),
    (MLPHessian, lambda: perceptron(targets=Y.float()), "targets: must be whole"),
    (MLPHessian, lambda: perceptron(targets=Y + 1), r"targets: must lie in \[0, 3\).* 1 to 3"),
    (MLPHessian, lambda: perceptron(targets=Y - 1), "targets: must lie in"),
    (MLPHessian, lambda: perceptron(targets=Y.tolist()), "targets: must be a tensor"),
    (MLPHessian, lambda: perceptron(penalty=0.1), "penalty: must be a list"),
    (MLPHessian, lambda: perceptron(penalty=LAYERS[:1]), "penalty: must be shaped"),
    (MLPHessian, lambda: perceptron(penalty=[w.T for w in LAYERS]), "penalty: must be shaped"),
    (MLPHessian, lambda: perceptron(masks=[]), "masks: must be one a hidden layer, 1, got 0"),
    (MLPHessian, lambda: perceptron(activation="gelu"), "activation: must"),
    (
        MLPHessian,
        lambda: perceptron(inputs=X.expand(2, 7, 4)),
        "inputs: must have the weights' batch",
    ),
    (MLPHessian, lambda: perceptron().product(torch.ones(3)), "vector: must have the shape"),
    (
        MLPHessian,
        lambda: perceptron().product(perceptron().weights.double()),
        "vector: must be torch.float32",
    ),
    (
        decay_hypergradient,
        lambda: decay_hypergradient(None, perceptron()),
        "train: must be an MLPHessian",
    ),
    (
        decay_hypergradient,
        lambda: decay_hypergradient(perceptron(), train),
        "val: must be an MLPHessian",
    ),
    (
        decay_hypergradient,
        lambda: decay_hypergradient(perceptron(), perceptron(), "cg"),
        "solver: must",
    ),
    (
        decay_hypergradient,
        lambda: decay_hypergradient(perceptron(), perceptron(penalty=LAYERS)),
        "val: must have no penalty",
    ),
]

for kind in (RAdam, AdamVariant):
    CASES += [
        (kind, lambda k=kind: k([torch.ones(3, dtype=torch.long)]), "params: must be floating"),
        (kind, lambda k=kind: k([]), "optimizer got an empty parameter list"),  # torch's own words
        (kind, lambda k=kind: k(weight(), lr=NAN), "lr must lie in"),
        (kind, lambda k=kind: k(weight(), lr="1"), "lr: must be a number"),
        (kind, lambda k=kind: k(weight(), lr=torch.ones(2)), "lr: must be a number"),
        (kind, lambda k=kind: k(weight(), lr=torch.ones(0)), "lr: must be a number"),
        (kind, lambda k=kind: k(weight(), betas=(0.9,)), "betas: must be two numbers"),
        (kind, lambda k=kind: k(weight(), betas=0.9), "betas: must be two numbers"),
        (kind, lambda k=kind: k(weight(), betas=(0.9, NAN)), r"betas\[1\] must lie"),
        (kind, lambda k=kind: k(weight(), betas=(-0.5, 0.999)), r"betas\[0\] must lie"),
        (kind, lambda k=kind: k(weight(), eps=None), "eps: must be a number"),
        (kind, lambda k=kind: k(weight(), weight_decay=-1.0), "weight_decay must lie"),
        (kind, lambda k=kind: k([{"params": weight(), "lr": NAN}]), "lr must lie"),
        (
            kind,
            lambda k=kind: k([{"params": weight()}, {"params": weight(), "eps": -1.0}]),
            r"eps \(group 1\) must lie",
        ),
        (kind, lambda k=kind: k(weight(), betas=("a", "b")), r"betas\[0\]: must be a number"),
        (kind, lambda k=kind: k([{"params": weight(), "betas": (1.5, 0.9)}]), r"betas\[0\] must"),
        (kind, lambda k=kind: adam_step(k, torch.ones(3).to_sparse()), "gradients must be dense"),
    ]

for kind, key, bad in (
    (RAdam, "threshold", 3.0),
    (RAdam, "below", "foo"),
    (AdamVariant, "freeze", -3),
    (AdamVariant, "freeze", 1.5),
    (AdamVariant, "first_moment", "x"),
):
    CASES.append(
        (kind, lambda k=kind, s={key: bad}: k([{"params": weight(), **s}]), f"{key}:? must")
    )

for f in (hypergradient, lambda t, v, w, h: unrolled_hypergradient(t, v, w, h, 3, 0.1)):
    name = hypergradient if f is hypergradient else unrolled_hypergradient
    CASES += [
        (name, lambda f=f: f(W, val, W, H), "train_loss: must be a function"),
        (name, lambda f=f: f(train, None, W, H), "val_loss: must be a function"),
        (name, lambda f=f: f(lambda w, h: 1.0, val, W, H), "train_loss: must return a tensor"),
        (name, lambda f=f: f(train, lambda w, h: 2.0, W, H), "val_loss: must return a tensor"),
        (name, lambda f=f: f(lambda w, h: w.outer(w), val, W, H), "train_loss: must return a sc"),
        (name, lambda f=f: f(lambda w, h: w.square(), val, W, H), "val_loss: train_loss has ba"),
        (name, lambda f=f: f(train, lambda w, h: w.square(), W, H), "val_loss: train_loss has ba"),
        (name, lambda f=f: f(train, val, W.numpy(), H), "params: expected tensors"),
        (name, lambda f=f: f(train, val, W.long(), H), "params: expected floating-point"),
        (name, lambda f=f: f(train, val, [], H), "params: holds no tensor"),
        (name, lambda f=f: f(train, val, ONE_NAN, H), "params: 1 of 3 numbers are not finite"),
        (name, lambda f=f: f(train, val, W, ONE_NAN), "hyperparams: 1 of 3 numbers are not fin"),
        (name, lambda f=f: f(train, val, W, H.to(META)), "hyperparams: must be on the device"),
    ]

for kind, settings in SETTINGS.items():
    for key, bad in {"window": (0, 1.5), "sigma": (NAN, 0.0, "x"), "pairs": (0, 2.5)}.items():
        if key in settings:
            CASES += [
                (kind, lambda k=kind, c={**settings, key: value}: k(**c), f"{key}:? must")
                for value in bad
            ]
    CASES += [
        (kind, lambda k=kind, s=settings: k(**s, on_explosion="x"), "on_explosion must"),
        *(
            (kind, lambda k=kind, s=settings, t=theta: start(k(**s), t), message)
            for theta, message in (
                ([0.0, 0.0], "theta: must be a float tensor"),
                (torch.zeros(2, dtype=torch.long), "theta must be a float tensor"),
                (torch.zeros(()), "theta must be a float tensor"),
                (torch.zeros(1, 1, 2), "theta must be a float tensor"),
                (torch.zeros(0), "theta must be a float tensor"),
                (torch.zeros(2, 0), "theta must be a float tensor"),
                (torch.tensor([0.0, NAN]), "theta: 1 of 2 numbers are not finite"),
            )
        ),
        (
            kind,
            lambda k=kind, s=settings: k(**s).init(None, torch.zeros(2), 0),
            "problem: must have horizon, init and step",
        ),
        (kind, lambda k=kind, s=settings: start(k(**s), seed=0.5), "seed: must be a whole"),
        (
            kind,
            lambda k=kind, s=settings: start(k(**s), torch.zeros(3, 2), seed=[1, 2]),
            "seed must hold one seed a replicate: 3, got 2",
        ),
        (kind, lambda k=kind: step(k, torch.zeros(5, 2)), r"theta must be .* \[1, P\]"),
        (kind, lambda k=kind: step(k, torch.tensor([0.0, INF])), "theta: 1 of 2 numbers"),
        (kind, lambda k=kind: step(k, pays=torch.sum), "problem must return one loss a particle"),
        (kind, lambda k=kind: step(k, first=torch.zeros(3, 2)), r"problem: init\(.*\) and step"),
    ]
    if kind in (PES, NRES, TruncatedES, FullES, UORO):
        CASES += [
            (kind, lambda k=kind, s=settings: start(k(**s), seed=None), "seed: .* needs one"),
            (kind, lambda k=kind: step(k, torch.zeros(3)), "theta: has 3 parameters, .* with 2$"),
            (kind, lambda k=kind: step(k, torch.zeros(2).double()), "theta: is torch.float64"),
            (kind, lambda k=kind: step(k, torch.zeros(2, device=META)), "theta: .* on meta"),
        ]
    if kind not in (BPTT, TruncatedBPTT):
        CASES += [
            (
                kind,
                lambda k=kind: step(k, pays=lambda losses: losses.double()),
                "problem: must return losses like theta",
            )
        ]
    other = BPTT() if kind not in (BPTT, TruncatedBPTT) else RTRL()
    CASES.append(
        (
            kind,
            lambda k=kind, s=settings, o=other: k(**s).step(start(o), torch.zeros(2)),
            "state: must come from",
        )
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [(call, message) for _, call, message in CASES],
    ids=[f"{kind.__name__}-{message[:30]}" for kind, _, message in CASES],
)
def test_is_refused_by_name(call, message):
    with pytest.raises((ValueError, TypeError), match=f"^{message}"):
        call()


@pytest.mark.parametrize("kind", SETTINGS)
def test_a_refusal_counts_the_particles(kind):
    seen = []
    with pytest.raises(ValueError, match="one loss a particle") as caught:
        step(kind, pays=lambda losses: seen.append(len(losses)) or losses.sum())
    assert str(caught.value).endswith(f"[{seen[-1]}], got []")


@pytest.mark.parametrize("kind", [RAdam, AdamVariant])
def test_a_tensor_of_one_number_is_a_number(kind):
    assert kind(weight(), lr=torch.tensor([0.1])).defaults["lr"] == 0.1


def test_every_public_name_is_tried():
    public = {x for n, x in vars(methods).items() if n[0] != "_" and not inspect.ismodule(x)}
    results = {Hypergradient, HypergradientWarning}  # what the methods return, no methods
    assert public - results == {kind for kind, _, _ in CASES}


def test_one_diverged_problem_of_a_batch_is_no_reason_to_refuse_the_others():
    w, h = torch.ones(2, 3), torch.zeros(2, 3)
    w[1, 0] = NAN

    def losses(w, h):
        return ((w - 1).square() + h.exp() * w.square()).sum(dim=1)

    solver = Neumann(step=0.1, probes=0)
    with pytest.warns(HypergradientWarning, match="in 1 of 2 problems"):
        found = hypergradient(
            losses, lambda w, h: (w - 2).square().sum(dim=1), w, h, solver, tolerance=INF
        )
    assert found.total[0].isfinite().all() and not found.total[1].isfinite().all()
    with pytest.raises(ValueError, match="params: 6 of 6 numbers"):
        hypergradient(losses, losses, torch.full((2, 3), NAN), h)
    pes = PES(2, 0.1, 2, on_explosion="report")
    theta = torch.tensor([[0.0, 0.0], [0.0, NAN]])
    gradient, *_ = pes.step(pes.init(Problem(), theta, [0, 1]), theta)
    assert gradient[0].isfinite().all()


def test_refusals_are_no_part_of_a_results_key(tmp_path, monkeypatch):
    """Else a new one would discard hours of records; what is not a statement of its own counts."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "refusing").mkdir()
    (tmp_path / "refusing" / "__init__.py").touch()
    for name in ("refusals", "other"):
        (tmp_path / "refusing" / f"{name}.py").write_text("def refuse_x(x):\n    return x\n")

    def digest(head, body):
        (tmp_path / "refusing" / "method.py").write_text(f"{head}def f(x):\n    {body}\n")
        importlib.invalidate_caches()
        code_digest.cache_clear()
        return code_digest("refusing.method")

    head = "from refusing.refusals import refuse_x\n"
    plain = digest("", "return x")
    assert digest(head, "refuse_x(x)\n    return x") == plain
    assert digest(head, "return refuse_x(x)") != plain
    assert digest("from refusing.other import refuse_x\n", "refuse_x(x)\n    return x") != plain
    code_digest.cache_clear()
