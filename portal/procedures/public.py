"""How enforcement proceeds, step by step, as everybody may read it."""

from flask import Blueprint, Response, make_response, render_template, request

from portal.i18n import pick
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
    return render_template(
        "public/procedures/show.html",
        procedure=procedure,
        stages=rules.stages(procedure.steps),
        articles=queries.find_articles(procedure),
        article_keys=rules.article_keys,
        documents=rules.documents(pick(procedure, "documents")),
    )


@blueprint.get("/<slug>/documents")
def documents(slug: str) -> str:
    """Show the documents that a procedure asks for, as a list to tick off and to print."""
    procedure = queries.get_procedure(slug)
    return render_template(
        "public/procedures/documents.html", procedure=procedure, documents=rules.documents(pick(procedure, "documents"))
    )


@blueprint.get("/<slug>/documents.txt")
def download(slug: str) -> Response:
    """Hand out the list of documents as plain text."""
    procedure = queries.get_procedure(slug)
    text = render_template(
        "public/procedures/documents.txt", procedure=procedure, documents=rules.documents(pick(procedure, "documents"))
    )
    answer = make_response("\ufeff" + text.replace("\n", "\r\n"))  # As the simplest of editors likes it.
    answer.mimetype = "text/plain"
    answer.headers["Content-Disposition"] = f"attachment; filename={procedure.slug}-documents.txt"
    return answer
