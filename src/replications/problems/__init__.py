"""Objectives and data, each with the exact answers that the tests hold the methods to."""

from replications.problems.noisy_quadratic import NoisyQuadratic

__all__ = ["NoisyQuadratic"]
