"""Serves an app in development, with a reload that nobody notices: `python -m dev.server main:app`.

One process owns the socket, holds the packages that the app imports, and watches the sources. Each
generation of the code is a fork of it, or of one that holds the project's own modules as well, as far as the
save cannot have changed them. A new generation takes over once it has started and answers; the one before
finishes its streams and ends.
"""
