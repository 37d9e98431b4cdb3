"""Lookahead against Algorithm 1 written out, two libraries, exact values; then as an optimizer."""

from __future__ import annotations

import copy
import io
import itertools
import warnings

import pytest
import torch
from torch import Tensor, nn

from replications.methods import Lookahead
from replications.methods.lookahead import lookahead_pull

CURVATURE = torch.tensor([1.0, 0.3, 0.05], dtype=torch.float64)
INNER = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.3),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
    "adam": lambda p: torch.optim.Adam(p, lr=0.05),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.02, momentum=0.5),
    "adagrad": lambda p: torch.optim.Adagrad(p, lr=0.1),
}


def start() -> Tensor:
    return torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64, requires_grad=True)


def noise(steps: int, seed: int = 1) -> Tensor:
    return torch.randn(steps, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def advance(optimizer, x: Tensor, target: Tensor) -> float:
    """One step on sum a (x - target)^2 / 2."""
    optimizer.zero_grad()
    loss = (CURVATURE * (x - target) ** 2).sum() / 2
    loss.backward()
    optimizer.step()
    return loss.item()


def run(make, steps: int = 23, **settings) -> Tensor:
    """Fast weights after every step, [steps, 3]."""
    x = start()
    optimizer = Lookahead(make([x]), **settings) if settings else make([x])
    path = []
    for target in noise(steps):
        advance(optimizer, x, target)
        path.append(x.detach().clone())
    return torch.stack(path)


def algorithm_1(lr: float, momentum: float, k: int, alpha: float, inner_state: str) -> Tensor:
    """The paper's Algorithm 1 over heavy-ball SGD, loop by loop, with nothing from torch.optim."""
    phi, targets, path = start().detach(), iter(noise(23)), []
    velocity = slow_velocity = torch.zeros(3, dtype=torch.float64)
    while True:
        theta = phi.clone()
        for _ in range(k):
            target = next(targets, None)
            if target is None:
                return torch.stack(path)
            velocity = momentum * velocity + CURVATURE * (theta - target)
            theta = theta - lr * velocity
            path.append(theta)
        phi = phi + alpha * (theta - phi)
        if inner_state == "reset":
            velocity = torch.zeros(3, dtype=torch.float64)
        if inner_state == "pullback":
            velocity = slow_velocity = slow_velocity + alpha * (velocity - slow_velocity)
        path[-1] = phi


# Three ways: the algorithm written out, outside libraries, exact values.


@pytest.mark.parametrize("inner_state", ["maintain", "reset", "pullback"])
@pytest.mark.parametrize("k, alpha", [(1, 0.5), (2, 0.8), (5, 0.5), (7, 1.0)])
def test_follows_algorithm_1(k, alpha, inner_state):
    ours = run(INNER["momentum"], k=k, alpha=alpha, inner_state=inner_state)
    expected = algorithm_1(0.1, 0.9, k, alpha, inner_state)
    torch.testing.assert_close(ours, expected, rtol=1e-12, atol=1e-13)  # float64 rounding


@pytest.mark.parametrize("inner", INNER)
def test_equals_pytorch_optimizer(inner):
    from pytorch_optimizer import Lookahead as Peer

    x = start()
    optimizer = Peer(INNER[inner]([x]), k=5, alpha=0.5, pullback_momentum="none")
    path = []
    for target in noise(23):
        advance(optimizer, x, target)
        path.append(x.detach().clone())
    ours = run(INNER[inner], k=5, alpha=0.5)
    torch.testing.assert_close(
        ours, torch.stack(path), rtol=1e-12, atol=1e-13
    )  # lerp against mul and add


@pytest.mark.parametrize("inner_state", ["reset", "pullback"])
def test_momentum_modes_equal_pytorch_optimizer(inner_state):
    from pytorch_optimizer import Lookahead as Peer

    x = start()
    peer = Peer(INNER["momentum"]([x]), k=5, alpha=0.5, pullback_momentum=inner_state)
    for target in noise(23):
        advance(peer, x, target)
    ours = run(INNER["momentum"], k=5, alpha=0.5, inner_state=inner_state)[-1]
    torch.testing.assert_close(ours, x.detach(), rtol=1e-12, atol=1e-13)  # lerp against mul and add


@pytest.mark.parametrize(
    "inner, reset_state", [("momentum", False), ("momentum", True), ("adam", True)]
)
def test_equals_optax(inner, reset_state):
    jax = pytest.importorskip("jax", reason="optax is in the bench extra, which is not installed")
    optax = pytest.importorskip("optax", reason="the bench extra is not installed")
    jax.config.update("jax_enable_x64", True)
    inner_optax = {"momentum": optax.sgd(0.1, momentum=0.9), "adam": optax.adam(0.05)}[inner]
    optimizer = optax.lookahead(inner_optax, 5, 0.5, reset_state)
    params = optax.LookaheadParams.init_synced(jax.numpy.asarray(start().detach().numpy()))
    state = optimizer.init(params)
    for target in noise(23):
        gradient = CURVATURE.numpy() * (params.fast - target.numpy())
        updates, state = optimizer.update(gradient, state, params)
        params = optax.apply_updates(params, updates)
    expected = torch.tensor(params.fast.tolist(), dtype=torch.float64)
    ours = run(INNER[inner], k=5, alpha=0.5, inner_state="reset" if reset_state else "maintain")[-1]
    torch.testing.assert_close(
        ours, expected, rtol=1e-10, atol=1e-12
    )  # two libraries' order of operations


def test_exact_value_on_one_coordinate():
    """Without noise each loop multiplies the slow weight by 1 - alpha (1 - r^k), r = 1 - lr a."""
    x = torch.tensor([1.0], dtype=torch.float64, requires_grad=True)
    lookahead = Lookahead(torch.optim.SGD([x], lr=0.25), k=3, alpha=0.5)
    for step in range(1, 13):
        lookahead.zero_grad()
        (x**2 / 2).sum().backward()
        lookahead.step()
        loops, inner = divmod(step, 3)
        exact = (1 - 0.5 * (1 - 0.75**3)) ** loops * 0.75**inner
        assert x.item() == pytest.approx(exact, rel=1e-14)  # a few roundings in float64


@pytest.mark.parametrize("inner", INNER)
def test_alpha_one_is_the_inner_optimizer_bit_for_bit(inner):
    assert torch.equal(run(INNER[inner], k=3, alpha=1.0), run(INNER[inner]))


def test_alpha_one_survives_non_finite_weights():
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    lookahead = Lookahead(torch.optim.SGD([x], lr=1.0), k=1, alpha=1.0)
    x.grad = torch.tensor([-torch.inf, 1.0])
    lookahead.step()
    assert x.tolist() == [torch.inf, 1.0]


def test_k_one_is_sgd_at_alpha_times_the_learning_rate():
    ours = run(lambda p: torch.optim.SGD(p, lr=0.4), k=1, alpha=0.25)
    expected = run(lambda p: torch.optim.SGD(p, lr=0.1))
    torch.testing.assert_close(ours, expected, rtol=1e-12, atol=1e-14)  # float64 rounding


@pytest.mark.parametrize("shape", [(200_003,), (300, 700), (70, 40, 5, 6)])
def test_large_and_channels_last_tensors_synchronise_whole(shape):
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    if len(shape) == 4:
        x = x.to(memory_format=torch.channels_last)
    before = x.clone()
    small = torch.ones(3, requires_grad=True)
    lookahead = Lookahead(torch.optim.SGD([x.requires_grad_(), small], lr=1.0), k=1, alpha=0.25)
    x.grad, small.grad = torch.ones_like(x), torch.ones(3)
    lookahead.step()
    torch.testing.assert_close(x.detach(), before - 0.25)
    torch.testing.assert_close(small.detach(), torch.full((3,), 0.75))


# The function inside.


@pytest.mark.parametrize("alpha", [0.3, torch.tensor(0.3), torch.tensor([0.2, 0.5, 1.0, 0.8])])
@pytest.mark.parametrize("shapes", [[(4, 3)], [(4, 3), (4,), (4, 2, 5)], [(4, 50_000), (4, 1)]])
def test_pull_is_equations_3_and_1(shapes, alpha):
    source = torch.Generator().manual_seed(0)
    phi, theta = (
        [torch.randn(s, generator=source, dtype=torch.float64) for s in shapes] for _ in range(2)
    )
    each = torch.as_tensor(alpha, dtype=torch.float64).expand(4)
    expected = [
        torch.stack([p[m] + each[m] * (t[m] - p[m]) for m in range(4)])
        for p, t in zip(phi, theta, strict=True)
    ]
    slow, fast = [p.clone() for p in phi], [t.clone() for t in theta]
    lookahead_pull(slow, fast, alpha)
    for ours, weights, exact in zip(slow, fast, expected, strict=True):
        assert torch.equal(ours, weights)
        # a float32 alpha is rounded to 3e-8
        torch.testing.assert_close(ours, exact, rtol=1e-7, atol=1e-7)
    single = phi[0].clone()
    lookahead_pull(single, theta[0].clone(), alpha)  # a tensor instead of a list
    assert torch.equal(single, slow[0])


@pytest.mark.parametrize("alpha", [1.0, torch.ones(3), torch.tensor([1.0, 0.5, 1.0])])
def test_a_pull_by_one_copies_bit_for_bit(alpha):
    phi = torch.tensor([[1.0, 1e30], [1.0, 2.0], [3.0, 4.0]])
    theta = torch.tensor([[torch.inf, 0.1], [0.5, 0.5], [torch.nan, 0.7]])
    slow, fast = phi.clone(), theta.clone()
    lookahead_pull(slow, fast, alpha)
    whole = torch.as_tensor(alpha).expand(3) == 1
    for result in (slow, fast):
        torch.testing.assert_close(result[whole], theta[whole], rtol=0, atol=0, equal_nan=True)
    if not whole.all():
        assert fast[1].tolist() == [0.75, 1.25]


def test_lists_of_a_pull_must_match():
    with pytest.raises(ValueError):
        lookahead_pull([torch.ones(2)], [torch.ones(2), torch.ones(2)], 0.5)


# The moments.


@pytest.mark.parametrize(
    "inner, names",
    [
        ("momentum", {"momentum_buffer"}),
        ("adam", {"exp_avg", "exp_avg_sq"}),
        ("rmsprop", {"square_avg", "momentum_buffer"}),
        ("adagrad", {"sum"}),
    ],
)
def test_reset_and_pullback_act_on_every_moment_and_never_alias(inner, names):
    def make(inner_state):
        x = start()
        return x, Lookahead(INNER[inner]([x]), k=4, alpha=0.25, inner_state=inner_state)

    (plain, maintain), (x, reset), (y, pullback) = make("maintain"), make("reset"), make("pullback")
    for target in noise(4):
        for weights, lookahead in ((plain, maintain), (x, reset), (y, pullback)):
            advance(lookahead, weights, target)
    kept = {name: maintain.state[plain][name] for name in names}
    for name in names:
        assert kept[name].abs().min() > 0
        assert not reset.state[x][name].any()
        torch.testing.assert_close(
            pullback.state[y][name], 0.25 * kept[name]
        )  # from zero, by alpha
    cached = pullback.state_dict()["lookahead"]["slow_moments"][0]
    assert cached.keys() == names
    tensors = [y, *cached.values(), *(pullback.state[y][name] for name in names), pullback._slow[y]]
    assert len({t.data_ptr() for t in tensors}) == len(tensors)
    before = {name: value.clone() for name, value in cached.items()}
    advance(pullback, y, noise(5)[4])
    for name in names:
        assert torch.equal(cached[name], before[name])


def test_reset_makes_adam_start_afresh():
    """Moments and step count: its first step is lr again; moments alone would make it 3.2 lr."""
    x = torch.tensor([10.0], dtype=torch.float64, requires_grad=True)
    lookahead = Lookahead(torch.optim.Adam([x], lr=0.01), k=200, alpha=1.0, inner_state="reset")
    for _ in range(200):
        x.grad = torch.ones_like(x)
        lookahead.step()
    before = x.item()
    x.grad = torch.ones_like(x)
    lookahead.step()
    assert before - x.item() == pytest.approx(0.01, rel=1e-6)  # Adam's eps is 1e-8 of the gradient
    assert lookahead.state[x]["step"] == 1


def test_the_step_count_of_a_scalar_parameter_is_no_moment():
    x = torch.tensor(1.0, requires_grad=True)
    lookahead = Lookahead(torch.optim.Adam([x], lr=0.1), k=2, alpha=0.5, inner_state="pullback")
    for _ in range(2):
        x.grad = torch.tensor(1.0)
        lookahead.step()
    assert lookahead.state[x]["step"] == 2


def test_pullback_starts_from_the_moments_of_a_used_optimizer():
    x = start()
    inner = INNER["momentum"]([x])
    advance(inner, x, noise(1)[0])
    before = inner.state[x]["momentum_buffer"].clone()
    lookahead = Lookahead(inner, k=1, alpha=0.25, inner_state="pullback")
    theta, velocity = x.detach().clone(), before.clone()
    target = noise(2)[1]
    advance(lookahead, x, target)
    velocity = 0.9 * velocity + CURVATURE * (theta - target)
    torch.testing.assert_close(
        inner.state[x]["momentum_buffer"], before + 0.25 * (velocity - before)
    )


# Slow weights.


def test_slow_weights_are_swapped_in_and_the_run_goes_on_unchanged():
    undisturbed = run(INNER["momentum"], k=5, alpha=0.5)
    x = start()
    lookahead = Lookahead(INNER["momentum"]([x]), k=5, alpha=0.5)
    slow = x.detach().clone()
    for step, target in enumerate(noise(23), 1):
        advance(lookahead, x, target)
        assert torch.equal(x, undisturbed[step - 1])
        if step % 5 == 0:
            slow = x.detach().clone()
        with lookahead.slow_weights():
            assert torch.equal(x, slow)
            with lookahead.slow_weights():
                assert torch.equal(x, slow)
            assert torch.equal(x, slow)
            with pytest.raises(RuntimeError):  # still inside
                lookahead.step()
            with torch.no_grad():
                x.zero_()
        assert torch.equal(x, undisturbed[step - 1])


def test_slow_weights_survive_an_exception_and_a_pending_graph():
    x = start()
    lookahead = Lookahead(INNER["sgd"]([x]), k=5, alpha=0.5)
    advance(lookahead, x, noise(1)[0])
    fast = x.detach().clone()
    loss = (x**2).sum()
    with pytest.raises(ZeroDivisionError), lookahead.slow_weights():
        _ = 1 / 0
    assert torch.equal(x, fast)
    x.grad = None
    loss.backward()
    assert torch.equal(x.grad, 2 * fast)


@pytest.mark.parametrize(
    "call",
    [
        lambda o: o.step(),
        lambda o: o.load_state_dict(o.state_dict()),
        lambda o: o.add_param_group({"params": [start()]}),
        lambda o: copy.deepcopy(o),
    ],
)
def test_what_needs_the_fast_weights_is_refused_inside(call):
    x = start()
    lookahead = Lookahead(INNER["sgd"]([x]))
    with lookahead.slow_weights(), pytest.raises(RuntimeError, match="slow_weights"):
        call(lookahead)
    assert len(lookahead.param_groups) == 1


# Checkpoints.


def through_a_file(state):
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@pytest.mark.parametrize("inner", ["momentum", "adam"])
@pytest.mark.parametrize("inner_state", ["maintain", "reset", "pullback"])
@pytest.mark.parametrize("stop", range(12))
def test_resumes_bit_for_bit_at_every_step(inner, inner_state, stop):
    x = start()
    lookahead = Lookahead(INNER[inner]([x]), k=5, alpha=0.3, inner_state=inner_state)
    targets = noise(23)
    for target in targets[:stop]:
        advance(lookahead, x, target)
    saved = through_a_file({"x": x.detach(), "optimizer": lookahead.state_dict()})
    y = saved["x"].requires_grad_()
    resumed = Lookahead(INNER[inner]([y]))  # with other settings: the checkpoint's count
    resumed.load_state_dict(saved["optimizer"])
    assert (resumed.k, resumed.alpha, resumed.inner_state) == (5, 0.3, inner_state)
    for target in targets[stop:]:
        advance(lookahead, x, target)
        advance(resumed, y, target)
        assert torch.equal(x, y)


def test_a_loaded_state_shares_nothing():
    x, y = start(), start()
    first = Lookahead(INNER["adam"]([x]), k=2, inner_state="pullback")
    second = Lookahead(INNER["adam"]([y]), k=2, inner_state="pullback")
    for target in noise(3):
        advance(first, x, target)
    second.load_state_dict(first.state_dict())
    y.data.copy_(x)
    expected = copy.deepcopy(second.state_dict())
    for target in noise(3):
        advance(first, x, target)
    for a, b in zip(tensors_in(second.state_dict()), tensors_in(expected), strict=True):
        assert torch.equal(a, b)


def tensors_in(tree):
    if isinstance(tree, Tensor):
        return [tree]
    children = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else []
    return [tensor for child in children for tensor in tensors_in(child)]


def other_models():
    one = torch.zeros(2, requires_grad=True)
    yield "another shape", Lookahead(torch.optim.SGD([one], lr=9.0), k=2, alpha=0.1).state_dict()
    two = [start(), start()]
    yield "another count", Lookahead(torch.optim.SGD(two, lr=9.0), k=2, alpha=0.1).state_dict()
    groups = [{"params": [start()]}, {"params": [start()]}]
    yield "other groups", Lookahead(torch.optim.SGD(groups, lr=9.0), k=2, alpha=0.1).state_dict()
    yield "no Lookahead", torch.optim.SGD([start()], lr=9.0).state_dict()
    broken = Lookahead(torch.optim.SGD([start()], lr=9.0)).state_dict()
    broken["lookahead"]["k"] = 0
    yield "bad setting", broken
    yield "another inner optimizer", Lookahead(torch.optim.Adam([start()])).state_dict()
    for name in ("steps", "slow_moments"):
        lacking = Lookahead(INNER["momentum"]([start()])).state_dict()
        del lacking["lookahead"][name]
        yield f"no {name}", lacking
    short = Lookahead(INNER["momentum"]([start()])).state_dict()
    short["lookahead"]["slow_moments"] = []
    yield "moments of no parameter", short
    single = start().detach().float().requires_grad_()
    other = Lookahead(INNER["momentum"]([single]), inner_state="pullback")
    single.grad = torch.ones_like(single)
    for _ in range(5):
        other.step()
    yield "moments of another dtype", other.state_dict()


@pytest.mark.parametrize("state", [pytest.param(s, id=name) for name, s in other_models()])
def test_the_state_of_another_model_is_refused_and_changes_nothing(state):
    x = start()
    lookahead = Lookahead(INNER["momentum"]([x]), k=5, alpha=0.5)
    for target in noise(7):
        advance(lookahead, x, target)
    before = copy.deepcopy(lookahead.state_dict())
    with pytest.raises(ValueError):
        lookahead.load_state_dict(state)
    after = lookahead.state_dict()
    assert after["lookahead"]["steps"] == 7
    assert after["param_groups"] == before["param_groups"]
    assert (lookahead.k, lookahead.alpha) == (5, 0.5)
    for a, b in zip(tensors_in(after), tensors_in(before), strict=True):
        assert torch.equal(a, b)


def test_a_lookahead_inside_a_lookahead_resumes():
    def nest(x):
        return Lookahead(Lookahead(INNER["momentum"]([x]), k=2, alpha=0.5), k=3, alpha=0.5)

    x = start()
    nested = nest(x)
    for target in noise(7):
        advance(nested, x, target)
    saved = through_a_file({"x": x.detach(), "optimizer": nested.state_dict()})
    y = saved["x"].requires_grad_()
    resumed = nest(y)
    resumed.load_state_dict(saved["optimizer"])
    for target in noise(9):
        advance(nested, x, target)
        advance(resumed, y, target)
        assert torch.equal(x, y)


# Bad input.


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"k": 0}, r"k must be an integer >= 1"),
        ({"k": 2.0}, r"k must be an integer >= 1"),
        ({"k": True}, r"k must be an integer >= 1"),
        ({"alpha": 0.0}, r"alpha must be in \(0, 1\]"),
        ({"alpha": 1.5}, r"alpha must be in \(0, 1\]"),
        ({"alpha": float("nan")}, r"alpha must be in \(0, 1\]"),
        ({"alpha": "half"}, r"alpha must be in \(0, 1\]"),
        ({"inner_state": "none"}, r"inner_state must be one of .*maintain.*reset.*pullback"),
    ],
)
@pytest.mark.usefixtures("unchecked")  # some are of a wrong type
def test_bad_settings_are_named_with_their_range(settings, message):
    x = start()
    inner = INNER["sgd"]([x])
    before = (dict(inner.defaults), copy.deepcopy(inner.state_dict()), set(vars(inner)))
    with pytest.raises(ValueError, match=message):
        Lookahead(inner, **settings)
    assert (dict(inner.defaults), inner.state_dict(), set(vars(inner))) == before


