"""GET /docs: Swagger UI, from the files of a package; FastAPI's own page loads them from another host."""

from importlib.resources import files

from fastapi import APIRouter
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse

# Swagger UI needs its inline script and styles, and images as data. Nothing comes from another host.
POLICY = "default-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"

docs = APIRouter(include_in_schema=False)


@docs.get("/docs")
async def page() -> HTMLResponse:
    """Show the API, to try it. The addresses are relative: a proxy may serve the gateway below a path."""
    response = get_swagger_ui_html(
        openapi_url="openapi.json",
        title="llm-api",
        swagger_js_url="docs/swagger-ui-bundle.js",
        swagger_css_url="docs/swagger-ui.css",
        swagger_favicon_url="data:,",
    )
    response.headers["content-security-policy"] = POLICY
    return response


@docs.get("/docs/swagger-ui-bundle.js")
async def script() -> FileResponse:
    return _file("swagger-ui-bundle.js")


@docs.get("/docs/swagger-ui.css")
async def styles() -> FileResponse:
    return _file("swagger-ui.css")


def _file(name: str) -> FileResponse:
    path = files("fastapi_swagger") / "resources" / name
    return FileResponse(str(path), headers={"cache-control": "max-age=3600"})
