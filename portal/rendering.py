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
from jinja2.compiler import CodeGenerator, Frame
from jinja2.environment import Template
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


class Code(CodeGenerator):
    """Writes the code of templates: what is marked as safe is put out as it is, not wrapped and escaped first.

    Only the tag above marks pieces so, and what it keeps is the text of a piece.
    """

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo) -> None:
        if isinstance(node, nodes.MarkSafe):
            self.write("(")
        else:
            super()._output_child_pre(node, frame, finalize)

    def visit_MarkSafe(self, node: nodes.MarkSafe, frame: Frame) -> None:  # noqa: N802 - named so by Jinja.
        """Write what is marked, which is text already."""
        self.visit(node.expr, frame)


class Templates(Environment):
    """Templates that all see the same globals, so that none has to ask another which it has."""

    code_generator_class = Code

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.made: dict[str | Template, Template] = {}

    def get_template(self, name: str | Template, *arguments: Any, **options: Any) -> Template:
        """Return a template, found again by its name alone: a page asks for seven. None has globals of its own."""
        found = None if self.auto_reload else self.made.get(name)
        if found is None:
            found = self.made[name] = super().get_template(name, *arguments, **options)
        return found

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """Return the globals of a template: a plain dictionary, which Jinja reads many times faster than its own."""
        return super().make_globals(d) if d else self.globals


def init_app(app: Flask) -> None:
    """Have an application render its templates so; to be called before anything asks for them."""
    app.jinja_environment = Templates
    app.jinja_env.add_extension(KeptPieces)
