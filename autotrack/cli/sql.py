"""`autotrack sql`: a SELECT over runs and metrics."""

import click

from autotrack.cli.options import json_option, store_option

__all__ = ["sql"]


@click.command(short_help="Ask in SQL (needs DuckDB).")
@click.argument("query")
@store_option
@json_option
def sql(query: str, as_json: bool) -> None:
    """Print the answer to QUERY, a SELECT over the views runs and metrics, live runs included.

    \b
    autotrack sql "select name, status from runs order by start_ts desc limit 5"
    autotrack sql "select params['C'] as C, max(metrics['test_score']) from runs group by 1"
    autotrack sql "select step, value from metrics where key = 'loss' order by step" --json

    The extra `sql` brings DuckDB: pip install 'autotrack-ml[sql]'
    """
    from autotrack import api
    from autotrack.cli.output import Column, print_json, print_table, value_text

    answer = api.sql(query)
    rows = answer.to_pylist()
    if as_json:
        print_json(rows)
        return
    print_table(
        [Column(name, least=8) for name in answer.column_names],
        [[value_text(value) for value in row.values()] for row in rows],
    )
