"""The application for a WSGI server: `okienko_server.wsgi:app`. Reads OKIENKO_* from the environment when imported."""

from __future__ import annotations

from okienko_server.app import create_app

app = create_app()
