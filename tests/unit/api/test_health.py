"""`/healthz` and `/readyz`: what the checks find, within a time that a probe waits for."""

import asyncio

import pytest

from edgenode.api import health

from .conftest import Node, Served
from .test_openapi import check


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_well(local: Served, path: str) -> None:
    async with local.client.get(path) as response:
        assert response.status == 200
        assert await response.json() == {"status": "ok"}
        assert response.headers["Cache-Control"] == "no-store"


async def test_what_is_wrong_is_said(local: Served, node: Node) -> None:
    async def full() -> str:
        return "the state database: disk I/O error"

    node.wrong = full
    node.unready = "the blocks are being counted"
    for path, code, detail in (
        ("/healthz", "not-alive", "the state database: disk I/O error"),
        ("/readyz", "not-ready", "the blocks are being counted"),
    ):
        async with local.client.get(path) as response:
            assert response.status == 503
            problem = await response.json()
            assert problem["type"] == "urn:edgenode:problem:" + code
            assert problem["detail"] == detail
            await check(response, "GET", path)


async def test_a_disk_that_hangs_is_answered_for_in_time(
    local: Served, node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = asyncio.Event()

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    monkeypatch.setattr(health, "DEADLINE_SECONDS", 0.05)
    node.wrong = hang
    async with asyncio.timeout(10), local.client.get("/healthz") as response:
        assert response.status == 503
        assert "no answer from the disk" in (await response.json())["detail"]
    assert ended.is_set()


@pytest.mark.parametrize("path", ["/metrics", "/healthz", "/readyz"])
async def test_not_for_everyone(public: Served, path: str) -> None:
    async with public.client.get(path) as response:
        assert response.status == 404
