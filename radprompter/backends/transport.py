"""HTTP to one address: connections that are kept and shared, and bodies that are bounded while they are read."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Mapping
from typing import NamedTuple

import aiohttp

from radprompter.backends.endpoint import Address
from radprompter.backends.failing import FailureError
from radprompter.version import __version__

CONNECT_TIMEOUT_S = 15.0

IDLE_S = 4.0
"""How long an unused connection is kept: uvicorn, which vLLM runs in, closes its own after 5 s, and a request that is
sent at that moment is lost."""

MOST_BYTES = 16 * 2**20
"""Size of the longest answer that is read; thinking of 100,000 tokens takes less than half a MiB."""

MOST_ERROR_BYTES = 2**18
"""How much is read of an error; its status says enough."""

LARGE_BYTES = 2**20
"""A body from this size on is sent in parts, so that other requests are not held up."""


class Response(NamedTuple):
    """A response; names of `headers` may be written in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """Posts to one address. Must be made and used on the loop that its requests run on.

    It follows no redirect, checks certificates, keeps no cookies and reads neither proxies nor passwords from the
    environment by itself: where a request goes is said by the address alone.
    """

    def __init__(self, address: Address) -> None:
        self.address = address
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE_S),
            headers={
                **address.headers,
                "content-type": "application/json",
                "accept": "application/json",
                "accept-encoding": "identity",  # a small body could unpack to a huge one
                "user-agent": f"radprompter/{__version__}",
            },
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
        )

    async def post(self, body: bytes, *, until: float) -> Response:
        """The response to a body of JSON, whatever its status.

        Parameters
        ----------
        body:
            What is sent.
        until:
            Time of the loop at which it is given up.

        Raises
        ------
        FailureError
            ``timeout`` or ``connection`` if none came, ``too_large`` if it has more than `MOST_BYTES`.
        """
        content = body if len(body) < LARGE_BYTES else io.BytesIO(body)
        url, proxy = self.address.url, self.address.proxy
        try:
            async with (
                asyncio.timeout_at(until),
                self._session.post(url, data=content, proxy=proxy, allow_redirects=False) as response,
            ):
                return Response(response.status, response.headers, await _read(response))
        except TimeoutError:
            kind = "timeout"
        except (aiohttp.ClientError, OSError, ValueError):
            kind = "connection"
        raise FailureError(kind, retryable=True, congested=True)  # not in the block: its error holds the key

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The body, or the beginning of that of an error."""
    is_error = response.status >= 300
    most = MOST_ERROR_BYTES if is_error else MOST_BYTES
    announced = response.content_length
    if announced is not None and announced <= most:
        return await response.read()
    parts: list[bytes] = []
    n_bytes = 0
    if announced is None or is_error:
        async for part in response.content.iter_any():
            parts.append(part)
            n_bytes += len(part)
            if n_bytes > most:
                break
        else:
            return b"".join(parts)
    response.close()
    if is_error:
        return b"".join(parts)[:most]
    raise FailureError("too_large")
