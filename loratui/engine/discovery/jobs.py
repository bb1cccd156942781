"""What ai-toolkit's web interface calls a job, from its database, which is left as it is.

A job's process has the job's number in ``AITK_JOB_ID``; the table ``Job`` has `id` and `name`
(ui/cron/actions/startJob.ts, ui/prisma/schema.prisma). The interface renames jobs, not folders.
"""

from __future__ import annotations

import os
import stat
import time

VARIABLE = "AITK_JOB_ID"
_PATIENCE = 0.05  # seconds: whoever started the process named the database
_TICK = 10_000  # instructions of sqlite between two looks at the time


def name_of(database: str, job: str) -> str:
    """The name of a job, empty where the database does not say."""
    import sqlite3
    from pathlib import Path

    from loratui.sources.sqlite import connected

    until = time.monotonic() + _PATIENCE
    try:
        if not stat.S_ISREG(os.stat(database).st_mode):
            return ""
        with connected(Path(database)) as connection:
            connection.set_progress_handler(lambda: time.monotonic() > until, _TICK)
            row = connection.execute("SELECT name FROM Job WHERE id = ?", (job,)).fetchone()
    except (OSError, ValueError, sqlite3.Error):
        return ""
    return row[0] if row is not None and isinstance(row[0], str) else ""
