"""Permits as rows of a spreadsheet: the intake that reads, decides on and writes them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from portal.imports.rules import FIGURES, Decided, Draft, Intake, Step
from portal.permit_imports import queries, service
from portal.permits import importer as permits
from portal.permits.queries import Known, load_known


class PermitIntake:
    """Takes permits in."""

    kind = "permits"

    def load_known(self, organ_id: int | None) -> Known:
        return load_known(organ_id)

    def read_file(self, path: Path, known: Known, *, row_by_row: bool = False) -> Draft:
        return permits.read_file(path, known, row_by_row=row_by_row)

    def decide(self, draft: Draft, known: Known) -> Decided:
        return Decided(queries.make_plan(draft.rows))

    def write_rows(
        self, draft: Draft, steps: Sequence[Step], known: Known, span: range, staff_id: int | None
    ) -> Mapping[str, int]:
        done = service.write_rows(draft.rows, steps, known, span)
        return dict(zip(FIGURES, (len(done.new), len(done.changed), done.unchanged), strict=True))


PERMITS: Intake = PermitIntake()
