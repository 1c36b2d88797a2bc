"""What the page says of the suite's runs."""

from tests.torture.counts import BEGIN, END, PAGE, runs, table


def test_the_page_tells_the_runs_that_were_recorded() -> None:
    assert PAGE.read_text().partition(BEGIN)[2].partition(END)[0] == table()


def test_a_run_has_as_many_faults_as_it_has_of_all_kinds() -> None:
    for run in runs():
        assert run["faults"] == sum(run["injected"].values()), run["seed"]
