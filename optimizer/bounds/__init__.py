"""Proven lower bounds: what no plan can beat, and how far a plan is from it."""

from optimizer.bounds.proven import METHODS, Proof, bounds, gaps, prove

__all__ = ["METHODS", "Proof", "bounds", "gaps", "prove"]
