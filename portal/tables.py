"""Every table of the portal, so that whoever imports this knows the whole schema."""

from portal import data_version, limits
from portal.accountability import models as accountability
from portal.accounts import models as accounts
from portal.audit import models as audit
from portal.bases import models as bases
from portal.calendar import models as calendar
from portal.calls import models as calls
from portal.case_clocks import models as case_clocks
from portal.case_transfers import models as case_transfers
from portal.case_types import models as case_types
from portal.complaint_publication import models as complaint_publication
from portal.complaint_words import models as complaint_words
from portal.complaint_worklists import models as complaint_worklists
from portal.complaints import models as complaints
from portal.contacts import models as contacts
from portal.decisions import models as decisions
from portal.discretion import models as discretion
from portal.imports import models as imports
from portal.messages import models as messages
from portal.organs import models as organs
from portal.parties import models as parties
from portal.permits import models as permits
from portal.powers import models as powers
from portal.procedures import models as procedures
from portal.rectifications import models as rectifications
from portal.reply_drafts import models as reply_drafts
from portal.revisits import models as revisits
from portal.risk_periods import models as risk_periods
from portal.search import models as search
from portal.supervisions import models as supervisions
from portal.transparency import models as transparency
from portal.wordings import models as wordings

ALL = (
    accountability,
    accounts,
    audit,
    bases,
    calendar,
    calls,
    case_clocks,
    case_transfers,
    case_types,
    complaint_words,
    complaint_worklists,
    complaint_publication,
    complaints,
    contacts,
    data_version,
    decisions,
    discretion,
    imports,
    limits,
    messages,
    organs,
    parties,
    permits,
    powers,
    procedures,
    rectifications,
    reply_drafts,
    revisits,
    risk_periods,
    search,
    supervisions,
    transparency,
    wordings,
)
