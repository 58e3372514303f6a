"""Signing in to the page: codes, sessions, and what they may."""

import pytest

from edgenode.api import session

from .conftest import OPERATOR, Node, Served
from .test_upload import problem


async def code_of(local: Served) -> str:
    async with local.client.post("/session/link", headers=OPERATOR) as response:
        assert response.status == 201
        answer = await response.json()
        assert answer["expiresIn"] == session.CODE_SECONDS
        return str(answer["code"])


async def sign_in(local: Served) -> dict[str, str]:
    async with local.client.post("/session", json={"code": await code_of(local)}) as response:
        assert response.status == 201
        assert "Set-Cookie" not in response.headers
        return {"Authorization": f"Bearer {(await response.json())['token']}"}


async def may_list(local: Served, headers: dict[str, str]) -> bool:
    async with local.client.get("/blocks", headers=headers) as response:
        assert response.status in (200, 401)
        return response.status == 200


async def test_a_session_stands_for_the_operator_until_it_ends(local: Served) -> None:
    headers = await sign_in(local)
    assert await may_list(local, headers)
    async with local.client.delete("/session", headers=headers) as response:
        assert response.status == 204
    assert not await may_list(local, headers)
    assert await may_list(local, OPERATOR)


async def test_a_code_is_good_once(local: Served) -> None:
    code = await code_of(local)
    async with local.client.post("/session", json={"code": code}) as response:
        assert response.status == 201
    async with local.client.post("/session", json={"code": code}) as response:
        assert await problem(response) == "login-expired"


async def test_a_code_and_a_session_have_their_time(local: Served, node: Node) -> None:
    code = await code_of(local)
    node.now_s = session.CODE_SECONDS + 1
    async with local.client.post("/session", json={"code": code}) as response:
        assert await problem(response) == "login-expired"
    headers = await sign_in(local)
    node.now_s += session.SESSION_SECONDS - 1
    assert await may_list(local, headers)
    node.now_s += 2
    assert not await may_list(local, headers)


async def test_a_session_makes_no_other_session(local: Served) -> None:
    headers = await sign_in(local)
    async with local.client.post("/session/link", headers=headers) as response:
        assert response.status == 401


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer x"}])
async def test_a_link_is_for_the_operator(local: Served, headers: dict[str, str]) -> None:
    async with local.client.post("/session/link", headers=headers) as response:
        assert response.status == 401


async def test_a_code_is_no_session_and_a_session_no_code(local: Served) -> None:
    code = await code_of(local)
    assert not await may_list(local, {"Authorization": f"Bearer {code}"})
    token = (await sign_in(local))["Authorization"].removeprefix("Bearer ")
    async with local.client.post("/session", json={"code": token}) as response:
        assert response.status == 403


async def test_a_page_of_another_origin_cannot_sign_in(local: Served) -> None:
    headers = {"Origin": "http://evil.example"}
    async with local.client.post(
        "/session", json={"code": await code_of(local)}, headers=headers
    ) as response:
        assert await problem(response) == "forbidden-origin"


async def test_nobody_signs_in_at_the_peer_port(public: Served) -> None:
    for path in ("/session", "/session/link"):
        async with public.client.post(path, headers=OPERATOR) as response:
            assert response.status == 404


def test_there_are_so_many_and_no_more(node: Node) -> None:
    codes = [node.sessions.new_code() for _ in range(session.MAX_CODES + 1)]
    assert node.sessions.exchange(codes[0]) is None
    tokens = []
    for _ in range(session.MAX_SESSIONS + 1):
        token = node.sessions.exchange(node.sessions.new_code())
        assert token is not None
        tokens.append(token)
    assert [node.sessions.matches(token) for token in tokens] == [False] + [True] * (
        session.MAX_SESSIONS
    )
