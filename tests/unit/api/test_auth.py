"""Sessions of peers, and what they sign, over the peer port."""

import json
from typing import Any

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import make_mocked_request

from edgenode.core.errors import Busy, DecodeError
from edgenode.core.peersessions import CHALLENGE_MS, SESSION_MS
from edgenode.core.request import RequestRefused

from .conftest import NODE_ID, OPERATOR, Node, Served
from .peers import PeerClient, outcome
from .test_openapi import check
from .test_records import ID, OTHER

BLOCKS = {"blockIds": [ID, OTHER]}


@pytest.fixture
async def peer(public: Served) -> PeerClient:
    return PeerClient(public)


async def post(served: Served, path: str, body: Any, **headers: str) -> ClientResponse:
    return await served.client.post(path, json=body, headers=headers)


async def begin(served: Served, body: dict[str, str]) -> tuple[int, str]:
    async with await post(served, "/auth/session", body) as response:
        return (await outcome(response))[:2]


# Challenge and session


async def test_a_session_by_a_signed_challenge(public: Served, peer: PeerClient) -> None:
    body = {"nodeId": peer.node_id, "publicKey": peer.node_id}
    async with await post(public, "/auth/challenge", body) as response:
        await check(response, "POST", "/auth/challenge")
        given = await response.json()
    assert given["expiry"] == "2023-11-14T22:13:30.000Z"  # 10 s from now
    async with await post(public, "/auth/session", peer.answer(given["challenge"])) as response:
        assert response.status == 201
        assert response.headers["Cache-Control"] == "no-store"
        await check(response, "POST", "/auth/session")
        session = await response.json()
    assert session["expiry"] == "2023-11-14T23:13:20.000Z"  # an hour
    assert len(bytes.fromhex(session["token"])) == 32


async def test_the_key_is_the_node_id(public: Served, peer: PeerClient) -> None:
    body = {"nodeId": peer.node_id, "publicKey": NODE_ID}
    async with await post(public, "/auth/challenge", body) as response:
        await check(response, "POST", "/auth/challenge")
        assert await outcome(response) == (
            400,
            "bad-body",
            "body.publicKey: not the key that nodeId is",
        )


async def test_a_challenge_is_good_once(public: Served, peer: PeerClient) -> None:
    body = peer.answer(await peer.challenge())
    assert await begin(public, body) == (201, "")
    async with await post(public, "/auth/session", body) as response:
        await check(response, "POST", "/auth/session")
        assert "WWW-Authenticate" in response.headers
        assert (await outcome(response))[:2] == (401, "challenge-refused")


async def test_a_challenge_ends(public: Served, node: Node, peer: PeerClient) -> None:
    challenge = await peer.challenge()
    node.now_s = CHALLENGE_MS / 1000
    in_time = await peer.challenge()
    assert await begin(public, peer.answer(challenge)) == (201, "")
    node.now_s = 2 * CHALLENGE_MS / 1000 + 0.001
    assert await begin(public, peer.answer(in_time)) == (401, "challenge-refused")


async def test_a_challenge_is_for_one_node(public: Served, peer: PeerClient) -> None:
    other = PeerClient(public)
    answer = other.answer(await peer.challenge())
    assert await begin(public, answer) == (401, "challenge-refused")


async def test_what_is_signed_binds_network_and_audience(public: Served, peer: PeerClient) -> None:
    for named in ({"network": "other"}, {"audience": "cd" * 32}):
        answer = peer.answer(await peer.challenge(), **named)
        assert await begin(public, answer) == (403, "bad-signature")


@pytest.mark.parametrize(
    ("path", "change", "detail"),
    [
        ("/auth/challenge", {"nodeId": None}, "body.nodeId: "),
        ("/auth/challenge", {"nodeId": "AB" * 32}, "body.nodeId: "),
        ("/auth/challenge", {"publicKey": 7}, "body.publicKey: "),
        ("/auth/session", {"challenge": "ab"}, "body.challenge: "),
        ("/auth/session", {"signature": "ab" * 63}, "body.signature: "),
        ("/auth/session", {"nodeId": [1]}, "body.nodeId: "),
    ],
)
async def test_malformed(
    public: Served, peer: PeerClient, path: str, change: dict[str, Any], detail: str
) -> None:
    good = {"publicKey": peer.node_id} | peer.answer("00" * 32)
    async with await post(public, path, good | change) as response:
        await check(response, "POST", path)
        status, code, told = await outcome(response)
    assert (status, code) == (400, "bad-body")
    assert told.startswith(detail)


