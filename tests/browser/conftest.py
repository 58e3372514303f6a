"""A real Chromium, and three nodes to look at."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.integration.support.node import Node
from tests.integration.support.nodes import Nodes

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))


class Three(NamedTuple):
    """The node whose page is looked at, and two that have dialled it."""

    node: Node
    second: Node
    third: Node

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.node.http_port}/"


class Seen:
    """What a page said and asked for while it was open."""

    def __init__(self, page: "Page") -> None:
        self.console: list[str] = []
        self.errors: list[str] = []
        self.requested: list[str] = []
        page.on("console", lambda message: self.console.append(message.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.requested.append(request.url))
        page.on("websocket", lambda socket: self.requested.append(socket.url))


NewPage = Callable[..., Awaitable[tuple[Any, Seen]]]


@pytest.fixture
async def three(tmp_path: Path) -> AsyncIterator[Three]:
    def region(name: str) -> str:
        return f'[node]\nregion = "{name}"\n'

    # The node's own records tell nothing in time; those of the second come at once.
    late, soon = "[batch]\ninterval = 60000\n", "[batch]\ninterval = 200\n"

    async with Nodes(tmp_path) as nodes:
        # People have the limits that the node comes with, and so has the page.
        usual = "[rate_limit]\n"
        node = await nodes.start("node", more_config=region("eu-west") + late + usual)
        second = await nodes.start(
            "second", dials=[node.ws_port], more_config=region("eu-west") + soon
        )
        third = await nodes.start("third", dials=[node.ws_port], more_config=region("us-east"))
        await node.linked_with(second)
        await node.linked_with(third)
        yield Three(node, second, third)


@pytest.fixture
async def browser() -> "AsyncIterator[Browser]":
    from playwright.async_api import async_playwright  # noqa: PLC0415 -- there in CI alone

    async with async_playwright() as playwright:
        # Without its sandbox, since CI is root, who cannot have it; all it opens is ours.
        started = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield started
        await started.close()


@pytest.fixture
async def new_page(browser: "Browser") -> AsyncIterator[NewPage]:
    """Open a page in a context of its own: `await new_page(url, **options of the context)`."""
    async with AsyncExitStack() as stack:

        async def opened(url: str, init: str = "", **options: Any) -> tuple[Any, Seen]:
            context = await browser.new_context(**options)
            stack.push_async_callback(context.close)
            page = await context.new_page()
            seen = Seen(page)
            if init:
                await page.add_init_script(init)
            await page.goto(url)
            return page, seen

        yield opened
