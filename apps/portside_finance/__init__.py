"""Finance news monitor: scores headlines, links companies, and warns when bad news piles up.

Where to look: ``config.py`` what can be tuned, ``alerts.py`` when an alert fires, ``baseline.py`` what is usual,
``stories.py`` when two headlines are one story, ``linking.py`` which company is meant, ``service.py`` what it does.
"""

from portside.apps import AppSpec, PageSpec

__all__ = ["APP"]

APP = AppSpec(
    name="finance",
    title="Finance monitor",
    summary="Reads business headlines for analysts and warns when negative news about a company or topic surges.",
    icon=":material/monitoring:",
    pages=(
        PageSpec("overview", "News mood", ":material/show_chart:", "portside_finance.ui.overview_page:render"),
        PageSpec("headlines", "Headlines", ":material/newspaper:", "portside_finance.ui.headlines_page:render"),
        PageSpec("alerts", "Alerts", ":material/notifications_active:", "portside_finance.ui.alerts_page:render"),
        PageSpec("sources", "Sources", ":material/rss_feed:", "portside_finance.ui.sources_page:render"),
    ),
    build="portside_finance.build:build_service",
    router="portside_finance.api:build_router",
    commands="portside_finance.cli:commands",
    tables="portside_finance.tables:metadata",
    demo="portside_finance.train:prepare_demo",
    health="portside_finance.build:check_health",
    warm="portside_finance.service:FinanceService.warm",
    jobs={
        "finance.ingest": "portside_finance.jobs:ingest",
        "finance.poll": "portside_finance.jobs:poll",
        "finance.samples": "portside_finance.jobs:samples",
        "finance.score": "portside_finance.jobs:score",
        "finance.train": "portside_finance.jobs:train",
    },
)
