"""Proven lower bounds: what no plan can beat, and how far a plan is from it."""

from optimizer.bounds.proven import bounds, gaps

__all__ = ["bounds", "gaps"]
