"""A page in a real browser, that must neither say nor ask for anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def open_quietly(browser: Any, path: Path, width: int, scheme: str) -> Any:
    """Open a file in a window of some width and colour scheme; no message, dialog, request or sideways scrolling."""
    tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    said: list[str] = []
    asked: list[str] = []
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(f"file://{path}")
    assert said == [] and asked == [f"file://{path}"]
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    return tab
