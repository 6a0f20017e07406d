"""A visitor without a browser: speaks with a running application as a browser does, for a hundredth of what one costs.

The browser and the application exchange Protocol Buffers over a WebSocket: the browser sends the address it shows and
what was clicked, the application sends what to draw. A `Visitor` sends the same and looks at what comes for exceptions,
messages and widgets. What is drawn of it only a browser shows.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

import websockets.asyncio.client
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

FINISHED = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)

NOT_A_FRAGMENT = ForwardMsg.FINISHED_SUCCESSFULLY

LARGEST = 1 << 28
"""Bytes of a message that are taken."""


@dataclass
class Drawn:
    """What one answer drew: seconds until its end, bytes, exceptions, messages (kind, text), widgets, all other texts.

    `widgets` has (kind, label, identity) of each, in order.
    """

    seconds: float = 0.0
    bytes: int = 0
    exceptions: list[str] = field(default_factory=list)
    messages: list[tuple[str, str]] = field(default_factory=list)
    widgets: list[tuple[str, str, str]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def said(self, kind: str) -> list[str]:
        """The messages of a kind: error, warning, info or success."""
        return [text for each, text in self.messages if each == kind]


class Visitor:
    """One session: `async with Visitor(address) as visitor: await visitor.open("memory", model="ptb")`."""

    def __init__(self, address: str, patience: float = 120, headers: dict[str, str] | None = None):
        self.address, self.patience, self.headers = address.rstrip("/"), patience, headers or {}
        self._pages: dict[str, str] = {}
        self._page, self._query, self._values = "", "", {}

    async def __aenter__(self) -> Visitor:
        parts = urlsplit(self.address)
        scheme = "wss" if parts.scheme == "https" else "ws"
        self._socket = await websockets.asyncio.client.connect(
            f"{scheme}://{parts.netloc}{parts.path}/_stcore/stream",
            subprotocols=["streamlit"],
            max_size=LARGEST,
            additional_headers=self.headers,
            open_timeout=self.patience,
            ping_timeout=None,
            proxy=None,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._socket.close()

    async def open(self, page: str = "", **parameters: Any) -> Drawn:
        """Go to a page as by a link, and wait until it is drawn."""
        self._page, self._query, self._values = page, urlencode(parameters), {}
        return await self._ask()

    async def set(self, widget: str, **value: Any) -> Drawn:
        """Change a widget by its identity, for example `string_value="brackets"`, and wait until all is drawn."""
        self._values[widget] = value
        drawn = await self._ask()
        if "trigger_value" in value:
            del self._values[widget]
        return drawn

    async def _ask(self) -> Drawn:
        message = BackMsg()
        asked = message.rerun_script
        asked.query_string = self._query
        asked.page_script_hash = self._pages.get(self._page, "")
        asked.page_name = "" if asked.page_script_hash else self._page
        asked.context_info.url = f"{self.address}/{self._page}"
        asked.context_info.timezone, asked.context_info.locale = "UTC", "en-US"
        asked.context_info.color_scheme = "light"
        for identity, value in self._values.items():
            state = asked.widget_states.widgets.add(id=identity)
            for kind, given in value.items():
                setattr(state, kind, given)
        began, drawn = time.perf_counter(), Drawn()
        await self._socket.send(message.SerializeToString())
        async with asyncio.timeout(self.patience):
            while not self._take(await self._socket.recv(), drawn):
                pass
        drawn.seconds = time.perf_counter() - began
        return drawn

    def _take(self, content: bytes | str, drawn: Drawn) -> bool:
        """Take one message of the answer; whether it was the last."""
        message = ForwardMsg()
        message.ParseFromString(content)
        drawn.bytes += len(content)
        kind = message.WhichOneof("type")
        if kind == "navigation":
            self._pages = {
                "" if page.is_default else page.url_pathname: page.page_script_hash
                for page in message.navigation.app_pages
            }
        elif kind == "new_session":  # the script begins, perhaps once more: what was drawn before does not count
            drawn.exceptions, drawn.messages, drawn.widgets, drawn.texts = [], [], [], []
        elif kind == "page_info_changed":
            self._query = message.page_info_changed.query_string.lstrip("?")
        elif kind == "session_event" and message.session_event.WhichOneof("type") == "script_compilation_exception":
            drawn.exceptions.append(message.session_event.script_compilation_exception.message)
        elif kind == "delta":
            self._look(message, drawn)
        return kind == "script_finished" and message.script_finished in FINISHED

    def _look(self, message: ForwardMsg, drawn: Drawn) -> None:
        if message.delta.WhichOneof("type") != "new_element":
            return
        element = message.delta.new_element
        kind = element.WhichOneof("type")
        shown = getattr(element, kind) if kind else None
        if kind == "exception":
            drawn.exceptions.append(f"{shown.type}: {shown.message} {' '.join(shown.stack_trace)}")
        elif kind == "alert":
            drawn.messages.append((shown.Format.Name(shown.format).lower(), shown.body))
        elif hasattr(shown, "body"):
            drawn.texts.append(shown.body)
        if hasattr(shown, "id") and hasattr(shown, "label") and shown.id:
            drawn.widgets.append((kind, shown.label, shown.id))
