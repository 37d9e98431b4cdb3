"""The ES family against a transcription of the algorithms, evosax, and exact means."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from replications.methods.backprop import BPTT, TruncatedBPTT
from replications.methods.evolution import NRES, PES, EvolutionStrategy, FullES, TruncatedES
from replications.methods.rtrl import RTRL
from replications.methods.trees import leaves
from replications.methods.uoro import UORO, _balance
from tests.methods.unrolls import Fragile, Nested, system

KINDS = {"PES": PES, "NRES": NRES, "truncated ES": TruncatedES}


def recorded_noise(estimator: EvolutionStrategy, problem, theta, seed, calls) -> list[np.ndarray]:
    """The perturbations that the estimator draws, read off its states before they are reset."""
    drawn = []
    original = type(estimator)._draw

    def spy(self, rng, like):
        noise, rng = original(self, rng, like)
        drawn.append(noise[0].numpy().copy())
        return noise, rng

    patch = pytest.MonkeyPatch()
    patch.setattr(type(estimator), "_draw", spy)
    state = estimator.init(problem, theta, seed)
    for _ in range(calls):
        _, state, _ = estimator.step(state, theta)
    patch.undo()
    return drawn


def naive(kind, problem, theta, window, sigma, noises):
    """Truncated ES and PES as ES-Single's paper prints them, particle by particle, two episodes."""
    a, b, start = (x.numpy() for x in (problem.matrix, problem.push, problem.start))
    mean = theta.numpy()
    noises = iter(noises)
    gradients = []
    for _ in range(2):
        t, eps = 0, None
        states = xi = None
        centre_state = start.copy()
        while t < problem.horizon:
            steps = min(window, problem.horizon - t)
            if kind != "NRES" or eps is None:
                eps = next(noises)
            everyone = np.concatenate([eps, -eps])
            n = len(everyone)
            if states is None:
                states, xi = np.tile(start, (n, 1)), np.zeros_like(everyone)
            xi = xi + everyone
            losses = np.zeros(n)
            after = np.zeros_like(states)
            for i in range(n):
                s = (centre_state if kind == "truncated ES" else states[i]).copy()
                for _ in range(steps):
                    s = a @ s + b @ (mean + everyone[i])
                    losses[i] += 0.5 * s @ s
                after[i] = s
            states = after
            for _ in range(steps):
                centre_state = a @ centre_state + b @ mean
            weights = xi if kind == "PES" else everyone
            gradients.append(
                sum(w * loss for w, loss in zip(weights, losses, strict=True)) / (n * sigma**2)
            )
            t += steps
    return np.array(gradients)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("window", [1, 3, 7, 10])  # 3 does not divide the horizon of 7
