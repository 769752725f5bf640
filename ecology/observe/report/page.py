"""`report.html`: a run's story put into the template, in one file that needs no network and no script."""

from pathlib import Path

from ecology.core.errors import UsageError
from ecology.observe.measures.lines import EXPORT_NAME, read_export, records
from ecology.observe.pages import template
from ecology.observe.report import (
    activity_figures,
    market_figures,
    money_figures,
    network_figure,
    resource_figures,
    tables,
    wealth_figures,
)
from ecology.observe.report.story import Story, tell
from ecology.observe.summary import SUMMARY_NAME, Summary, read_summary
from ecology.store.reader import EventReader

REPORT_NAME = "report.html"
DATABASE_NAME = "ecology.sqlite"


def write_report(run_dir: Path) -> Path:
    """Write `report.html` into a run's directory and return its path; the same run gives the same file.

    Reads the run's database, or `events.jsonl.zst` where only that was kept, and `summary.json` if there is one.
    Raises `UsageError` if the directory holds no run, `RunFault` if what it holds cannot be read or written.
    """
    summary_path, database = run_dir / SUMMARY_NAME, run_dir / DATABASE_NAME
    summary = read_summary(summary_path) if summary_path.exists() else None
    if database.exists():
        story = _from_database(database)
    elif (run_dir / EXPORT_NAME).exists():
        story = tell(records(read_export(run_dir / EXPORT_NAME)))
    else:
        raise UsageError(
            f"{run_dir} holds no run: neither {EXPORT_NAME} nor {DATABASE_NAME} is there",
            remedy="give the directory that 'ecology run' printed",
        )
    return template.write(run_dir / REPORT_NAME, render(story, summary))


def render(story: Story, summary: Summary | None) -> str:
    """The page's HTML. Every word that came out of the world is escaped by the template."""
    return template.fill(
        "report/report.html.j2",
        identity=story.measured.identity,
        headline=tables.headline(story),
        tiles=tables.tiles(story),
        verdict=story.measured.scarcity_verdict,
        scarcity=tables.scarcity_rows(story),
        fortune_header=tables.FORTUNE_HEADER,
        fortunes=tables.fortune_rows(story),
        wealth=wealth_figures.wealth_over_time(story),
        inequality=wealth_figures.inequality(story),
        actions=activity_figures.actions(story),
        refusals=activity_figures.refusals(story),
        states=activity_figures.states(story),
        levels=resource_figures.bucket_levels(story),
        network=network_figure.transfer_network(story),
        rights=market_figures.prices_of_rights(story),
        goods=market_figures.prices_of_goods(story),
        escrow=market_figures.escrow(story),
        money=money_figures.money(story),
        services=tables.service_rows(story, summary),
        measures=tables.definitions(story.measured.measures),
        model=tables.model_rows(story.measured.model),
        facts=tables.fact_rows(story, summary),
        audit=None if summary is None else summary.audit,
    )


def _from_database(database: Path) -> Story:
    reader = EventReader(database)
    try:
        return tell(records(reader.lines()))
    finally:
        reader.close()