@pytest.mark.usefixtures("unchecked")  # one is of a wrong type
def test_the_inner_optimizer_must_be_one_with_parameters():
    with pytest.raises(TypeError, match=r"optimizer must be a torch.optim.Optimizer, got list"):
        Lookahead([start()])
    with pytest.raises(ValueError, match="optimizer must hold at least one parameter"):
        Lookahead(torch.optim.SGD([{"params": []}], lr=0.1))


# Everything else that a torch optimizer does.


@pytest.mark.parametrize("wrap_first", [True, False])
@pytest.mark.parametrize(
    "scheduler",
    [
        lambda o: torch.optim.lr_scheduler.StepLR(o, 4, 0.5),
        lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 23),
        lambda o: torch.optim.lr_scheduler.OneCycleLR(o, max_lr=0.2, total_steps=23),
        lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda t: 1 / (1 + t)),
    ],
)
def test_schedulers_act_on_wrapper_and_inner_alike(scheduler, wrap_first):
    x = start()
    inner = INNER["momentum"]([x])
    lookahead = Lookahead(inner, k=5, alpha=0.5)
    schedule = scheduler(lookahead if wrap_first else inner)
    y = start()
    reference = INNER["momentum"]([y])
    reference_schedule = scheduler(reference)
    slow = y.detach().clone()
    for step, target in enumerate(noise(22), 1):
        advance(lookahead, x, target)
        schedule.step()
        advance(reference, y, target)
        reference_schedule.step()
        if step % 5 == 0:
            slow.lerp_(y.detach(), 0.5)
            y.data.copy_(slow)
        assert lookahead.param_groups[0]["lr"] == reference.param_groups[0]["lr"]
        assert torch.equal(x, y)


