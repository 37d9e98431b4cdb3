"""A dense Hessian and a direct solve: for checks of the others.

Leading axes are independent problems, whose Hessians are built one column of all at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from replications.methods.inverse_hessian import Curvature, Product, Solution, relative_residual
from replications.methods.refusals import refuse_numbers

if TYPE_CHECKING:
    from jaxtyping import Float


@dataclass(frozen=True)
class Exact:
    """A dense Hessian and a direct solve: for checks, up to a few thousand parameters.

    Args:
        damping: added to the diagonal, >= 0.

    Raises:
        ValueError: damping < 0.
    """

    damping: float = 0.0

    def __post_init__(self) -> None:
        refuse_numbers(finite=True, damping=self.damping)
        if self.damping < 0:
            raise ValueError(f"damping: must be 0 or more, got {self.damping}")

    def solve(self, product: Product, v: Float[Tensor, "*batch P"]) -> Solution:
        """Solve H x = v by elimination.

        Args:
            product: H times a vector.
            v: the right-hand side.

        Returns:
            The solution with the exact extreme eigenvalues.

        Raises:
            ValueError: H is singular.
        """
        eye = torch.eye(v.shape[-1], dtype=v.dtype, device=v.device)
        hessian = (
            torch.stack([product(row.expand_as(v)) for row in eye], dim=-2) + self.damping * eye
        )
        values = torch.linalg.eigvalsh(hessian)
        try:
            x = torch.linalg.solve(hessian, v.unsqueeze(-1)).squeeze(-1)
        except torch.linalg.LinAlgError as error:
            raise ValueError(
                "Exact: the Hessian is singular, so no best response exists; add damping or decay"
            ) from error
        residual = v - (hessian @ x.unsqueeze(-1)).squeeze(-1)
        return Solution(
            x, Curvature(values[..., -1], values[..., 0]), relative_residual(residual, v)
        )
