"""RAdam against a transcription of Algorithm 2, against torch and other packages, and exactly."""

from __future__ import annotations

import io
import math
from collections.abc import Callable

import pytest
import torch

from replications.methods.adam_variants import AdamVariant
from replications.methods.radam import RAdam, radam_coefficients

F64 = torch.float64


def algorithm_2(theta, gradients, lr, beta1, beta2, eps, decay, threshold):  # type: ignore[no-untyped-def]
    """The paper's Algorithm 2 in plain Python, one weight at a time."""
    m = v = 0.0
    limit = 2 / (1 - beta2) - 1
    for t, gradient in enumerate(gradients, start=1):
        theta -= lr * decay * theta
        v = beta2 * v + (1 - beta2) * gradient**2
        m = beta1 * m + (1 - beta1) * gradient
        mean = m / (1 - beta1**t)
        rho = limit - 2 * t * beta2**t / (1 - beta2**t)
        if rho > threshold:
            psi = math.sqrt(1 - beta2**t) / (math.sqrt(v) + eps)
            r = math.sqrt((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho))
            theta -= lr * r * mean * psi
        else:
            theta -= lr * mean
    return theta


@pytest.mark.parametrize("kind", [RAdam, AdamVariant])
def test_defaults_are_torchs(kind: type[torch.optim.Optimizer]) -> None:
    ours, theirs = (
        cls([torch.zeros(1)]).defaults  # type: ignore[call-arg]
        for cls in (kind, torch.optim.RAdam)
    )
    assert all(ours[name] == theirs[name] for name in ("lr", "betas", "eps", "weight_decay"))


def trajectory(optimizer_of: Callable, steps: int = 200, dtype=F64, schedule=None):  # type: ignore[no-untyped-def,type-arg]
    """Final weights of an optimizer on fixed gradients, two tensors of odd shapes."""
    generator = torch.Generator().manual_seed(7)
    params = [
        torch.randn(shape, generator=generator, dtype=dtype).requires_grad_()
        for shape in ((7, 5), (3,))
    ]
    optimizer = optimizer_of(params)
    for t in range(steps):
        if schedule:
            optimizer.param_groups[0]["lr"] = schedule(t)
        for p in params:
            p.grad = 0.1 * torch.randn(p.shape, generator=generator, dtype=dtype)
        optimizer.step()
    return torch.cat([p.detach().flatten() for p in params])


@pytest.mark.parametrize("threshold", [4.0, 5.0])
@pytest.mark.parametrize("beta2", [0.999, 0.9, 0.5])
def test_equals_algorithm_2(beta2: float, threshold: float) -> None:
    generator = torch.Generator().manual_seed(1)
    gradients = torch.randn(50, 4, generator=generator, dtype=F64)
    start = torch.randn(4, generator=generator, dtype=F64)
    p = start.clone().requires_grad_()
    optimizer = RAdam(
        [p], lr=0.02, betas=(0.8, beta2), eps=1e-3, weight_decay=0.1, threshold=threshold
    )
    for gradient in gradients:
        p.grad = gradient.clone()
        optimizer.step()
    naive = [
        algorithm_2(
            start[i].item(), gradients[:, i].tolist(), 0.02, 0.8, beta2, 1e-3, 0.1, threshold
        )
        for i in range(4)
    ]
    assert torch.allclose(p.detach(), torch.tensor(naive, dtype=F64), rtol=0, atol=1e-12)


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
@pytest.mark.parametrize("beta2", [0.999, 0.99, 0.9, 0.6, 0.5])
def test_equals_torch(beta2: float, weight_decay: float) -> None:
    settings = {"lr": 0.01, "betas": (0.9, beta2), "eps": 1e-8, "weight_decay": weight_decay}
    ours = trajectory(lambda p: RAdam(p, **settings, threshold=5.0))
    torchs = trajectory(lambda p: torch.optim.RAdam(p, **settings, decoupled_weight_decay=True))
    assert (ours - torchs).abs().max() < 1e-12  # a few hundred roundings of numbers near 1


