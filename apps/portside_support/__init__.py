"""Customer-support desk: answers from approved templates and articles, and hands over to people."""

from __future__ import annotations

from portside.apps import AppSpec, PageSpec

__all__ = ["APP"]

APP = AppSpec(
    name="support",
    title="Support desk",
    summary="Answer customers from approved answers and help articles, and hand over to people.",
    icon=":material/support_agent:",
    pages=(
        PageSpec("chat", "Chat", ":material/chat:", "portside_support.ui.chat_page:render"),
        PageSpec("queue", "Queue", ":material/inbox:", "portside_support.ui.queue_page:render"),
        PageSpec("overview", "Overview", ":material/monitoring:", "portside_support.ui.overview_page:render"),
    ),
    build="portside_support.build:build_service",
    router="portside_support.api:build_router",
    commands="portside_support.cli:commands",
    tables="portside_support.tables:metadata",
    demo="portside_support.train:prepare_demo",
    health="portside_support.build:check_health",
    warm="portside_support.service:SupportService.warm",
    texts="portside_support.build:encoder_texts",
    jobs={
        "support.train": "portside_support.jobs:train",
        "support.import_kb": "portside_support.jobs:import_kb",
        "support.samples": "portside_support.jobs:import_samples",
    },
)
