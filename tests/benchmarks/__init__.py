"""`make bench`: what the ledger does in a second, beside the least that the same stack could do.

Never part of `make test`: a benchmark asserts no time, and no module here is named like a test.

    __main__.py                                 which rows, in which order, and the end of it all
    rows.py: reads.py, writes.py, upkeep.py,    what each row measures, and what it has to reach
      portals.py, agents.py, tenants.py,
      rewritten.py, past.py, pages.py, replicas.py
    shape.py, world.py, facts.py, sets.py       the data: its size, its catalogue, its facts, its databases
    serving.py, floors.py, bulk_floor.py        what is compared
    reported.py, load.py, play.lua              the clients
    measure.py, bench.py                        rounds and medians
    replay.py                                   one replay or rebuild in a process of its own
    table.py, machine.py, database.py           what is printed and written

    make bench                                  # all rows: 28 minutes, the first time 45; 15 GB in .bench/
    make bench ONLY=1,3,7 ROUNDS=3 OUT=now.json

Each row is measured beside its floor, the least that the same server, workers and database can do: an empty
route, one committed `INSERT`, one `SELECT` of the same bytes, `COPY` of the same facts, reading the journal
and doing nothing. Both take turns, in five rounds, and the ratio of their medians is judged, because figures
of shared machines drift from run to run.

The first run makes data sets of 10,000 and of 1,000,000 usages in an embedded PostgreSQL with fsync on, and
keeps them; reports go to a copy. The load comes from `wrk`, or where that is not installed from processes of
Python's `http.client`, which is slower on both sides; the table says which.

`2026-11-21.md` is a whole run. Profiles (`py-spy`, CPU of PostgreSQL's processes per call, `EXPLAIN (ANALYZE,
BUFFERS)`) led to this:

* A report spent most of PostgreSQL's time in joins that were planned for a hundred rows and read all of
  `resource`. Looked up row by row they take 0.11 ms instead of 0.66, however many resources there are.
* Then most of its time went to passing nine statements on. In two messages a report that comes alone takes
  1.6 ms of Python's time instead of 2.2, and 1.45 of PostgreSQL's instead of 1.6. Half a millisecond of
  waiting made groups of 2.8 instead of 2.2, and 540 reports a second instead of 416 in the same run.
* Pages were planned anew each time: `plan_cache_mode` took the unfiltered list from 706 to 985 requests a
  second, and that of a month from 667 to 1,019. Statements must be written so that one plan is good for all
  values.
* Names that are looked up and written once for a page, not for each row, took the list of a resource from 3.1
  to 1.3 ms of PostgreSQL's time.
* The usages of a provider's month were counted one by one. With counters by customer and offering it went
  from 46 to 439 requests a second.
* The monthly summary and a project's usage added up limits. Kept sums took PostgreSQL's share from 5.7 and
  6.2 to 1.2 and 1.1 ms.
* A rebuild spent half of Python's time in the garbage collector. Bulk items spent theirs in marshmallow's
  book-keeping (37 µs a value, now 11) and in finding out again what all reports of a resource share (50, now
  22).

Where that run missed its targets, and why:

* Reports (row 1) are bound by the processor. With 8 clients each takes 1.7 ms of Python and 0.9 of
  PostgreSQL, the floor 0.65 and 0.2. Of a report that comes alone, a sixth of Python's time is body and
  schema, a tenth the decision, a fifth psycopg, and a quarter Flask. Most of PostgreSQL's is the row, with
  its eight indexes and the counters. With fewer indexes lists would have to sort. If the lock were released
  before the disk has the facts, figures could be shown that a power cut takes back.
* Lists (row 3) are 100 rows of JSON from six tables: 1.3 ms of PostgreSQL's time (two fifths of it to write
  84 KB of text) and 1.0 to 1.3 of Python's, where the floor sends one stored text. Stored texts of rows would
  cost the bytes that row 10 does not have, and a renamed project would rewrite all of its rows.
* Monthly summary and project usage (row 5) take 1 ms of PostgreSQL (the rows of 100 components, found and
  written). The rest is Flask, the query's schema, and the way through server and connection, which one client
  at a time waits for. A cached answer would meet the target in a benchmark only, where nobody reports.
* Bulks (row 7): a value takes 107 µs of Python (loading, deciding, writing the fact and the answer) and 137
  of PostgreSQL, 88 of them for the row, its indexes and counters. The floor copies bytes into a table without
  any. With no Python at all two cores would reach 13 % of that floor. For 10,000 values a second here Python
  would have 63 µs: that needs a second definition of what is valid, or decisions in SQL.
* A rebuild (row 8) reaches 29 % of reading alone, three times what is asked, but 22,500 facts a second, where
  reading alone was 76,000 (141,000 on the other machine). One process projects in the order of the journal,
  with the code that follows reports: 19 to 25 µs of Python and 9 to 17 of PostgreSQL a fact, then 10 for
  owners, counters and indexes. Counters beside indexes, on a second connection, would save a second or two of
  64. Several processes, each with a part of the records, would save half, and give up the one order that a
  reader can follow.
* Bytes (row 10) are of a ledger whose read models were just rebuilt. Indexes by time are packed full then (28
  bytes a fact), and loose where months are reported that they have already.

Of the rows that came later, in the run of `2026-11-30.md`:

* User usages (row 12) are as rows 3: a page of 100 is bound by PostgreSQL's JSON, and by Flask.
  `component_usages_per_project` is one answer about all of 2,000 projects.
* A report that changes nothing (row 14) takes 0.75 ms of Python, of which a third is the look and the
  decision, a quarter body and schema, the rest Flask; and 0.22 ms of PostgreSQL. The floor has 0.17 and
  0.03.
* A report dated alike (row 17) writes to no index of usages, but keeps what it replaces: of 2,596 bytes
  1,206 are the past, with its nine indexes, and 1,075 the fact. A single one adds what it shares with
  others: the tree's tail, positions, sums.
* As of a position (row 18) what few usages came or were replaced since is found by positions, and taken from
  what is now: `projections/history/near.sql`. In that run all that had ended was passed over in an index, and
  sums were added up from rows. They still are where more than 2,000 have, or for a project's where anything
  but reports has come. Sums by span, as there are counts, would help there: about 7 bytes a fact for those of
  components, and 90 for those of projects.
* The first page (row 19) adds up two months of 138,000 usages for the largest changes, and ranks 70,000
  sums: 314 ms of PostgreSQL's time. What is kept of projects would bound them, but not their number.
* Two servers (row 20) and a database share two cores, so that scaling is judged from six on.
"""
