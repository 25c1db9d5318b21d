"""Side-by-side measurements against other solvers: ``python -m bench NAME`` prints one table."""
