"""The tests; a package, so that no other project's `tests` is found in its place."""
