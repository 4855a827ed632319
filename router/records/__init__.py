"""What is kept of every request: one line of JSON each, and one for whatever is learned about it later.

::

    recorder    what is recorded, as the policy says
    line        an outcome, or a later fact, as one line
    content     what was asked and answered: nothing, without personal data, or all of it
    writer      lines to disk, from a thread of its own
    segments    which files there are, and which are old enough to go
    reading     the lines of all files, torn ones skipped and counted
    compacting  a day's many files as one
    facts       what was learned about requests later
    outcomes    records as outcome data, which `smallfirst train` learns from
    agreement   do judges say what people say?
    grading     grades that were made elsewhere
    exporting   records for others: JSON Lines, Parquet, outcome data
"""

from router.records.line import Feedback
from router.records.reading import RecordsError, Tally, read
from router.records.recorder import Recorder
from router.records.segments import segments
from router.records.writer import Keeping

__all__ = ["Feedback", "Keeping", "Recorder", "RecordsError", "Tally", "read", "segments"]
