"""One parent process and its children: PostgreSQL, osrm-routed, the web server, the worker.

Every child has a health check, is started again with growing pauses when it dies, stops in
order with the parent, and cannot outlive it even when the parent is killed.
"""