def test_groups_and_state_are_shared_even_after_loading():
    x = start()
    inner = INNER["adam"]([x])
    lookahead = Lookahead(inner)
    advance(lookahead, x, noise(1)[0])
    inner.load_state_dict(inner.state_dict())
    lookahead.load_state_dict(lookahead.state_dict())
    assert lookahead.param_groups is inner.param_groups
    assert lookahead.state is inner.state
    lookahead.param_groups[0]["lr"] = 0.0
    before = x.detach().clone()
    advance(lookahead, x, noise(1)[0])
    assert torch.equal(x, before)


@pytest.mark.parametrize("through_wrapper", [True, False])
def test_a_group_added_later_starts_from_its_own_weights(through_wrapper):
    x, y = start(), torch.tensor([1.0], requires_grad=True)
    inner = torch.optim.SGD([x], lr=0.1)
    lookahead = Lookahead(inner, k=2, alpha=0.5)
    advance(lookahead, x, noise(1)[0])
    (lookahead if through_wrapper else inner).add_param_group({"params": [y], "lr": 0.2})
    x.grad, y.grad = torch.zeros_like(x), torch.ones(1)
    lookahead.step()  # the second step of the loop: 1 -> 0.8, then half way back
    assert y.item() == pytest.approx(0.9)
    assert lookahead.param_groups[1]["lr"] == 0.2