async def test_a_new_session_ends_the_one_before(public: Served, peer: PeerClient) -> None:
    await peer.begin()
    earlier = peer.token
    await peer.begin()
    path = "/sync/request"
    asked = peer.request(path, BLOCKS, token=earlier)
    assert (await peer.post(path, asked, token=earlier))[:2] == (401, "session-needed")
    assert (await peer.post(path, peer.request(path, BLOCKS)))[0] == 200


async def test_a_session_ends(public: Served, node: Node, peer: PeerClient) -> None:
    await peer.begin()
    node.now_s = SESSION_MS / 1000 - 0.001
    assert (await peer.post("/sync/request", peer.request("/sync/request", BLOCKS)))[0] == 200
    node.now_s = SESSION_MS / 1000
    refused = await peer.post("/sync/request", peer.request("/sync/request", BLOCKS))
    assert refused[:2] == (401, "session-needed")


async def test_whom_the_node_refuses(public: Served, node: Node, peer: PeerClient) -> None:
    await peer.begin()
    answer = peer.answer(await peer.challenge())
    node.refused[peer.node_id] = "retired"
    async with await post(public, "/auth/session", answer) as response:
        await check(response, "POST", "/auth/session")
        assert (await outcome(response))[:2] == (403, "retired")
    refused = await peer.post("/sync/request", peer.request("/sync/request", BLOCKS))
    assert refused[:2] == (401, "session-needed")


async def test_nobody_learns_of_another_whether_it_is_refused(
    public: Served, node: Node, peer: PeerClient
) -> None:
    answers = []
    for node.refused in ({}, {peer.node_id: "not-a-member"}):
        challenge = await peer.challenge()
        forged = {**peer.answer(challenge), "signature": "ab" * 64}
        async with await post(public, "/auth/session", forged) as response:
            answers.append((await outcome(response))[:2])
    assert answers == [(403, "bad-signature")] * 2


async def test_whose_session_a_request_shows(node: Node, public: Served, peer: PeerClient) -> None:
    await peer.begin()

    def of(value: str | None) -> str | None:
        headers = {} if value is None else {"Authorization": value}
        return node.auth.session_of(make_mocked_request("GET", "/", headers=headers))

    assert of(f"Bearer {peer.token}") == peer.node_id
    for value in (None, "Bearer", "Bearer x", f"Bearer {'zz' * 32}", f"Bearer {'00' * 32}"):
        assert of(value) is None
    assert of(OPERATOR["Authorization"]) is None


# What is signed


async def test_a_request(public: Served, node: Node, peer: PeerClient) -> None:
    await peer.begin()
    headers = {"Authorization": f"Bearer {peer.token}"}
    asked = peer.request("/sync/request", BLOCKS)
    async with public.client.post("/sync/request", json=asked, headers=headers) as response:
        assert response.status == 200
        await check(response, "POST", "/sync/request")
    assert node.records.calls == [("request", [ID, OTHER], False)]


async def test_a_request_is_taken_once(public: Served, node: Node, peer: PeerClient) -> None:
    await peer.begin()
    first = peer.request("/sync/request", BLOCKS)
    second = peer.request("/sync/request", BLOCKS)
    for asked in (second, first):  # they may overtake one another
        assert (await peer.post("/sync/request", asked))[0] == 200
    for asked in (first, second):
        assert (await peer.post("/sync/request", asked))[:2] == (409, "replayed")
    assert len(node.records.calls) == 2
    # Nor in another session of the node.
    await peer.begin()
    refused = await peer.post("/sync/request", first)
    assert refused == (403, "wrong-request", "request.tokenHash: not that of this request")
    assert len(node.records.calls) == 2


