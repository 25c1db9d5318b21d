"""The edge and the system of record: Flask application, routes, schemas, services, database."""
