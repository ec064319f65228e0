"""The Okienko server: a small Flask application in five storeys, imports only downwards."""
