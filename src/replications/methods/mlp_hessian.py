r"""Gradients and Hessian-vector products of plain multilayer perceptrons, without automatic
differentiation.

Pearlmutter's R operator ("Fast exact multiplication by the Hessian", 1994):
:math:`R\{f(w)\} = \mathrm{d}/\mathrm{d}r\, f(w + r v)` at :math:`r = 0`. For layers
:math:`z_l = a_{l-1} W_l`, :math:`a_l = m_l \phi(z_l)`, mean cross-entropy over :math:`n` examples
and the penalty :math:`\sum c w^2 / 2`, with :math:`\delta_L = (y - \text{onehot}) / n`:

.. math::

    G_l = a_{l-1}^\top \delta_l + c W_l, \qquad
    \delta_{l-1} = m \phi' \, (\delta_l W_l^\top) \qquad (1)

.. math::

    R z_l = R a_{l-1} W_l + a_{l-1} V_l, \qquad R a_l = m \phi' \, R z_l \qquad (2)

.. math::

    R \delta_L = \big(y \, R z_L - y \textstyle\sum (y \, R z_L)\big) / n \qquad (3)

.. math::

    R \delta_{l-1} = m \phi' \, (R \delta_l W_l^\top + \delta_l V_l^\top)
        + m \phi'' \, R z_{l-1} \, (\delta_l W_l^\top) \qquad (4)

.. math::

    H v = R G_l = R a_{l-1}^\top \delta_l + a_{l-1}^\top R \delta_l + c V_l \qquad (5)

Implementation notes:
    - What does not depend on v is computed once: a product costs 14 matrix products for three
      layers.
    - Layers have no biases (append a constant column to the inputs for one in the first layer).
    - ReLU has no second derivative almost everywhere; tanh uses all of (4).
    - Leading axes are independent problems (at most one): networks, each with its own rows.

The chapter ``implicit`` uses it for its long runs, through ``decay_hypergradient``.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from replications.methods.refusals import refuse_perceptron, refuse_vector

if TYPE_CHECKING:
    from jaxtyping import Float, Int


class MLPHessian:
    """A perceptron's forward and backward pass, kept for any number of Hessian products.

    Args:
        weights: one matrix a layer, ``[inputs, outputs]``, or ``[batch, inputs, outputs]``.
        inputs: ``[n, inputs]``, or ``[batch, n, inputs]`` with the weights' batch.
        targets: classes, ``[n]`` or ``[batch, n]``.
        penalty: c of each weight, shaped like the weights; None for no penalty.
        activation: "relu" or "tanh", of all layers but the last.
        masks: dropout factors of the hidden layers, broadcast against ``[n, hidden]`` or
            ``[batch, n, hidden]``.

    Attributes:
        weights: all weights, flat: the layers joined in order, ``[P]`` or ``[batch, P]``.
        penalty: likewise, or None.

    Raises:
        ValueError: an unknown activation.
    """

    def __init__(
        self,
        weights: Sequence[Float[Tensor, "*batch _ _"]],
        inputs: Float[Tensor, "*batch n _"],
        targets: Int[Tensor, "*batch n"],
        penalty: Sequence[Float[Tensor, "*batch _ _"]] | None = None,
        activation: Literal["relu", "tanh"] = "relu",
        masks: Sequence[Tensor] | None = None,
    ) -> None:
        if activation not in ("relu", "tanh"):
            raise ValueError(f'activation: must be "relu" or "tanh", got {activation!r}')
        refuse_perceptron(weights, inputs, targets, penalty, masks)
        self._layers, self._tanh = list(weights), activation == "tanh"
        self.weights = self._join(self._layers)
        self.penalty = None if penalty is None else self._join(penalty)
        batch = self.weights.dim() == 2
        self._times = torch.bmm if batch else torch.mm
        self._plus = Tensor.baddbmm_ if batch else Tensor.addmm_
        strides = [(self.weights.shape[-1], w.shape[-1], 1)[-w.dim() :] for w in self._layers]
        offsets = accumulate([w.shape[-2] * w.shape[-1] for w in self._layers[:-1]], initial=0)
        self._views = list(zip([w.shape for w in self._layers], strides, offsets, strict=True))
        self._a, self._slope, self._bend = [inputs], [], []
        for layer, w in enumerate(self._layers[:-1]):
            z = self._a[-1] @ w
            if self._tanh:
                a = z.tanh()
                slope = 1 - a * a
                bend = -2 * a * slope
            else:
                a = z.clamp_min(0)
                slope = (z > 0).to(z.dtype)
            if masks is not None:
                a, slope = a * masks[layer], slope * masks[layer]
                if self._tanh:
                    bend = bend * masks[layer]
            self._a.append(a)
            self._slope.append(slope)
            if self._tanh:
                self._bend.append(bend)
        logits = self._a[-1] @ self._layers[-1]
        self._log = torch.log_softmax(logits, dim=-1)
        self._y = self._log.exp()
        self._targets, self._n = targets.unsqueeze(-1), inputs.shape[-2]
        delta = self._y.scatter_add(-1, self._targets, torch.full_like(self._y, -1.0)) / self._n
        self._delta, self._back = [delta], []  # _back: delta W^T, before the slope
        for w, slope in zip(self._layers[:0:-1], self._slope[::-1], strict=True):
            self._back.append(self._delta[-1] @ w.mT)
            self._delta.append(self._back[-1] * slope)
        self._delta.reverse()
        self._back.reverse()
        # Buffers and views of a product: in a small network they cost as much as the arithmetic.
        self._share = self._y / self._n
        self._rz = [torch.empty_like(a) for a in [*self._a[1:], self._y]]
        self._ra = [torch.empty_like(a) for a in self._a[1:]]
        self._rb = [torch.empty_like(a) for a in self._a[1:]]
        self._wt, self._at, self._rat = (
            [x.mT for x in tensors] for tensors in (self._layers, self._a, self._ra)
        )

    def loss(self) -> Float[Tensor, "*batch"]:
        """Mean cross-entropy plus the penalty, one value a network."""
        value = -self._log.gather(-1, self._targets).squeeze(-1).mean(-1)
        if self.penalty is not None:
            value = value + 0.5 * (self.penalty * self.weights**2).sum(-1)
        return value

    def gradient(self) -> Float[Tensor, "*batch P"]:
        """Gradient of the loss, flat like ``weights``: equation (1)."""
        result = self._join([a @ delta for a, delta in zip(self._at, self._delta, strict=True)])
        if self.penalty is not None:
            result.addcmul_(self.penalty, self.weights)
        return result

    @torch.no_grad()
    def product(self, vector: Float[Tensor, "*batch P"]) -> Float[Tensor, "*batch P"]:
        """Hessian times a vector that is flat like ``weights``."""
        refuse_vector(vector, self.weights)
        vector = vector.contiguous()
        result = torch.empty_like(vector)
        v, g = self._split(vector), self._split(result)
        last = len(self._layers) - 1
        for layer, (a, w) in enumerate(zip(self._a, self._layers, strict=True)):
            rz = self._times(a, v[layer], out=self._rz[layer])  # equation (2)
            if layer:
                self._plus(rz, self._ra[layer - 1], w)
            if layer < last:
                torch.mul(rz, self._slope[layer], out=self._ra[layer])
        weighted = self._share * self._rz[last]  # equation (3)
        rdelta = torch.addcmul(weighted, self._y, weighted.sum(-1, keepdim=True), value=-1)
        for layer in range(last, -1, -1):
            self._times(self._at[layer], rdelta, out=g[layer])  # equation (5)
            if layer:
                self._plus(g[layer], self._rat[layer - 1], self._delta[layer])
                back = self._times(rdelta, self._wt[layer], out=self._rb[layer - 1])
                self._plus(back, self._delta[layer], v[layer].mT)
                rdelta = back.mul_(self._slope[layer - 1])  # equation (4)
                if self._tanh:
                    bend = self._bend[layer - 1] * self._rz[layer - 1]
                    rdelta.addcmul_(bend, self._back[layer - 1])
        if self.penalty is not None:
            result.addcmul_(self.penalty, vector)
        return result

    @staticmethod
    def _join(tensors: Sequence[Tensor]) -> Tensor:
        return torch.cat([t.flatten(-2) for t in tensors], dim=-1)

    def _split(self, vector: Tensor) -> list[Tensor]:
        """Views of a contiguous flat vector; ``split`` and ``view`` would
        take four times as long.
        """
        start = vector.storage_offset()
        return [vector.as_strided(shape, stride, start + at) for shape, stride, at in self._views]
