"""The calendar of high-risk periods, who hears of them, and the approval of each batch."""
