"""What the base says to a change, as the report that CI systems read: refusals, warnings, and what waivers accept."""

from __future__ import annotations

from iamrbac.findings.order import in_order
from iamrbac.render.changes import Diff, headline, verdict
from iamrbac.render.report import Report, Waived


def diff_report(diff: Diff) -> Report:
    """Return the report."""
    review = diff.review
    waived = tuple(
        Waived(finding, f"{one.waiver.reason} (until {one.waiver.not_after})")
        for one in review.accepted
        for finding in one.findings
    )
    found = in_order((*review.refusals, *review.warnings))
    return Report("diff", found, waived, summary=f"{headline(diff)}. {verdict(diff)}.")
