"""`make bench`: what the ledger does in a second, beside the least that the same stack could do.

Never part of `make test`: a benchmark asserts no time, and no module here is named like a test.

    __main__.py                                 which rows, in which order, and the end of it all
    rows.py: reads.py, writes.py, upkeep.py     what each row measures, and what it has to reach
    shape.py, world.py, facts.py, sets.py       the data: its size, its catalogue, its facts, its databases
    serving.py, floors.py, bulk_floor.py        what is compared
    reported.py, load.py, play.lua              the clients
    measure.py, bench.py                        rounds and medians
    replay.py                                   one replay or rebuild in a process of its own
    table.py, machine.py, database.py           what is printed and written
"""
