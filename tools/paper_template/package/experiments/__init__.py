"""The experiments of the chapter SLUG, one file each."""

from replications.core.experiment import Experiment
from replications.papers.SLUG.experiments import moments

MOMENTS = Experiment("SLUG", "moments", moments.run, moments.QUICK)

EXPERIMENTS = (MOMENTS,)