async def test_a_request_is_for_one_thing(public: Served, node: Node, peer: PeerClient) -> None:
    await peer.begin()
    here = "/sync/request"
    cases = [
        (peer.request(here, BLOCKS, audience="cd" * 32), "wrong-request", "request.audience"),
        (peer.request(here, BLOCKS, method="PUT"), "wrong-request", "request.method"),
        (peer.request("/sync/metadata", BLOCKS), "wrong-request", "request.path"),
        (peer.request(here + "?x=1", BLOCKS), "wrong-request", "request.path"),
        (peer.request(here, BLOCKS, token="00" * 32), "wrong-request", "request.tokenHash"),
        (peer.request(here, BLOCKS, network="other"), "bad-signature", "request.signature"),
        (peer.sign("batch", "{}"), "bad-signature", "request.signature"),
    ]
    changed = peer.request(here, BLOCKS)
    changed["payload"] = str(changed["payload"]).replace(ID, OTHER)
    cases.append((changed, "bad-signature", "request.signature"))
    for name, value in (("seq", 999), ("epoch", 2), ("timestamp", 0), ("signature", "00" * 64)):
        altered = peer.request(here, BLOCKS) | {name: value}
        cases.append((altered, "bad-signature", "request.signature"))
    for asked, code, where in cases:
        status, told, detail = await peer.post(here, asked)
        assert (status, told) == (403, code), where
        assert detail.startswith(where + ": ")
    assert not node.records.calls


async def test_the_path_has_no_query_of_its_own(public: Served, peer: PeerClient) -> None:
    await peer.begin()
    asked = peer.request("/sync/request", BLOCKS)
    status, code, _ = await peer.post("/sync/request?x=1", asked)
    assert (status, code) == (403, "wrong-request")


async def test_a_token_serves_its_own_node(public: Served, node: Node, peer: PeerClient) -> None:
    other = PeerClient(public)
    await peer.begin()
    await other.begin()
    # The other's signature with our token, whichever session it names.
    for token in (peer.token, other.token):
        asked = other.request("/sync/request", BLOCKS, token=token)
        status, code, _ = await peer.post("/sync/request", asked)
        assert (status, code) == (403, "wrong-node")
    # Our own signature with the other's token.
    asked = peer.request("/sync/request", BLOCKS)
    assert (await peer.post("/sync/request", asked, token=other.token))[0] == 403
    assert not node.records.calls


@pytest.mark.parametrize("headers", [{}, OPERATOR, {"Authorization": "Bearer " + "00" * 32}])
@pytest.mark.parametrize(
    "path", ["/sync/request", "/peers/announce", "/peers/disconnect", f"/blocks/{ID}/location"]
)
async def test_no_session_no_write(
    public: Served, node: Node, peer: PeerClient, path: str, headers: dict[str, str]
) -> None:
    for body in (peer.request(path, BLOCKS, token="00" * 32), BLOCKS, {"held": False}):
        async with await post(public, path, body, **headers) as response:
            assert (await outcome(response))[:2] == (401, "session-needed")
            assert "WWW-Authenticate" in response.headers
    assert not node.records.calls
    assert not node.writes.calls


async def test_a_peers_token_is_none_of_the_operators(
    local: Served, public: Served, peer: PeerClient
) -> None:
    await peer.begin()
    headers = {"Authorization": f"Bearer {peer.token}"}
    for body in (BLOCKS, peer.request("/sync/request", BLOCKS)):
        async with await post(local, "/sync/request", body, **headers) as response:
            assert (await outcome(response))[:2] == (401, "not-authorized")


async def test_malformed_requests(public: Served, node: Node, peer: PeerClient) -> None:
    await peer.begin()
    no_body = json.loads(str(peer.request("/sync/request", {})["payload"])) | {"body": [1]}
    peer.seq += 1
    cases: list[tuple[dict[str, object], str]] = [
        ({}, "body.nodeId: "),
        (peer.request("/sync/request", BLOCKS) | {"seq": "1"}, "body.seq: "),
        (peer.sign("request", "not JSON"), ""),
        (peer.sign("request", "[]"), "request: "),
        (peer.sign("request", "{}"), "request.audience: "),
        (peer.sign("request", json.dumps(no_body)), "request.body: "),
        (peer.request("/sync/request", {"blockIds": ["x"]}), "body.blockIds[0]: "),
        (peer.request("/sync/request", BLOCKS | {"queue": True}), "body.queue: "),
    ]
    for asked, where in cases:
        status, code, detail = await peer.post("/sync/request", asked)
        assert (status, code) == (400, "bad-body"), asked
        assert detail.startswith(where), detail
    assert not node.records.calls


