"""Runs the reporting agent until it pauses for the first time: its whole program, for one cycle.

By the Python of the agent's own environment: `python cycle.py --mode report --config-file FILE`.
"""

import sys
import time
from types import SimpleNamespace

from waldur_site_agent.main import main
from waldur_site_agent.polling_processing import agent_report


def pause(_seconds: float) -> None:
    sys.exit()


agent_report.sleep = pause  # as 0.9.8 pauses, and later ones:
agent_report.time = SimpleNamespace(time=time.time, sleep=pause)
# The file of its heartbeat is in /tmp, and may be that of another user, whose tests ran before.
agent_report.touch_heartbeat = lambda: None
main()
