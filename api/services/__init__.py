"""Use cases: functions that take a database session and what else they need. No web here."""
