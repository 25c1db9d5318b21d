"""A second opinion: the same problem solved by OR-Tools' routing library."""