def test_equals_torch_under_a_schedule_that_reaches_zero() -> None:
    def schedule(t: int) -> float:
        return max(0.0, 0.01 * (1 - t / 100))

    ours = trajectory(lambda p: RAdam(p, weight_decay=0.1, threshold=5.0), schedule=schedule)
    torchs = trajectory(
        lambda p: torch.optim.RAdam(p, weight_decay=0.1, decoupled_weight_decay=True),
        schedule=schedule,
    )
    assert (ours - torchs).abs().max() < 1e-12


def test_float32_stays_close_to_torch() -> None:
    ours = trajectory(lambda p: RAdam(p, lr=0.01, threshold=5.0), dtype=torch.float32)
    torchs = trajectory(lambda p: torch.optim.RAdam(p, lr=0.01), dtype=torch.float32)
    assert (ours - torchs).abs().max() < 2e-6  # 200 float32 roundings of numbers near 1


@pytest.mark.parametrize(("below", "flag"), [("momentum", True), ("skip", False)])
def test_equals_pytorch_optimizer(below: str, flag: bool) -> None:
    theirs = pytest.importorskip("pytorch_optimizer").RAdam
    settings = {"lr": 0.01, "betas": (0.9, 0.99), "eps": 1e-8, "weight_decay": 0.1}
    ours = trajectory(lambda p: RAdam(p, **settings, threshold=5.0, below=below))
    peer = trajectory(lambda p: theirs(p, **settings, degenerated_to_sgd=flag))
    assert (ours - peer).abs().max() < 1e-12


def test_equals_optax_up_to_the_place_of_eps() -> None:
    optax = pytest.importorskip("optax")
    jax = pytest.importorskip("jax")
    ours = trajectory(lambda p: RAdam(p, lr=0.01, eps=0.0, threshold=5.0), 50, torch.float32)

    class Peer:
        def __init__(self, params):  # type: ignore[no-untyped-def]
            self.params, self.rule = params, optax.radam(0.01, eps=0.0)
            self.state = self.rule.init([jax.numpy.asarray(p.detach().numpy()) for p in params])

        def step(self):  # type: ignore[no-untyped-def]
            grads = [jax.numpy.asarray(p.grad.numpy()) for p in self.params]
            moves, self.state = self.rule.update(grads, self.state)
            for p, move in zip(self.params, moves, strict=True):
                p.data += torch.tensor(move.tolist())

    peer = trajectory(Peer, 50, torch.float32)
    assert (ours - peer).abs().max() < 1e-5  # optax computes rho_t in float32


def test_first_rectified_step_is_5_by_the_paper_and_6_in_public_code() -> None:
    """With constant gradient 1, a momentum step moves by lr, a rectified one by lr r_t."""
    for threshold, first, r in ((4.0, 5, 0.0173115), (5.0, 6, 0.0258211)):
        p = torch.zeros(1, dtype=F64, requires_grad=True)
        optimizer = RAdam([p], lr=1.0, eps=0.0, threshold=threshold)
        moves = []
        for _ in range(6):
            before = p.item()
            p.grad = torch.ones_like(p)
            optimizer.step()
            moves.append(before - p.item())
        assert moves[: first - 1] == pytest.approx([1.0] * (first - 1), abs=1e-12)
        assert moves[first - 1] == pytest.approx(r, abs=1e-7)


def test_small_beta2_is_momentum_for_ever_or_never_moves() -> None:
    momentum = trajectory(lambda p: RAdam(p, lr=0.01, betas=(0.9, 0.5)))
    huge_eps = trajectory(lambda p: RAdam(p, lr=0.01, betas=(0.9, 0.5), eps=1e9))
    assert torch.equal(momentum, huge_eps) and bool(momentum.isfinite().all())
    start = trajectory(lambda p: RAdam(p, lr=0.0), steps=1)
    assert torch.equal(trajectory(lambda p: RAdam(p, betas=(0.9, 0.5), below="skip")), start)
    # and nothing is divided by a second moment, which may be 1
    assert radam_coefficients(1, 0.1, (0.9, 0.5), 0.0, 0.1, below="skip") == (0.0, 0.0, 1.0, 0.0)


