"""A page as its elements and tables, read back from its HTML."""

from __future__ import annotations

from html.parser import HTMLParser


class Outline(HTMLParser):
    """Counts open elements and collects ids and links."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        self.ids += [found["id"]] if found.get("id") else []
        self.targets += [found["href"]] if tag == "a" else []
        if tag not in ("meta", "link", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


class Tables(HTMLParser):
    """The tables as ``(caption, rows)``, a row as the texts of its cells; a head of several rows stands in each."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tables: list[tuple[str, list[list[str]]]] = []
        self._texts: list[str] | None = None
        self._spanning: tuple[str, int] = ("", 0)
        self._span = 1
        self.feed(page)

    def find(self, caption: str) -> list[list[str]]:
        """The rows of the one table with a caption, without its head."""
        [rows] = [rows for found, rows in self.tables if found == caption]
        return rows[1:]

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.tables.append(("", []))
        elif tag == "tr":
            head, left = self._spanning
            self.tables[-1][1].append([head] if left else [])
            self._spanning = (head, max(0, left - 1))
        elif tag in ("td", "th", "caption"):
            self._texts = []
            self._span = int(dict(attributes).get("rowspan") or 1)
            assert tag != "th" or dict(attributes).get("scope")

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("td", "th", "caption") or self._texts is None:
            return
        text = " ".join("".join(self._texts).split())
        if tag == "caption":
            self.tables[-1] = (text, self.tables[-1][1])
        else:
            self.tables[-1][1][-1].append(text)
            if self._span > 1:
                self._spanning = (text, self._span - 1)
        self._texts = None

    def handle_data(self, data: str) -> None:
        if self._texts is not None:
            self._texts.append(f"{data} ")
