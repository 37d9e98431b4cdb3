"""Names, colours and markers of the arms, the same in every figure."""

from replications.core.figures import OKABE_ITO

NAME = {
    "Adam": "Adam, no warm-up",
    "short": "linear, 10 times shorter",
    "RAdam": "RAdam",
    "linear": "linear, 2 / (1 − β₂)",
    "exponential": "exponential",
    "long": "linear, 10 times longer",
}
_COLORS = ("orange", "sky", "green", "purple", "blue", "vermillion")
COLOR = {arm: OKABE_ITO[name] for arm, name in zip(NAME, _COLORS, strict=True)}
MARKER = dict(zip(NAME, "^<vPo>", strict=True))
