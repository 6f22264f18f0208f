"""Login of browsers: the token for a cookie that scripts cannot read."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from stream.web.access_control import API, LOGIN, client_address
from stream.web.access_token import SESSION_S, Access
from stream.web.problems import ProblemError, responses

__all__ = ["Login", "router"]

router = APIRouter(tags=["session"])


class Login(BaseModel):
    """The token of the server."""

    model_config = ConfigDict(extra="forbid", strict=True)

    token: str = Field(max_length=1000)


@router.post(LOGIN, status_code=204, responses=responses(403, 422), openapi_extra={"security": []})
async def log_in(request: Request, body: Login) -> Response:
    """Gives a browser that knows the token a cookie, which counts like the token."""
    access: Access = request.app.state.access
    if not access.accepts(body.token):
        address = client_address(request.scope)
        if seconds := access.must_wait(address):
            text = f"too many wrong tokens; try again in {seconds} s"
            raise ProblemError(429, "too-many-attempts", text, {"Retry-After": str(seconds)})
        access.note_wrong(address)
        raise ProblemError(401, "unauthorized", "the token is wrong; see where serve keeps it")
    answer = Response(status_code=204)
    answer.set_cookie(
        request.app.state.cookie,
        access.new_session(),
        max_age=SESSION_S,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return answer


@router.post(f"{API}/logout", status_code=204, responses=responses(403))
async def log_out(request: Request) -> Response:
    """Takes the cookie from the browser."""
    answer = Response(status_code=204)
    answer.delete_cookie(request.app.state.cookie, httponly=True, samesite="strict")
    return answer
