"""The styles of a workbook: which cells are locked, and plain styles added for dates and headings."""

from __future__ import annotations

from runner.sheets.placed import Document, Element

_AFTER_FONTS = "fills borders cellStyleXfs cellXfs cellStyles dxfs tableStyles colors extLst"


class Styles:
    """The styles part; None where the workbook has none, and then there is nothing to be added to."""

    def __init__(self, document: Document | None) -> None:
        self._document = document
        self._formats = document.root.find("cellXfs") if document else None
        self._known: dict[tuple[int, bool], int | None] = {}
        self._added = 0
        self._fonts = 0

    def of_format(self, number_format: int, *, bold: bool = False) -> int | None:
        """The number of a plain style with this number format, added where there is none; None without styles."""
        key = (number_format, bold)
        if key not in self._known:
            self._known[key] = self._find(number_format) if not bold else None
            if self._known[key] is None:
                self._known[key] = self._add(number_format, bold=bold)
        return self._known[key]

    def unlocked(self) -> frozenset[int]:
        """The styles whose cells may be changed in a protected sheet."""
        if self._formats is None:
            return frozenset()
        return frozenset(
            at
            for at, one in enumerate(self._formats.children)
            if (rule := one.find("protection")) and rule.get("locked") in {"0", "false"}
        )

    def _find(self, number_format: int) -> int | None:
        wanted = {
            "numFmtId": str(number_format), "fontId": "0", "fillId": "0", "borderId": "0", "xfId": "0", "applyNumberFormat": "1"
        }  # fmt: skip
        children = self._formats.children if self._formats else []
        return next(
            (at for at, one in enumerate(children) if one.attributes == wanted and not one.children), None
        )

    def _add(self, number_format: int, *, bold: bool) -> int | None:
        if self._document is None or self._formats is None:
            return None
        font = self._bold_font() if bold else 0
        prefix = self._formats.prefix
        xml = (
            f'<{prefix}xf numFmtId="{number_format}" fontId="{font}" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"'
            + (' applyFont="1"/>' if bold else "/>")
        )
        self._document.append(self._formats, xml.encode())
        number = len(self._formats.children) + self._added
        self._added += 1
        self._document.set(self._formats, "count", str(number + 1))
        return number

    def _bold_font(self) -> int:
        """A copy of the first font, in bold; 0 where there are no fonts."""
        fonts = self._document.root.find("fonts") if self._document else None
        if fonts is None or not fonts.children or self._document is None:
            return 0
        first: Element = fonts.children[0]
        inside = self._document.data[first.inner : first.inner_end] if first.inner_end > first.inner else b""
        prefix = fonts.prefix.encode()
        bold = b"" if first.find("b") else b"<" + prefix + b"b/>"
        self._document.append(fonts, b"<" + prefix + b"font>" + bold + inside + b"</" + prefix + b"font>")
        self._fonts += 1
        number = len(fonts.children) + self._fonts - 1
        self._document.set(fonts, "count", str(number + 1))
        return number
