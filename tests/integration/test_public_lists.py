"""No public list asks the database more when there is more in it."""

from datetime import date

import pytest
from flask.testing import FlaskClient

from portal.bases.models import Article, Basis
from portal.db import db
from portal.discretion.models import DiscretionStandard, DiscretionTier, Tier
from portal.organs.models import Organ
from portal.powers.models import PowerGround
from tests.counting import counted_queries
from tests.factories.decisions import make_decision
from tests.factories.organs import make_organ, make_power, transfer

pytestmark = pytest.mark.every_case_on_postgresql

# The rows with their count or after it, what hangs on them, and what the filters offer to choose from.
MOST = {"/decisions": 2, "/organs": 2, "/powers": 5, "/bases": 3, "/discretion": 5}


def publish(number: int) -> Organ:
    """Add one of each, with all that a row shows."""
    organ = make_organ()
    make_decision(organ=organ)
    basis = Basis(slug=f"test-{number}", title=f"虚构市第{number}号条例", work=f"test-{number}")
    basis.articles = [Article(number=3, suffix=0, position=0, label="第三条", text="虚构。", chapter="")]
    standard = DiscretionStandard(code=f"CL-{number}", violation="虚构", organ=organ, article=basis.articles[0])
    standard.tiers = [DiscretionTier(position=0, tier=Tier.NORMAL, condition="虚构")]
    power = make_power(organ)
    power.grounds = [PowerGround(article=basis.articles[0])]
    transfer(power, make_organ(), date(2020, 1, 1), None)
    db.session.add_all([basis, standard])
    return organ


@pytest.mark.parametrize("path", MOST)
def test_list_asks_a_fixed_number_of_questions(client: FlaskClient, path: str) -> None:
    asked = []
    for numbers in (range(2), range(2, 24)):
        for number in numbers:
            publish(number)
        db.session.commit()
        with counted_queries() as seen:
            assert client.get(path).status_code == 200
        asked.append(len(seen))
    assert asked[0] == asked[1]
    assert asked[1] <= MOST[path]
