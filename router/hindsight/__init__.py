"""Looking back on recorded traffic: what was saved, and what another policy would have done.

::

    traffic         records as rows: what is known of every request, with what was learned about it later
    ledger          what was spent, and what would have been, with an interval
    savings         the ledger of recorded traffic, and how each number was made
    counterfactual  what would have happened elsewhere, and how sure one can be: the statistics, pure
    replay          what another policy, or another threshold, would have done on recorded traffic
    plot            cost against quality over thresholds, as a picture
"""