def test_hooks_run_with_the_wrapper():
    x = start()
    lookahead = Lookahead(INNER["momentum"]([x]), k=1)
    seen = []
    lookahead.register_step_pre_hook(lambda o, args, kwargs: seen.append(("pre", o)))
    lookahead.register_step_post_hook(lambda o, args, kwargs: seen.append(("post", o)))
    lookahead.register_state_dict_pre_hook(lambda o: seen.append(("saving", o)))
    lookahead.register_state_dict_post_hook(lambda o, state: {**state, "note": 1})
    lookahead.register_load_state_dict_pre_hook(lambda o, state: seen.append((state["note"], o)))
    lookahead.register_load_state_dict_post_hook(lambda o: seen.append(("loaded", o)))
    lookahead.optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append(("inner", o)))
    advance(lookahead, x, noise(1)[0])
    lookahead.load_state_dict(lookahead.state_dict())
    assert [what for what, _ in seen] == ["pre", "inner", "post", "saving", 1, "loaded"]
    assert all(o is (lookahead.optimizer if what == "inner" else lookahead) for what, o in seen)


def test_a_closure_goes_to_the_inner_optimizer_only():
    x = start()
    calls = []

    def closure():
        calls.append(1)
        lookahead.zero_grad()
        loss = (CURVATURE * x**2).sum() / 2
        loss.backward()
        return loss

    lookahead = Lookahead(torch.optim.LBFGS([x], max_iter=4), k=2, alpha=0.5)
    first, second = lookahead.step(closure), lookahead.step(closure)
    assert first.item() == pytest.approx((CURVATURE * start().detach() ** 2).sum().item() / 2)
    assert second.item() < first.item()
    assert lookahead.steps == 2
    assert len(calls) > 2