def test_equals_the_printed_algorithm(kind, window) -> None:
    problem, theta = system()
    estimator = KINDS[kind](window, 0.3, 4)
    calls = 2 * math.ceil(7 / window)
    noises = recorded_noise(estimator, problem, theta, 5, calls)
    state, ours = estimator.init(problem, theta, 5), []
    for i in range(calls):
        gradient, state, info = estimator.step(state, theta)
        ours.append(gradient.numpy())
        assert info.done == ((i + 1) % (calls // 2) == 0)
        assert info.steps == (7 - (calls // 2 - 1) * window if info.done else window)
    theirs = naive(kind, problem, theta, window, 0.3, noises)
    np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name, kind", [("PersistentES", PES), ("NoiseReuseES", NRES)])
def test_equals_evosax_at_constant_sigma(name, kind, monkeypatch) -> None:
    """Its ask gives the population; its tell moves the mean by one SGD step, which we read off."""
    algorithms = pytest.importorskip("evosax.algorithms")
    import jax
    import jax.numpy as jnp
    import optax

    problem, theta = system(horizon=6)
    theta = theta.float()
    pairs, sigma, window = 8, 0.25, 2
    peer = getattr(algorithms, name)(
        population_size=2 * pairs,
        solution=jnp.zeros(3),
        optimizer=optax.sgd(1.0),
        std_schedule=optax.constant_schedule(sigma),
    )
    params = peer.default_params.replace(T=6, K=window)
    key = jax.random.key(0)
    peer_state = peer.init(key, jnp.asarray(theta.numpy()), params)
    estimator = kind(window, sigma, pairs)
    current: dict[str, torch.Tensor] = {}
    monkeypatch.setattr(kind, "_draw", lambda self, rng, like: (current["noise"], rng))
    state = estimator.init(problem, theta.double(), 0)
    inner = problem.init(2 * pairs)
    for i in range(3):  # one episode: resetting the inner state is left to evosax's user
        key, sub = jax.random.split(key)
        population, peer_state = peer.ask(sub, peer_state, params)
        members = torch.tensor(np.asarray(population), dtype=torch.float64)
        centre = torch.tensor(np.asarray(peer_state.mean), dtype=torch.float64)
        current["noise"] = (members[:pairs] - centre)[None]
        losses = torch.zeros(2 * pairs, dtype=torch.float64)
        for t in range(window):
            inner, loss = problem.step(inner, members, i * window + t)
            losses += loss
        before = np.asarray(peer_state.mean)
        peer_state, _ = peer.tell(sub, population, jnp.asarray(losses.numpy()), peer_state, params)
        theirs = before - np.asarray(peer_state.mean)
        gradient, state, _ = estimator.step(state, centre)
        np.testing.assert_allclose(gradient.numpy(), theirs, rtol=2e-3, atol=2e-3)  # float32 there


def episode(estimator, problem, theta, seed) -> torch.Tensor:
    """Per-pair estimates of the whole episode's gradient."""
    state, total = estimator.init(problem, theta, seed), 0
    while True:
        _, state, info = estimator.step(state, theta)
        total = total + info.per_pair
        if info.done:
            return total


def z_scores(samples: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    return (samples.mean(0) - target) / (samples.std(0) / len(samples) ** 0.5)


@pytest.mark.parametrize("loss", ["linear", "quadratic", "cubic"])
@pytest.mark.parametrize("window", [1, 3])
@pytest.mark.parametrize(
    "kind, noise", [("PES", "per window"), ("NRES", "per episode"), ("truncated ES", "truncated")]
)
def test_mean_is_the_smoothed_losses_gradient(kind, noise, loss, window) -> None:
    problem, theta = system(loss)
    samples = episode(KINDS[kind](window, 0.4, 40_000), problem, theta, seed=1)
    target = problem.expected_gradient(theta, window, 0.4, noise)
    z = z_scores(samples, target)
    assert z.abs().max() < 4  # 54 coordinates in all: a false alarm at 4 has a chance of 0.3 %
    if kind == "truncated ES" and loss == "quadratic":
        assert torch.allclose(target, problem.truncated_gradient(theta, window))
        assert z_scores(samples, problem.expected_gradient(theta, window)).abs().max() > 20


def test_whole_window_makes_pes_nres_and_full_es_the_same_bit_for_bit() -> None:
    problem, theta = system()
    all_kinds = [PES(7, 0.2, 5), NRES(7, 0.2, 5), FullES(0.2, 5), PES(50, 0.2, 5)]
    runs = []
    for estimator in all_kinds:
        state = estimator.init(problem, theta, 9)
        gradients = []
        for _ in range(3):
            gradient, state, info = estimator.step(state, theta)
            gradients.append(gradient)
            assert info.steps == 7 and info.done
        runs.append(torch.stack(gradients))
    assert all(torch.equal(runs[0], run) for run in runs)
    assert not torch.equal(runs[0][0], runs[0][1])  # each episode has its own noise


@pytest.mark.parametrize("kind", KINDS)
def test_reset_stands_exactly_at_the_boundary(kind) -> None:
    """After an episode, also one that ended inside a window, nothing of it is left."""
    problem, theta = system(horizon=7)
    state = KINDS[kind](3, 0.3, 2).init(problem, theta, 0)
    for _ in range(3):
        _, state, info = KINDS[kind](3, 0.3, 2).step(state, theta)
    assert info.done and info.steps == 1 and state.t == 0 and state.noise is None
    assert not state.accumulated.any()
    assert torch.equal(state.particles, problem.init(len(state.particles)))


def test_states_are_values() -> None:
    """Stepping twice from one state gives the same numbers; the state is not changed."""
    theta = torch.tensor([0.1, -0.2, 0.3], dtype=torch.float64)
    for kind in KINDS.values():
        estimator = kind(2, 0.1, 3)
        first = estimator.init(Nested(), theta, 4)
        _, middle, _ = estimator.step(first, theta)
        kept = [x.clone() for x in leaves(middle.particles)]
        a, _, _ = estimator.step(middle, theta)
        b, _, _ = estimator.step(middle, theta)
        assert torch.equal(a, b)
        assert all(torch.equal(x, y) for x, y in zip(kept, leaves(middle.particles), strict=True))


@pytest.mark.parametrize("kind", KINDS)
def test_replicates_are_the_single_runs(kind) -> None:
    theta = torch.tensor([0.1, -0.2, 0.3], dtype=torch.float64)
    estimator = KINDS[kind](4, 0.1, 3)
    batch = estimator.init(Nested(), theta, [4, 5])
    single = [estimator.init(Nested(), theta, seed) for seed in (4, 5)]
    for _ in range(3):
        gradient, batch, info = estimator.step(batch, theta.expand(2, -1))
        assert gradient.shape == (2, 3) and info.per_pair.shape == (2, 3, 3)
        for i in range(2):
            alone, single[i], about = estimator.step(single[i], theta)
            assert torch.allclose(gradient[i], alone, rtol=1e-12, atol=1e-14)
            assert torch.allclose(info.loss[i], about.loss)


def test_gradient_is_the_mean_over_pairs_and_halves_with_doubled_sigma_squared() -> None:
    problem, theta = system("linear")
    gradient, _, info = PES(7, 0.1, 6).step(PES(7, 0.1, 6).init(problem, theta, 2), theta)
    assert info.per_pair.shape == (6, 3)
    assert torch.allclose(info.per_pair.mean(0), gradient)
    # a linear loss: the noise is scaled by sigma, the estimate must not be
    other, _, _ = PES(7, 0.2, 6).step(PES(7, 0.2, 6).init(problem, theta, 2), theta)
    assert torch.allclose(gradient, other, rtol=1e-9)


def test_memory_does_not_grow_with_the_horizon() -> None:
    def size(horizon: int, windows: int) -> int:
        problem, theta = system(horizon=horizon)
        estimator = PES(2, 0.1, 10)
        state = estimator.init(problem, theta, 0)
        for _ in range(windows):
            _, state, _ = estimator.step(state, theta)
        tensors = [state.accumulated, *leaves(state.particles)]
        return sum(x.numel() for x in tensors)

    assert size(10, 2) == size(1000, 400) == 10 * 3 + 20 * 4  # N/2 P + N S


@pytest.mark.parametrize("kind", [PES, NRES, TruncatedES, TruncatedBPTT])
def test_explosions_are_reported_not_hidden(kind) -> None:
    theta = torch.tensor([[0.0], [30.0]])
    arguments = (5,) if kind is TruncatedBPTT else (5, 0.1, 4)
    estimator = kind(*arguments)
    with pytest.raises(
        FloatingPointError, match=r"not finite in steps 0 to 4 \(replicates \[1\]\)"
    ):
        estimator.step(estimator.init(Fragile(), theta, [0, 1]), theta)
    estimator = kind(*arguments, on_explosion="report")
    gradient, _, info = estimator.step(estimator.init(Fragile(), theta, [0, 1]), theta)
    assert info.exploded > 0
    assert gradient[0].isfinite().all() and not gradient[1].isfinite().any()


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: PES(0, 0.1, 5), "window must be an integer of at least 1"),
        (lambda: PES(None, 0.1, 5), "window must be an integer"),  # type: ignore[arg-type]
        (lambda: NRES(2, 0.0, 5), "sigma must be a positive finite number"),
        (lambda: TruncatedES(2, math.nan, 5), "sigma must be"),
        (lambda: FullES(0.1, 0), "pairs must be an integer of at least 1"),
        (lambda: FullES(0.1, True), "pairs must be an integer"),
        (lambda: PES(1, 0.1, 1, on_explosion="clip"), "on_explosion must be"),  # type: ignore[arg-type]
        (lambda: FullES(0.1, 1, on_explosion="oops"), "on_explosion must be"),  # type: ignore[arg-type]
        (lambda: TruncatedBPTT(1, on_explosion="oops"), "on_explosion must be"),  # type: ignore[arg-type]
        (lambda: BPTT(on_explosion="oops"), "on_explosion must be"),  # type: ignore[arg-type]
        (lambda: RTRL(1, on_explosion="oops"), "on_explosion must be"),  # type: ignore[arg-type]
        (lambda: UORO(1, on_explosion="oops"), "on_explosion must be"),  # type: ignore[arg-type]
        (lambda: FullES(0.1, 5).init(Fragile(), torch.zeros(1), 0), "horizon is None"),
        (lambda: BPTT().init(Fragile(), torch.zeros(1), 0), "horizon is None"),
        (lambda: PES(1, 0.1, 5).init(Fragile(), torch.zeros(1, 1, 1), 0), "theta must be a float"),
        (lambda: PES(1, 0.1, 5).init(Fragile(), torch.zeros(3, 1), [0, 1]), "one seed a replicate"),
        (lambda: PES(1, 0.1, 5).init(Fragile(), torch.zeros(1)), "PES draws random numbers"),
    ],
)
@pytest.mark.usefixtures("unchecked")
def test_bad_arguments(make, message) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.usefixtures("unchecked")
def test_loss_of_the_wrong_shape_is_an_error() -> None:
    class Wrong(Fragile):
        def step(self, state, theta, t):
            return state, state.mean()

    with pytest.raises(ValueError, match="one loss a particle"):
        PES(1, 0.1, 2).step(PES(1, 0.1, 2).init(Wrong(), torch.zeros(1), 0), torch.zeros(1))


def test_an_estimator_shows_its_settings() -> None:
    assert repr(PES(5, 0.1, 8)) == "PES(window=5, sigma=0.1, pairs=8)"
    assert repr(FullES(0.1, 8)) == "FullES(sigma=0.1, pairs=8)"


def test_uoros_balance_is_one_where_a_quotient_would_be_none() -> None:
    above, below = torch.tensor([4.0, 4.0, 0.0]), torch.tensor([1.0, 0.0, 3.0])
    assert _balance(above, below).tolist() == [2.0, 1.0, 1.0]