async def test_too_much(public: Served, peer: PeerClient) -> None:
    await peer.begin()
    headers = {"Authorization": f"Bearer {peer.token}"}
    data = b" " * (256 * 1024 + 1)
    async with public.client.post("/sync/request", data=data, headers=headers) as response:
        assert response.status == 413
        await check(response, "POST", "/sync/request")
    asked = peer.request("/sync/request", {"x": "y" * 160 * 1024})
    assert (await peer.post("/sync/request", asked))[:2] == (400, "bad-body")
    most = {"blockIds": [f"{number:0128x}" for number in range(1000)]}
    assert (await peer.post("/sync/request", peer.request("/sync/request", most)))[0] == 200


# What peers write


async def test_an_announcement(public: Served, node: Node, peer: PeerClient) -> None:
    await peer.begin()
    advertised = peer.sign("advertisement", "{}", seq=5)
    asked = peer.request("/peers/announce", {"advertisement": advertised})
    headers = {"Authorization": f"Bearer {peer.token}"}
    async with public.client.post("/peers/announce", json=asked, headers=headers) as response:
        assert response.status == 202
        await check(response, "POST", "/peers/announce")
    assert node.writes.calls == [("advertised", peer.node_id, "{}", "127.0.0.1")]


async def test_disconnecting_oneself(public: Served, node: Node, peer: PeerClient) -> None:
    await peer.begin()
    path = "/peers/disconnect"
    assert (await peer.post(path, peer.request(path, {})))[:2] == (404, "peer-not-linked")
    node.records.linked.add(peer.node_id)
    assert await peer.post(path, peer.request(path, {})) == (204, "", "")
    assert (await peer.post(path, peer.request(path, {"nodeId": peer.node_id})))[0] == 204
    others = next(iter(node.records.linked - {peer.node_id}))
    refused = await peer.post(path, peer.request(path, {"nodeId": others}))
    assert refused[:2] == (403, "wrong-node")
    assert node.records.calls == 3 * [("disconnect", peer.node_id)]


@pytest.mark.parametrize(
    ("path", "kind", "block_id"),
    [
        ("/sync/metadata", "METADATA", None),
        ("/sync/temperature", "TEMPERATURE", None),
        (f"/blocks/{ID}/temperature", "TEMPERATURE", ID),
        (f"/blocks/{ID}/location", "LOCATION", ID),
    ],
)
async def test_batches(
    public: Served, node: Node, peer: PeerClient, path: str, kind: str, block_id: str | None
) -> None:
    await peer.begin()
    described = path.replace(ID, "{block_id}")
    body = {"batches": [peer.sign("batch", "a", seq=1), peer.sign("batch", "b", seq=2)]}
    headers = {"Authorization": f"Bearer {peer.token}"}
    failures: list[tuple[Exception | None, int]] = [
        (None, 200),
        (RequestRefused("not-carried", "body.batches: x"), 409),
        (RequestRefused("bad-signature", "body.batches[0].signature: x"), 403),
        (DecodeError("body.batches[0].payload: x"), 400),
        (Busy("x"), 503),
    ]
    for failure, status in failures:
        node.writes.failure = failure
        asked = peer.request(path, body)
        async with public.client.post(path, json=asked, headers=headers) as response:
            assert response.status == status
            await check(response, "POST", described)
            if failure is None:
                assert await response.json() == {"accepted": 2}
            elif status != 503:
                assert (await response.json())["detail"] == str(failure)
    assert node.writes.calls == 5 * [("take", peer.node_id, ["a", "b"], kind, block_id)]


async def test_malformed_batches(public: Served, node: Node, peer: PeerClient) -> None:
    await peer.begin()
    path = "/sync/metadata"
    good = peer.sign("batch", "a", seq=1)
    for batches, where in (
        (None, "body.batches: "),
        ({}, "body.batches: "),
        ([good, 1], "body.batches[1]: "),
        ([good | {"epoch": 0}], "body.batches[0].epoch: "),
        ([good] * 65, "body.batches: "),
    ):
        status, code, detail = await peer.post(path, peer.request(path, {"batches": batches}))
        assert (status, code) == (400, "bad-body")
        assert detail.startswith(where)
    assert not node.writes.calls
