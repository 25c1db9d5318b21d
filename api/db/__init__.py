"""The record in PostgreSQL: typed models, sessions, migrations, the job queue's door."""
