r"""Lookahead: k steps forward, one step back (Algorithm 1 of :cite:t:`zhang2019lookahead`).

An inner optimizer A moves the *fast* weights theta; every k of its steps the *slow* weights phi
take one step towards them, and the fast weights start again from there:

.. math::

    \theta_{t,0} &= \phi_{t-1}                                                        & (1) \\
    \theta_{t,i} &= \theta_{t,i-1} + A(L, \theta_{t,i-1}, d), \quad i = 1, \dots, k \quad & (2) \\
    \phi_t       &= \phi_{t-1} + \alpha\, (\theta_{t,k} - \phi_{t-1})                  & (3)

The slow weights are the result: evaluate inside :meth:`Lookahead.slow_weights`.

:func:`lookahead_pull` is (3) and (1) on tensors, for any inner step; leading axes are independent
models, each with a slow step of its own if need be. :class:`Lookahead` puts it around any torch
optimizer.

Implementation notes, where the paper leaves a choice:

- phi_0 is copied when the optimizer is made, so that the first synchronisation, after step k, is
  already (3).
- ``inner_state`` says what (1) does to the inner optimizer's moments (momentum buffers, Adam's
  averages: every floating state tensor of the parameter's shape). ``"maintain"`` leaves them.
  ``"reset"`` sets them to zero, and Adam's step count with them, since its bias correction counts
  from the last zero. ``"pullback"`` applies (3) to them too, from their value at the last
  synchronisation, and leaves the step count. An optimizer that keeps something else in such a
  tensor (Rprop its step sizes) or counts elsewhere (NAdam in ``mu_product``) wants ``"maintain"``.
- Every parameter takes part, with or without a gradient; with sparse gradients the whole table.
- Buffers, such as the statistics of batch normalisation, are no parameters: they go on belonging
  to the fast weights.
- A step that a gradient scaler skips is no step, so it does not count.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor
from torch.optim import Optimizer

from replications.methods.leading import Setting, leading
from replications.methods.refusals import refuse_lookahead_state

INNER_STATES = ("maintain", "reset", "pullback")
# numbers; both copies of a block (512 kB in float32) stay in the second-level cache
_CACHE_BLOCK = 1 << 16


@torch.no_grad()
def lookahead_pull(
    phi: Tensor | Sequence[Tensor], theta: Tensor | Sequence[Tensor], alpha: Setting
) -> None:
    r"""Move the slow weights towards the fast ones by (3), and start the fast ones there, by (1).

    Both are changed in place.

    Args:
        phi: slow weights, a tensor or a list of tensors.
        theta: fast weights, of the same shapes.
        alpha: slow step size in (0, 1]; 1 copies theta bit for bit, and numbers outside reach the
            rest of the line. A number; or a tensor whose axes are the leading axes of every weight,
            with a slow step for each model.

    Example:
        >>> phi, theta = torch.zeros(2, 3), torch.ones(2, 3)
        >>> lookahead_pull(phi, theta, torch.tensor([0.5, 0.25]))
        >>> theta[:, 0].tolist()
        [0.5, 0.25]
    """
    slow = [phi] if isinstance(phi, Tensor) else phi
    fast = [theta] if isinstance(theta, Tensor) else theta
    if isinstance(alpha, Tensor) and alpha.ndim:
        for p, t in zip(slow, fast, strict=True):
            steps = cast(Tensor, leading(alpha, p))
            p.lerp_(t, steps)  # (3)
            if (steps == 1).any():
                p.copy_(torch.where(steps == 1, t, p))  # lerp makes nan of an infinite weight
            t.copy_(p)  # (1)
        return
    step = float(alpha)
    for t_block, p_block in _blocks(zip(fast, slow, strict=True)):
        if step == 1:  # phi + (theta - phi) would round
            torch._foreach_copy_(p_block, t_block)
        elif len(t_block) == 1:  # for a block of a large tensor, the lists would cost 6 %
            p_block[0].lerp_(t_block[0], step)  # (3)
            t_block[0].copy_(p_block[0])  # (1)
        else:
            torch._foreach_lerp_(p_block, t_block, step)  # (3)
            torch._foreach_copy_(t_block, p_block)  # (1)


class Lookahead(Optimizer):
    """Slow weights around any torch optimizer.

    Learning rates and the other hyperparameters live in the inner optimizer's ``param_groups``,
    which both share: a scheduler may hold either. Call ``step`` and ``zero_grad`` on this object.

    Args:
        optimizer: the inner optimizer A, with its parameters.
        k: synchronisation period in inner steps, an integer >= 1; 5 as in the paper's figure 8.
        alpha: slow step size in (0, 1]; 0.5 as in the paper's figure 8. 1 is the inner optimizer,
            bit for bit.
        inner_state: "maintain", "reset" or "pullback", see the implementation notes (paper:
            appendix).

    Raises:
        TypeError: if ``optimizer`` is no torch optimizer.
        ValueError: if an argument is out of range, or the optimizer has no parameters.

    Example:
        >>> weight = torch.ones(1, requires_grad=True)
        >>> lookahead = Lookahead(torch.optim.SGD([weight], lr=0.1), k=5, alpha=0.5)
        >>> for _ in range(5):
        ...     lookahead.zero_grad()
        ...     (weight**2 / 2).sum().backward()
        ...     lookahead.step()
        >>> round(weight.item(), 6)  # 1 - 0.5 (1 - 0.9^5)
        0.795245

    References:
        Algorithm 1 of :cite:t:`zhang2019lookahead`; chapter "Lookahead" of this book.
    """

    def __init__(
        self, optimizer: Optimizer, k: int = 5, alpha: float = 0.5, inner_state: str = "maintain"
    ) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(
                f"optimizer must be a torch.optim.Optimizer, got {type(optimizer).__name__}"
            )
        if not any(group["params"] for group in optimizer.param_groups):
            raise ValueError("optimizer must hold at least one parameter, got none")
        _check(k, alpha, inner_state)
        self.optimizer = optimizer
        self.defaults = optimizer.defaults
        self.k = k
        self.alpha = alpha
        self.inner_state = inner_state
        self.steps = 0  # inner steps taken: loop t and position i are divmod(steps, k)
        self._slow: dict[Tensor, Tensor] = {}  # parameter -> phi
        self._slow_moments: dict[Tensor, dict[str, Tensor]] = {}  # the same for moments, by name
        # torch's hooks and no more: Optimizer.__init__ would make groups of its own
        self.__setstate__({})
        self._copy_new_parameters()

    _inside = False  # are the slow weights swapped in?

    # The inner optimizer owns groups and state, and load_state_dict replaces both: always ask it.
    @property
    def param_groups(self) -> list[dict[str, Any]]:  # type: ignore[override]  # an attribute in torch
        """The inner optimizer's parameter groups."""
        return self.optimizer.param_groups

    @property
    def state(self) -> Any:  # type: ignore[override]  # an attribute in torch
        """The inner optimizer's state."""
        return self.optimizer.state

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one inner step; synchronise after every k-th.

        Args:
            closure: re-evaluates the model and returns the loss; handed to the inner optimizer.

        Returns:
            The inner optimizer's return value, which is the loss if there is a closure.

        Raises:
            RuntimeError: inside ``slow_weights()``.
        """
        self._require_fast_weights("step()")
        self._copy_new_parameters()
        loss = self.optimizer.step(closure)  # (2)
        self.steps += 1
        if self.steps % self.k == 0:
            self._synchronise()
        return loss

    @torch.no_grad()
    def _synchronise(self) -> None:
        fast = self._parameters()
        slow = [self._slow[p] for p in fast]
        if self.inner_state == "reset":
            self._reset_moments()
        elif self.inner_state == "pullback":
            for moment, slow_moment in self._moment_pairs():
                fast.append(moment)
                slow.append(slow_moment)
        lookahead_pull(slow, fast, self.alpha)

    def _reset_moments(self) -> None:
        for p in self._parameters():
            for _, moment in _moments(self.state, p):
                moment.zero_()
            if "step" in self.state.get(p, {}):
                self.state[p]["step"] *= 0  # Adam's is a tensor and changes in place

    def _moment_pairs(self) -> list[tuple[Tensor, Tensor]]:
        pairs = []
        for p in self._parameters():
            for name, moment in _moments(self.state, p):
                if name not in self._slow_moments[p]:  # made in the first loop: it started at zero
                    self._slow_moments[p][name] = torch.zeros_like(moment)
                pairs.append((moment, self._slow_moments[p][name]))
        return pairs

    @contextmanager
    def slow_weights(self) -> Iterator[None]:
        """Swap the slow weights into the parameters, and the fast ones back at the end.

        The run goes on as if nothing had happened, also after an exception: what is done to the
        weights inside is lost. It may be nested. Buffers are not touched; where batch
        normalisation should see the slow weights, gather its statistics inside.
        """
        if self._inside:
            yield
            return
        self._copy_new_parameters()
        fast = {p: p.detach().clone() for p in self._parameters()}
        self._inside = True
        try:
            for p in fast:  # through .data: a graph recorded before stays valid after
                p.data.copy_(self._slow[p])
            yield
        finally:
            for p, theta in fast.items():
                p.data.copy_(theta)
            self._inside = False

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group to the inner optimizer; its slow weights start as they are now."""
        self._require_fast_weights("add_param_group()")
        self.optimizer.add_param_group(param_group)
        self._copy_new_parameters()

    def state_dict(self) -> dict[str, Any]:
        """Everything that a run needs to go on, at any step, bit for bit.

        Returns:
            The inner optimizer's state dict, and under "lookahead" the slow weights in the order
            of ``param_groups``, the step count and the settings. As always in torch, the tensors
            are the live ones: save or copy them.
        """
        for pre_hook in self._optimizer_state_dict_pre_hooks.values():
            pre_hook(self)
        self._copy_new_parameters()
        inner = self.optimizer.state_dict()
        own = {
            "slow_weights": [self._slow[p] for p in self._parameters()],
            "slow_moments": [self._slow_moments[p] for p in self._parameters()],
            "steps": self.steps,
            "k": self.k,
            "alpha": self.alpha,
            "inner_state": self.inner_state,
            "inner": inner.get("lookahead"),  # of a Lookahead inside this one
        }
        state_dict: dict[str, Any] = {**inner, "lookahead": own}
        for post_hook in self._optimizer_state_dict_post_hooks.values():
            state_dict = post_hook(self, state_dict) or state_dict
        return state_dict

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state of :meth:`state_dict`, settings included, and share nothing with it.

        Raises:
            ValueError: if it lacks a part, or comes from another optimizer or another model;
                nothing has changed.
            RuntimeError: inside ``slow_weights()``.
        """
        self._require_fast_weights("load_state_dict()")
        state_dict = dict(state_dict)
        for pre_hook in self._optimizer_load_state_dict_pre_hooks.values():
            state_dict = pre_hook(self, state_dict) or state_dict
        own = state_dict.get("lookahead")
        if own is None:
            raise ValueError(
                "state_dict must come from a Lookahead: its key 'lookahead' is missing"
            )
        refuse_lookahead_state(state_dict, self.param_groups, self._parameters())
        _check(own["k"], own["alpha"], own["inner_state"])
        parameters = self._parameters()
        expected, found = ([tuple(t.shape) for t in x] for x in (parameters, own["slow_weights"]))
        if expected != found:
            raise ValueError(
                f"state_dict must come from the same model, with parameters of shapes {expected}, "
                f"got slow weights of shapes {found}"
            )
        self.optimizer.load_state_dict(copy.deepcopy({**state_dict, "lookahead": own["inner"]}))
        self.k, self.alpha, self.inner_state = own["k"], own["alpha"], own["inner_state"]
        self.steps = own["steps"]
        for p, phi, moments in zip(
            parameters, own["slow_weights"], own["slow_moments"], strict=True
        ):
            self._slow[p] = phi.detach().to(p, copy=True)
            self._slow_moments[p] = {
                name: m.detach().to(p.device, copy=True) for name, m in moments.items()
            }
        for post_hook in self._optimizer_load_state_dict_post_hooks.values():
            post_hook(self)

    def __repr__(self) -> str:
        settings = f"k={self.k}, alpha={self.alpha}, inner_state={self.inner_state!r}"
        return f"Lookahead({settings}, optimizer={self.optimizer!r})"

    def __getstate__(self) -> dict[str, Any]:
        """What deepcopy and pickle take along: all but the hooks, as in torch."""
        self._require_fast_weights("copying")
        names = (
            "optimizer",
            "defaults",
            "k",
            "alpha",
            "inner_state",
            "steps",
            "_slow",
            "_slow_moments",
        )
        return {name: getattr(self, name) for name in names}

    def _parameters(self) -> list[Tensor]:
        return [p for group in self.param_groups for p in group["params"]]

    def _copy_new_parameters(self) -> None:
        """phi_0 = theta_0 for what is new: all at first, later groups added to either."""
        if len(self._slow) == sum(len(group["params"]) for group in self.param_groups):
            return
        for p in self._parameters():
            if p not in self._slow:
                self._slow[p] = p.detach().clone()
                moments = _moments(self.state, p) if self.inner_state == "pullback" else []
                self._slow_moments[p] = {name: moment.clone() for name, moment in moments}

    def _require_fast_weights(self, what: str) -> None:
        if self._inside:
            raise RuntimeError(
                f"{what} must happen outside slow_weights(): the fast weights are put away"
            )


def _check(k: int, alpha: float, inner_state: str) -> None:
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise ValueError(f"k must be an integer >= 1, got {k!r}")
    if not (isinstance(alpha, (int, float)) and 0 < alpha <= 1):
        raise ValueError(f"alpha must be in (0, 1], got {alpha!r}")
    if inner_state not in INNER_STATES:
        raise ValueError(f"inner_state must be one of {INNER_STATES}, got {inner_state!r}")


def _moments(state: dict[Tensor, Any], p: Tensor) -> list[tuple[str, Tensor]]:
    """The state tensors that follow the parameter: floating, of its shape, and no step count
    (whose shape is that of a scalar parameter).
    """
    return [
        (name, value)
        for name, value in state.get(p, {}).items()
        if isinstance(value, Tensor)
        and (value.is_floating_point() or value.is_complex())
        and value.shape == p.shape
        and name != "step"
    ]


def _blocks(pairs: Iterable[tuple[Tensor, Tensor]]) -> Iterator[tuple[list[Tensor], list[Tensor]]]:
    """Pairs in batches of about _CACHE_BLOCK numbers: the second pass finds them in the cache.

    Small tensors are batched, large ones cut into equal pieces of one to two blocks: a short last
    piece would cost as much as a whole one. An accelerator gets a single batch: there the launches
    are what costs.
    """
    thetas: list[Tensor] = []
    phis: list[Tensor] = []
    size = 0
    for theta, phi in pairs:
        block = _CACHE_BLOCK if theta.is_cpu else sys.maxsize
        if theta.numel() > block and theta.is_contiguous() and phi.is_contiguous():
            pieces = theta.numel() // block
            if pieces == 1:
                yield [theta], [phi]
                continue
            for piece in zip(theta.view(-1).chunk(pieces), phi.view(-1).chunk(pieces), strict=True):
                yield [piece[0]], [piece[1]]
            continue
        thetas.append(theta)
        phis.append(phi)
        size += theta.numel()
        if size >= block:
            yield thetas, phis
            thetas, phis, size = [], [], 0
    if thetas:
        yield thetas, phis
