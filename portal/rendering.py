"""How templates become pages at less cost: what does not change from request to request is made once.

`{% kept "name", … %}…{% endkept %}` keeps what it holds for the language in force and for the values behind its name,
which must be all that it depends on. Inside, nothing of one reader or one request may be written. None among the
values means that nothing is to be kept this time.
"""

from collections.abc import Callable, MutableMapping
from typing import Any

from flask import Flask
from flask.templating import Environment
from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.parser import Parser
from markupsafe import Markup

# A row takes half a kilobyte, a form some. When there are more pieces, all are made anew.
MOST_PIECES = 2000


class KeptPieces(Extension):
    """The tag; see the module."""

    tags = {"kept"}  # noqa: RUF012 - declared so by Jinja.

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.pieces: dict[tuple[object, ...], Markup] = {}
        # A filter, because Jinja calls it at once; what it calls as a function, it looks at from all sides first.
        environment.filters["find_kept"] = self.pieces.get
        # Rows of the database compare themselves at length; what they hold does not.
        environment.filters["cells"] = tuple

    def parse(self, parser: Parser) -> list[nodes.Node]:
        """Read the tag, its values, and what it holds."""
        line = next(parser.stream).lineno
        values: list[nodes.Expr] = [nodes.Name("locale", "load"), parser.parse_expression()]
        while parser.stream.skip_if("comma"):
            values.append(parser.parse_expression())
        body = parser.parse_statements(("name:endkept",), drop_needle=True)
        key, piece = parser.free_identifier(), parser.free_identifier()
        made = nodes.CallBlock(self.call_method("make", [key]), [], [], body)
        found = nodes.Filter(key, "find_kept", [], [], None, None)
        missing = nodes.Test(piece, "none", [], [], None, None)
        return [
            nodes.Assign(key, nodes.Tuple(values, "load")).set_lineno(line),
            nodes.Assign(piece, found).set_lineno(line),
            nodes.If(missing, [made], [], [nodes.Output([nodes.MarkSafe(piece)])]).set_lineno(line),
        ]

    def make(self, key: tuple[object, ...], caller: Callable[[], Markup]) -> Markup:
        """Return a piece made now, and keep it."""
        piece = caller()
        if None not in key:
            if len(self.pieces) >= MOST_PIECES:
                self.pieces.clear()
            self.pieces[key] = piece
        return piece


class Templates(Environment):
    """Templates that all see the same globals, so that none has to ask another which it has."""

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """Return the globals of a template: a plain dictionary, which Jinja reads many times faster than its own."""
        return super().make_globals(d) if d else self.globals


def init_app(app: Flask) -> None:
    """Have an application render its templates so; to be called before anything asks for them."""
    app.jinja_environment = Templates
    app.jinja_env.add_extension(KeptPieces)
