"""Ollama's HTTP API over llama.cpp, or over a simulated model."""

VERSION = "0.1.0"
