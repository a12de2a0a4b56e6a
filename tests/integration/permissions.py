"""Whom each staff route opens to; asked by `test_permissions.py`.

Columns: admin, supervisor, then reviewers of the records' organ, of another organ and of none, then clerks likewise.
`in` opens, `sees` shows what not everybody may read, `no` is refused, `--` says that there is nothing (for them).
A route stands under its line by name, with a method where GET and POST differ. `… conduct` asks about a complaint
of the organ's own conduct, which nobody there may see.
"""

_LINES = {
    # One's own account and places, and pages that only send on or show an empty form.
    "in in  in in in  in in in": """
        accounts.change_password accounts.end_others accounts.end_session accounts.show accounts.sign_out
        second_factors.manage second_factors.renew_codes second_factors.set_up second_factors.switch_off
        decision_reviews.batch decisions.new permits.calls
    """,
    # Everybody's accounts.
    "in no  no no no  no no no": """
        accounts.end_sessions accounts.index second_factors.reset
    """,
    # What the legal office keeps for all organs, and messages and revisits, which are about everybody.
    "in in  no no no  no no no": """
        bases.edit bases.index bases.upload
        case_types.edit case_types.index complaint_deadlines.kind
        accountability.close_record accountability.index accountability.open_record accountability.show
        accountability.close_record-conduct accountability.open_record-conduct accountability.show-conduct
        supervisions.decide supervisions.decide-conduct supervisions.order supervisions.order-conduct
        complaint_named.add complaint_named.clear complaint_named.index
        complaint_named.add-conduct complaint_named.clear-conduct complaint_named.index-conduct
        hotline_imports.upload
        messages.handle_reply messages.index messages.open_message messages.open_reply messages.queue messages.replies
        messages.send_again
        officers.cards officers.index officers.new officers.resume officers.show officers.suspend officers.upload
        organs.announce organs.correct organs.edit organs.end organs.index organs.new organs.pass_on organs.recognitions
        organs.rename organs.reopen organs.show
        powers.add_ground powers.add_transfer powers.edit powers.edit_transfer powers.index powers.new
        powers.remove_transfer powers.show powers.upload
        procedures.edit procedures.edit_step procedures.index procedures.move_step procedures.new procedures.new_step
        procedures.show
        reply_drafts.edit reply_drafts.new
        revisits.close revisits.index revisits.mark_contacted revisits.record_answer revisits.show_phone
        risk_periods.edit risk_periods.switch
        wordings.edit wordings.index wordings.restore wordings.template
    """,
    "sees sees  no no no  no no no": """
        revisits.show
    """,
    # The same, about a record that is not there.
    "-- --  no no no  no no no": """
        bases.preview powers.remove_ground procedures.restore
        hotline_imports.commit hotline_imports.errors hotline_imports.progress hotline_imports.show
    """,
    # Uploads of somebody else, and filters that they keep.
    "-- --  no no no  -- -- --": """
        decision_imports.commit decision_imports.errors decision_imports.progress decision_imports.show
        permit_imports.commit permit_imports.errors permit_imports.progress permit_imports.show
        complaints.remove_filter
    """,
    # Clerks work for their own organ.
    "in in  no no no  in in in": """
        complaint_escalation.digest rectifications.index complaint_publication.index supervisions.index
        complaints.assign_many complaints.export complaints.figures complaints.figures_table complaints.report
        complaints.index complaints.keep_filter complaints.plan_assignment
        complaint_intakes.hand_out complaint_intakes.new complaint_intakes.receipt
        complaint_intakes.register reply_drafts.index decision_imports.upload discretion.upload permit_imports.upload
    """,
    "in in  no no no  in in no": """
        discretion.index discretion.new
    """,
    "in in  no no no  in -- no": """
        calls.finish
        discretion.edit discretion.edit_tier discretion.move_tier discretion.new_tier discretion.show
        permits.confirm permits.deny permits.revoke
    """,
    "sees sees  no no no  sees in no": """
        calls.index
    """,
    # Complaints: reviewers have no part in them; one about its own conduct is hidden from an organ.
    "in in  no no no  in -- --": """
        case_routing.pass_on case_routing.set_power case_routing.show
        complaint_deadlines.change complaints.accept complaints.ask complaints.assign complaints.decide_extension
        complaints.download
        complaints.extend complaints.give_back complaints.identity complaints.join complaints.merge
        complaints.message complaints.note complaints.remove_file complaints.resume complaints.review
        complaints.send complaints.split complaints.take_back complaints.transfer complaints.write
        rectifications.answer rectifications.ask_mistake rectifications.decide_mistake rectifications.make_contact
        complaint_publication.add_passage complaint_publication.confirm complaint_publication.hide_again
        complaint_publication.leave_visible complaint_publication.release complaint_publication.save_words
        complaint_publication.send_back supervisions.reply complaint_publication.show complaint_publication.withdraw
    """,
    "sees sees  no no no  sees -- --": """
        complaints.preview complaints.show rectifications.show supervisions.show
    """,
    "in in  no no no  -- -- --": """
        case_routing.pass_on-conduct case_routing.set_power-conduct case_routing.show-conduct
        complaint_deadlines.change-conduct complaints.accept-conduct complaints.ask-conduct complaints.assign-conduct
        complaints.decide_extension-conduct complaints.download-conduct complaints.extend-conduct
        complaints.give_back-conduct complaints.identity-conduct complaints.join-conduct
        complaints.merge-conduct complaints.message-conduct complaints.note-conduct
        complaints.remove_file-conduct complaints.resume-conduct complaints.review-conduct
        complaints.send-conduct complaints.split-conduct complaints.take_back-conduct
        complaints.transfer-conduct complaints.write-conduct
        rectifications.answer-conduct rectifications.ask_mistake-conduct rectifications.decide_mistake-conduct
        rectifications.make_contact-conduct
        complaint_publication.add_passage-conduct complaint_publication.confirm-conduct
        complaint_publication.hide_again-conduct complaint_publication.leave_visible-conduct
        complaint_publication.release-conduct complaint_publication.save_words-conduct
        complaint_publication.send_back-conduct complaint_publication.show-conduct supervisions.reply-conduct
        complaint_publication.withdraw-conduct
    """,
    "sees sees  no no no  -- -- --": """
        complaints.preview-conduct complaints.show-conduct rectifications.show-conduct supervisions.show-conduct
    """,
    # Decisions and permits are read by their organ and the legal office.
    "in in  in in no  in in no": """
        decision_deadlines.late decision_reviews.take_batch home.index
        risk_batches.withdraw risk_periods.index risk_periods.show
    """,
    "sees sees  sees in no  sees in no": """
        decisions.index permits.index
    """,
    "sees sees  sees -- no  sees -- no": """
        decision_endings.repair:GET decisions.show permits.show
    """,
    "in in  in -- no  in -- no": """
        decision_corrections.correction decision_endings.order_withdrawal decision_endings.repair:POST
        decision_endings.withdrawal decision_reviews.checks
    """,
    # The original of a decision, with all names, is its organ's alone.
    "in no  in -- no  in -- no": """
        decision_corrections.correct:POST decision_corrections.masking_page
        decision_masking.add_passage decision_masking.confirm decision_masking.hide_again
        decision_masking.leave_visible decision_masking.open_original
        decision_reviews.submit decisions.edit:POST
    """,
    "sees no  sees -- no  sees -- no": """
        decision_corrections.correct:GET decision_masking.show decisions.edit:GET
    """,
    "in no  in in no  in in no": """
        decision_masking.index
    """,
    "in no  in in in  in in in": """
        decision_masking.confirm_plain
    """,
    # Who writes does not review.
    "in in  in -- no  no no no": """
        decision_corrections.apply decision_corrections.refuse decision_endings.decide_repair decision_endings.withdraw
        decision_endings.withdrawal_notice decision_reviews.publish decision_reviews.send_back
    """,
    "sees sees  sees -- no  no no no": """
        decision_reviews.review
    """,
    # High-risk periods are the whole city's, and so are the texts about them.
    "in in  in in no  no no no": """
        risk_batches.approve risk_batches.refuse
    """,
    "in in  no no no  in in no ": """
        risk_batches.submit risk_batches.take_back risk_periods.new risk_periods.prepare
    """,
    "sees sees  sees sees no  sees sees no": """
        risk_batches.show
    """,
}


def _read() -> dict[tuple[str, str], tuple[str, ...]]:
    """Return what each asker is to find, by route and method; "" stands for every method that a route has."""
    table: dict[tuple[str, str], tuple[str, ...]] = {}
    for found, routes in _LINES.items():
        for route in routes.split():
            name, _colon, method = route.partition(":")
            key = (name.replace("-", " "), method)
            assert key not in table, f"{route} stands in two lines"
            table[key] = tuple(found.split())
    return table


TABLE = _read()
