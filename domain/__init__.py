"""The words of the field. Standard library only: pure functions and frozen dataclasses."""
