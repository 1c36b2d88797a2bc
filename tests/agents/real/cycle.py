"""Runs the reporting agent until it pauses for the first time: its whole program, for one cycle.

By the Python of the agent's own environment: `python cycle.py --mode report --config-file FILE`.
"""

import sys
import time
from contextlib import suppress
from types import SimpleNamespace

# The file of its heartbeat is in /tmp, and may be that of another user, who tested before. Others take the
# function from there, so it is changed first. Older agents have none.
with suppress(ImportError):
    from waldur_site_agent.common import healthz

    healthz.touch_heartbeat = lambda: None

from waldur_site_agent.main import main
from waldur_site_agent.polling_processing import agent_report


def pause(_seconds: float) -> None:
    sys.exit()


agent_report.sleep = pause  # as 0.9.8 pauses, and later ones:
agent_report.time = SimpleNamespace(time=time.time, sleep=pause)
main()
