"""Templates of replies, and the grounds on which a case may be refused."""

from portal.reply_drafts import rules
from portal.reply_drafts.queries import load_grounds


def test_placeholders_are_filled_once() -> None:
    body = "编号{number}，由{handler}办理。{number}"
    assert rules.fill(body, {"number": "{handler}", "handler": "甲局"}) == "编号{handler}，由甲局办理。{handler}"
    assert rules.find_unknown(body + "{sender_name}{}{number}") == ["sender_name", ""]
    assert rules.find_unknown(" ".join(f"{{{name}}}" for name in rules.PLACEHOLDERS)) == []


def test_no_placeholder_tells_who_sent_it() -> None:
    assert not {"sender", "name", "phone", "address"} & set(rules.PLACEHOLDERS)


def test_market_regulation_has_six_grounds_of_its_own() -> None:
    own = rules.fitting(load_grounds(), "market-complaint")
    assert len(own) == 6
    assert all("第十五条" in ground.article and "article 15" in ground.article_en for ground in own)
    assert [ground.key for ground in own if ground.elsewhere] == ["market-remit"]


def test_other_kinds_share_the_general_grounds() -> None:
    general = rules.fitting(load_grounds(), "conduct")
    assert {ground.key for ground in general} == {"remit", "settled", "repeated", "unclear"}
    assert all(ground.name and ground.name_en and ground.article and ground.article_en for ground in general)


def test_a_finding_is_for_what_can_be_founded() -> None:
    assert [rules.needs_finding(kind) for kind in ("conduct", "report", "question", "suggestion")] == [
        True, True, False, False,
    ]  # fmt: skip
