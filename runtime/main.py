"""The app that uvicorn serves: `uvicorn main:app`."""

from llm_runtime.app import create_app

app = create_app()
