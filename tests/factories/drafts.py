"""Drafts full of invented personal data, as staff type them."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from portal import clock
from portal.accounts.models import Staff
from portal.decisions.models import Decision, DecisionKind
from portal.decisions.service import Content, PartyDetails, create_draft
from portal.organs.models import Organ
from portal.parties.models import PartyKind

# Nothing of this may ever be read in public; all of it is invented.
PERSONAL = {
    "party": "张虚构",
    "witness": "王五证",
    "informant": "赵六",
    "operator": "欧阳小明",
    "identity_number": "410883199001011234",
    "phone": "13800138011",
    "landline": "0391-8812345",
    "card": "6222021234567890123",
    "plate": "豫H12345",
    "street": "虚构花园",
    "door": "3单元501室",
    "wechat": "zhang_xugou88",
}
# This is the authority's own, and stays.
OWN = {"account": "7111010189800000162", "hotline": "0391-8123456", "card": "16080123456"}
FACTS = (
    "当事人张虚构，男，汉族，身份证号410883199001011234，住孟州市大定街道虚构花园3号楼3单元501室，电话138 0013 8011，"
    "微信号zhang_xugou88。经查，张虚构驾驶豫H12345占道经营，证人王五证、举报人赵六（电话0391-8812345）予以证实，"
    "货款转入其银行卡6222021234567890123。执法人员李执法（16080123456）到场检查。"
)
CONTENT = (
    "对张虚构罚款1000元，缴至孟州市财政局，开户银行：虚构银行，账号：7111010189800000162。咨询电话：0391-8123456。"
)


def make_draft(organ: Organ, staff: Staff, *, number: int = 1, **changes: Any) -> Decision:
    """Type a draft about a natural person, full of personal data; other values by name of the content's field."""
    party = changes.pop("party", PartyDetails(kind=PartyKind.PERSON, name="张虚构"))
    values: dict[str, Any] = {
        "kind": DecisionKind.PENALTY,
        "organ_id": organ.id,
        "document_number": f"虚监罚〔2026〕{number}号",
        "title": "张虚构占道经营：罚款1000元",
        "decided_on": clock.today() - timedelta(days=3),
        "violation": "张虚构占道经营",
        "facts": FACTS,
        "basis_text": "《虚构条例》第三条",
        "content": CONTENT,
        "measures": ["罚款"],
        "fine": Decimal(1000),
        "place": "孟州市大定街道虚构花园3号楼",
        "note": "联系人赵六，手机13800138011",
    }
    return create_draft(staff=staff, party=party, content=Content(**(values | changes)))
