"""Paper replications on trial: methods, problems with exact answers, and claims with verdicts."""

__version__ = "0.2.0"
