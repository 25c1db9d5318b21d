"""The commands of ``python -m api``, a module a subject."""
