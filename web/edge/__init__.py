"""WSGI middleware around the application: what browsers and proxies need, whatever is asked for."""
