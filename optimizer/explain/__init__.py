"""Answers people trust: why a job is left out, what would let it in, and who could take it."""

from optimizer.explain.cures import CHEAPNESS
from optimizer.explain.rules import RULES
from optimizer.explain.told import why_document, why_lines
from optimizer.explain.unassigned import explain
from optimizer.explain.why import Placement, Why, why

__all__ = ["CHEAPNESS", "RULES", "Placement", "Why", "explain", "why", "why_document", "why_lines"]
