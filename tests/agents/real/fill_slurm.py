"""Puts jobs into the SLURM emulator, by the Python of the agent's environment.

`python fill_slurm.py '[["alloc-first", "ann", 2.5, "2026-11-01T12:00:00"]]'`: account, user, hours of a node
with 64 processors and 512 GB, and when.
"""

import json
import sys
from datetime import datetime, timedelta

from emulator.core.database import SlurmDatabase
from emulator.core.time_engine import TimeEngine
from emulator.core.usage_simulator import UsageSimulator

database = SlurmDatabase()
database.load_state()
clock = TimeEngine()
simulator = UsageSimulator(clock, database)
jobs = json.loads(sys.argv[1])
# SLURM tells of no job that is to come, and on the first of a month those of the month may be.
clock.set_time(max(datetime.fromisoformat(moment) for *_, moment in jobs) + timedelta(days=1))
for account, user, node_hours, moment in jobs:
    simulator.inject_usage(account, user, node_hours, datetime.fromisoformat(moment))
