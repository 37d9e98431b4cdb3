"""Paper replications on trial: methods, problems with exact answers, and claims with verdicts."""

__version__ = "0.1.0"
