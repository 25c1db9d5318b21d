"""An application that does nothing: what the web server itself costs."""

from flask import Flask


def create_app() -> Flask:
    """One route, ``/``, an empty answer."""
    app = Flask(__name__)
    app.add_url_rule("/", view_func=lambda: "")
    return app