def test_layouts_that_the_fused_kernel_cannot_walk() -> None:
    generator = torch.Generator().manual_seed(3)
    start = torch.randn(5, 4, generator=generator, dtype=F64)
    straight, turned = start.clone().requires_grad_(), start.t().contiguous().t().requires_grad_()
    ours = [RAdam([p], lr=0.01, weight_decay=0.1) for p in (straight, turned)]
    for _ in range(20):
        gradient = torch.randn(5, 4, generator=generator, dtype=F64)
        for p, optimizer in zip((straight, turned), ours, strict=True):
            p.grad = gradient.clone()
            optimizer.step()
    assert (straight - turned).abs().max() < 1e-14  # two orders of the same operations


def test_resumes_bit_for_bit() -> None:
    generator = torch.Generator().manual_seed(5)
    gradients = torch.randn(40, 6, generator=generator)
    p = torch.randn(6, generator=generator).requires_grad_()
    optimizer = RAdam([p], lr=0.01, weight_decay=0.1)
    for t, gradient in enumerate(gradients):
        if t == 17:
            file = io.BytesIO()
            torch.save({"p": p.detach(), "optimizer": optimizer.state_dict()}, file)
        p.grad = gradient.clone()
        optimizer.step()
    file.seek(0)
    saved = torch.load(file, weights_only=True)
    q = saved["p"].clone().requires_grad_()
    resumed = RAdam([q])
    resumed.load_state_dict(saved["optimizer"])
    for gradient in gradients[17:]:
        q.grad = gradient.clone()
        resumed.step()
    assert torch.equal(p, q)


def test_parameters_without_gradient_keep_their_own_count() -> None:
    p, q = (torch.zeros(2, dtype=F64, requires_grad=True) for _ in range(2))
    optimizer = RAdam([p, q], lr=1.0)
    for _ in range(6):
        p.grad = torch.ones_like(p)
        optimizer.step()
    before = p.detach().clone()
    q.grad = torch.ones_like(q)
    optimizer.step()
    assert q.detach().tolist() == pytest.approx([-1.0, -1.0])  # its first step: momentum
    assert (before - p.detach()).max() < 0.04  # p's seventh: rectified, r_7 = 0.033


def test_state_is_two_buffers_a_parameter() -> None:
    p = torch.zeros(10, requires_grad=True)
    optimizer = RAdam([p])
    p.grad = torch.ones(10)
    optimizer.step()
    tensors = [value for value in optimizer.state[p].values() if isinstance(value, torch.Tensor)]
    assert [tensor.numel() for tensor in tensors] == [10, 10]


def test_closure_and_groups() -> None:
    p, q = (torch.ones(1, dtype=F64, requires_grad=True) for _ in range(2))
    optimizer = RAdam([{"params": [p], "lr": 0.5}, {"params": [q]}], lr=0.25)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = (p + q).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure) == 2.0
    assert (p.item(), q.item()) == pytest.approx((0.5, 0.75))


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"lr": -1.0}, "lr must lie in"),
        ({"lr": math.nan}, "lr must lie in"),
        ({"lr": float("inf")}, "lr must lie in"),  # not the object math.inf
        ({"betas": (1.0, 0.9)}, r"betas\[0\] must lie in \[0, 1\)"),
        ({"betas": (0.9, 1.0)}, r"betas\[1\] must lie in \[0, 1\)"),
        ({"eps": -1e-8}, "eps must lie in"),
        ({"weight_decay": -0.1}, "weight_decay must lie in"),
        ({"threshold": 3.9}, r"threshold must lie in \[4, inf\)"),
        ({"below": "sgd"}, 'below must be "momentum" or "skip"'),
    ],
)
def test_bad_input_is_named(bad: dict, message: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(ValueError, match=message):
        RAdam([torch.zeros(1)], **bad)


def test_unsupported_gradients_move_nothing() -> None:
    p, q = torch.ones(3, requires_grad=True), torch.ones(3, requires_grad=True)
    optimizer = RAdam([{"params": [p]}, {"params": [q]}])
    p.grad, q.grad = torch.ones(3), torch.ones(3).to_sparse()
    with pytest.raises(TypeError, match="dense and real"):
        optimizer.step()
    assert torch.equal(p, torch.ones(3)) and not optimizer.state
