"""The built page, served from `backend/static`: hashed assets for ever, everything else asked for again each time."""

from __future__ import annotations

import mimetypes
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response

from backend.errors import not_found

FOLDER = Path(__file__).parent / "static"
FOREVER = "public, max-age=31536000, immutable"
ASK = "no-cache"

for _suffix, _kind in {".js": "text/javascript", ".wasm": "application/wasm", ".woff2": "font/woff2"}.items():
    mimetypes.add_type(_kind, _suffix)

MISSING = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Playground</title>
<h1>The page is not built yet</h1>
<p>The server runs, and its <a href="/api/v1/openapi.json">programming interface</a> with it, but
<code>backend/static</code> holds no page. Run <code>pip install .</code> again, which builds it, or
<code>python -m backend.dev</code> while you work on it.</p></html>"""


class Pages:
    """Serves the files of one folder, and `index.html` for every address of the page itself."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self.folder = folder.resolve()

    async def __call__(self, request: Request) -> Response:
        """The file at this path."""
        path = str(request.path_params.get("path", ""))
        if path == "api" or path.startswith("api/"):
            raise not_found("address", "/" + path, "The list of all addresses is at /api/v1/openapi.json.")
        file = self.find(path)
        if file is not None:
            fixed = path.startswith("assets/")
            return FileResponse(file, headers={"Cache-Control": FOREVER if fixed else ASK})
        if "." in path.rsplit("/", 1)[-1]:
            raise not_found("file", "/" + path)
        index = self.find("index.html")
        if index is None:
            return HTMLResponse(MISSING, status_code=503, headers={"Cache-Control": ASK})
        return FileResponse(index, headers={"Cache-Control": ASK})

    def find(self, path: str) -> Path | None:
        """The file at a path, if it is one and lies inside the folder."""
        if not path or "\0" in path or "\\" in path:
            return None
        try:
            file = (self.folder / path).resolve()
            inside = file.is_relative_to(self.folder) and file.is_file()
        except (OSError, ValueError):
            return None
        return file if inside else None
