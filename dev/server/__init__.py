"""Serves an app in development, with a reload that nobody notices: `python -m dev.server main:app`.

One process owns the socket, holds the packages that the app imports, and watches the sources. Each
generation of the code is a fork of it, so that a save imports nothing but the project's own modules. A new
generation takes over once it has started and answers; the one before finishes its streams and ends.
"""
