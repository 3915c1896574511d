"""An app that does nothing, for `python -m bench.saves`: what a reload takes at least with uvicorn."""

from fastapi import FastAPI

app = FastAPI()
