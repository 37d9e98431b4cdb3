"""Objectives and data, each with the exact answers that the tests hold the methods to."""
