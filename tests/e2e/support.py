"""Where the running platform is."""

import os

GATEWAY = os.environ.get("LLM_E2E_GATEWAY", "http://localhost:8000")
RUNTIME = os.environ.get("LLM_E2E_RUNTIME", "http://localhost:11434")
PROMETHEUS = os.environ.get("LLM_E2E_PROMETHEUS", "http://localhost:9090")
JAEGER = os.environ.get("LLM_E2E_JAEGER", "http://localhost:16686")
RESPONSE_SECONDS = 120
"""For a response: on a small machine everything may have just started."""

API_SERVER_SECONDS = 30
"""For a response of the cluster's API server."""
