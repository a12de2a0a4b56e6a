"""How enforcement proceeds, step by step, as everybody may read it."""

from flask import Blueprint, render_template, request

from portal.paging import page_number
from portal.procedures import queries, rules

blueprint = Blueprint("procedures", __name__, url_prefix="/procedures")


@blueprint.get("", strict_slashes=False)
def index() -> str:
    """List the procedures."""
    page = queries.list_procedures(number=page_number(request.args.get("page")))
    return render_template("public/procedures/index.html", page=page)


@blueprint.get("/<slug>")
def show(slug: str) -> str:
    """Show one procedure as a flow of steps."""
    procedure = queries.get_procedure(slug)
    return render_template("public/procedures/show.html", procedure=procedure, stages=rules.stages(procedure.steps))