def test_a_closure_is_evaluated_once_by_sgd():
    calls = []
    lookahead = Lookahead(INNER["sgd"]([start()]), k=1)
    assert lookahead.step(lambda: calls.append(1) or 7.0) == 7.0
    assert calls == [1]


def test_a_closure_that_fails_is_no_step():
    x = start()
    lookahead = Lookahead(INNER["sgd"]([x]), k=2)
    with pytest.raises(ZeroDivisionError):
        lookahead.step(lambda: 1 / 0)
    assert lookahead.steps == 0


def test_a_step_skipped_by_the_gradient_scaler_does_not_count():
    x = torch.tensor([1.0], requires_grad=True)
    lookahead = Lookahead(torch.optim.SGD([x], lr=0.1), k=2, alpha=0.5)
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    for factor in (1.0, torch.inf, 1.0):
        lookahead.zero_grad()
        scaler.scale((x * factor).sum()).backward()
        scaler.step(lookahead)
        scaler.update()
    assert lookahead.steps == 2
    assert x.item() == pytest.approx(0.9)  # two steps of 0.1, half way back


@pytest.mark.parametrize("inner_state", ["maintain", "pullback"])
def test_a_deep_copy_goes_its_own_way(inner_state):
    model = nn.Linear(3, 1, dtype=torch.float64)
    lookahead = Lookahead(INNER["adam"](model.parameters()), k=3, inner_state=inner_state)

    def go(model, lookahead):
        lookahead.zero_grad()
        model(noise(4)).square().sum().backward()
        lookahead.step()

    for _ in range(4):
        go(model, lookahead)
    twin, twin_lookahead = copy.deepcopy((model, lookahead))
    weight = model.weight.detach().clone()
    for _ in range(3):
        go(twin, twin_lookahead)
    assert torch.equal(model.weight, weight)
    for _ in range(3):
        go(model, lookahead)
    assert torch.equal(model.weight, twin.weight)
    assert twin_lookahead.optimizer is not lookahead.optimizer
    assert twin_lookahead.param_groups is twin_lookahead.optimizer.param_groups


