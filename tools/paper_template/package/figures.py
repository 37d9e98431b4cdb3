"""Figures of the chapter SLUG."""

from __future__ import annotations

from matplotlib import pyplot as plt

from replications.core.figures import OKABE_ITO, WIDTH, Drawing
from replications.papers.SLUG.experiments import MOMENTS, moments


def means(result: moments.Result) -> Drawing:
    """The repetitions' means as a histogram."""
    figure, axes = plt.subplots(figsize=(WIDTH, 2.6))
    axes.hist(result.mean, bins=20, color=OKABE_ITO["blue"])
    axes.axvline(0.5, color=OKABE_ITO["vermillion"])
    axes.set(xlabel="mean of one repetition", ylabel="repetitions")
    return Drawing(
        figure,
        "Histogram of the means of uniform numbers: a bell around one half.",
        f"mean of means {result.mean.mean():.2f}",
    )


FIGURES = {"means": (means, MOMENTS, "quick")}
