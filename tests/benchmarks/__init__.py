"""`make bench`: what the ledger does in a second, beside the least that the same stack could do.

Never part of `make test`: a benchmark asserts no time, and no module here is named like a test.

    __main__.py   which rows, in which order, and the end of it all
    rows_http.py, rows_library.py   what each row measures, and what it has to reach
    shape.py, facts.py, sets.py     the data: its catalogue, its facts, its databases
    serving.py, floors.py           the two servers that are compared
    load.py, play.lua, measure.py   clients, rounds and medians
    replay.py                       one replay or rebuild in a process of its own
    table.py, machine.py            what is printed and written
"""