def test_its_text_names_settings_and_inner_optimizer():
    text = repr(Lookahead(INNER["sgd"]([start()]), k=3, alpha=0.25))
    assert text.startswith("Lookahead(k=3, alpha=0.25, inner_state='maintain', optimizer=SGD (")
    assert "lr: 0.3" in text


def test_parameters_without_gradients_stay():
    x, frozen = start(), start()
    lookahead = Lookahead(INNER["momentum"]([x, frozen]), k=2, alpha=0.5, inner_state="reset")
    for target in noise(5):
        advance(lookahead, x, target)
    assert torch.equal(frozen, start())


def test_sparse_gradients_pull_back_the_whole_table():
    table = nn.Embedding(4, 2, sparse=True)
    before = table.weight.detach().clone()
    lookahead = Lookahead(torch.optim.SGD(table.parameters(), lr=1.0), k=2, alpha=0.5)
    for row in (0, 3):
        lookahead.zero_grad()
        table(torch.tensor([row])).sum().backward()
        lookahead.step()
    expected = before.clone()
    expected[[0, 3]] -= 0.5
    torch.testing.assert_close(table.weight.detach(), expected)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.complex64])
def test_other_number_formats(dtype):
    x = torch.ones(3, dtype=dtype, requires_grad=True)
    lookahead = Lookahead(
        torch.optim.SGD([x], lr=0.5, momentum=0.5), k=2, alpha=0.5, inner_state="pullback"
    )
    for _ in range(2):
        x.grad = torch.ones_like(x)
        lookahead.step()
    torch.testing.assert_close(x.detach(), torch.full((3,), 1 - 0.5 * 1.25, dtype=dtype))


def test_nothing_warns_and_zero_grad_forgets():
    x = start()
    lookahead = Lookahead(INNER["momentum"]([x]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        schedule = torch.optim.lr_scheduler.ExponentialLR(lookahead, 0.9)
        for target in itertools.islice(noise(3), 3):
            advance(lookahead, x, target)
            schedule.step()
    lookahead.zero_grad(set_to_none=True)
    assert x.grad is None
    assert isinstance(lookahead, torch.optim.Optimizer)
