"""Routes that learn late to build their addresses build the same ones."""

from typing import Any

import pytest
from werkzeug.routing import BuildError, Map, Rule

from portal.web import LateRule


def make_map(kind: type[Rule]) -> Map:
    return Map([kind("/organs", endpoint="list"), kind("/organs/<slug>/<int:number>", endpoint="one")])


@pytest.mark.parametrize(
    ("endpoint", "values"),
    [
        ("list", {}),
        ("list", {"page": 2, "q": "食品 &"}),
        ("one", {"slug": "城管/局", "number": 7}),
        ("one", {"slug": "a", "number": 7, "lang": "en"}),
    ],
)
def test_addresses_are_those_of_any_route(endpoint: str, values: dict[str, Any]) -> None:
    addresses = {make_map(kind).bind("portal.test").build(endpoint, values) for kind in (Rule, LateRule)}
    assert len(addresses) == 1


def test_values_that_no_address_holds_are_refused() -> None:
    with pytest.raises(BuildError):
        make_map(LateRule).bind("portal.test").build("one", {"slug": "a"})


def test_builders_are_made_once_and_late(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[bool] = []
    real = Rule._compile_builder

    def note(rule: Rule, append_unknown: bool = True) -> Any:
        made.append(append_unknown)
        return real(rule, append_unknown)

    monkeypatch.setattr(Rule, "_compile_builder", note)
    adapter = make_map(LateRule).bind("portal.test")
    assert made == []
    assert [adapter.build("list") for _ in range(3)] == ["/organs"] * 3
    assert len(made) == 1
