"""Debian's Prometheus with the alerts that are shipped, in a hurry."""

import asyncio
import json
import re
import socket
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import aiohttp

from tests.monitoring.files import RULES

SCRAPED_S = 30.0
FIRES_S = 30.0


class Prometheus:
    """One that scrapes `targets` (`host:port`) and judges five times a second.

    It waits for no alert's `for`. What it keeps is below `folder`.
    """

    def __init__(self, folder: Path, targets: Sequence[str]) -> None:
        self._folder = folder
        self._targets = list(targets)

    async def __aenter__(self) -> "Prometheus":
        hasty = re.sub(r"\n +for: \w+", "", RULES.read_text())
        (self._folder / "rules.yml").write_text(hasty)
        job = {
            "job_name": "edgenode",
            "scrape_timeout": "200ms",
            "static_configs": [{"targets": self._targets}],
        }
        config = {
            "global": {"scrape_interval": "200ms", "evaluation_interval": "200ms"},
            "rule_files": ["rules.yml"],
            "scrape_configs": [job],
        }
        (self._folder / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML
        with socket.create_server(("127.0.0.1", 0)) as free:
            address = f"127.0.0.1:{free.getsockname()[1]}"
        self._url = f"http://{address}/api/v1"
        self._session = aiohttp.ClientSession()
        self._process = await asyncio.create_subprocess_exec(
            "prometheus",
            f"--config.file={self._folder}/prometheus.yml",
            f"--storage.tsdb.path={self._folder}/tsdb",
            f"--web.listen-address={address}",
            "--log.level=error",
            cwd=self._folder,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._session.close()
        self._process.terminate()
        await self._process.wait()

    async def values(self, query: str) -> dict[str, str]:
        """Return the values of a query by instance."""
        data = await self._ask("query", {"query": query}) or {"result": []}
        return {one["metric"]["instance"]: one["value"][1] for one in data["result"]}

    async def firing(self, alert: str) -> set[str]:
        """Return the instances for which an alert fires."""
        data = await self._ask("alerts", {}) or {"alerts": []}
        return {
            one["labels"]["instance"]
            for one in data["alerts"]
            if one["labels"]["alertname"] == alert and one["state"] == "firing"
        }

    async def _ask(self, what: str, parameters: dict[str, str]) -> Any:
        """Return the `data` of an answer, None while it does not answer yet."""
        try:
            async with self._session.get(f"{self._url}/{what}", params=parameters) as response:
                return (await response.json())["data"] if response.status == 200 else None
        except aiohttp.ClientConnectionError:
            return None
