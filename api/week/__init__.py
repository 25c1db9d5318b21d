"""A scripted week of the demo firm: two thousand reports through every door, to the last fen.

``python -m api demo --week`` runs it on a real PostgreSQL and then proves, from the record alone,
what the service owes.
"""
