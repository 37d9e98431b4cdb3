"""Colours and markers of the arms, the same in every figure."""

from replications.core.figures import OKABE_ITO

_ARMS = ("Adam", "short", "RAdam", "linear", "exponential", "long")
_COLORS = ("orange", "sky", "green", "purple", "blue", "vermillion")
COLOR = {arm: OKABE_ITO[name] for arm, name in zip(_ARMS, _COLORS, strict=True)}
MARKER = dict(zip(_ARMS, "^<vPo>", strict=True))
