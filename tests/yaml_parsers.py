"""The parsers that a machine may have for a model file: what is read and said must not depend on them."""

from __future__ import annotations

from typing import Any

import yaml
from yaml.scanner import ScannerError


class Refusing(yaml.SafeLoader):
    """Refuses the thousandth level, as libyaml from 0.2.6 on does and PyYAML's own parser does not."""

    def fetch_flow_collection_start(self, token: Any) -> None:
        self.refuse_deeper("flow")
        super().fetch_flow_collection_start(token)

    def add_indent(self, column: int) -> bool:
        self.refuse_deeper("block")
        return super().add_indent(column)

    def refuse_deeper(self, kind: str) -> None:
        if self.flow_level + len(self.indents) >= 1000:
            mark = self.get_mark()
            raise ScannerError(f"while increasing {kind} level", mark, "exceeded maximum nesting depth", mark)


PARSERS: dict[str, Any] = {"PyYAML": yaml.SafeLoader, "that refuses": Refusing}
if yaml.__with_libyaml__:
    PARSERS["libyaml"] = yaml.CSafeLoader
