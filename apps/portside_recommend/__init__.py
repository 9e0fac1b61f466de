"""Recommender that reads: learns from what people chose together and from the words of the items.

Where to look: ``config.py`` what can be tuned, ``ranking.py`` how items are scored, ``reasons.py`` why each is shown,
``choices.py`` what counts as liking, ``behaviour.py`` what is learned from events, ``contrastive.py`` how the encoder
is fine-tuned, ``judging.py`` how quality is measured, ``service.py`` what the app does.
"""

from portside.apps import AppSpec, PageSpec

__all__ = ["APP"]

APP = AppSpec(
    name="recommend",
    title="Recommender",
    summary="Suggests items from what people chose and what the items say, with a reason for each.",
    icon=":material/recommend:",
    pages=(
        PageSpec("lists", "Recommendations", ":material/thumb_up:", "portside_recommend.ui.lists_page:render"),
        PageSpec("items", "Items", ":material/inventory_2:", "portside_recommend.ui.items_page:render"),
        PageSpec("quality", "List quality", ":material/speed:", "portside_recommend.ui.quality_page:render"),
    ),
    build="portside_recommend.build:build_service",
    router="portside_recommend.api:build_router",
    commands="portside_recommend.cli:commands",
    tables="portside_recommend.tables:metadata",
    demo="portside_recommend.train:prepare_demo",
    health="portside_recommend.build:check_health",
    warm="portside_recommend.service:RecommendService.warm",
    texts="portside_recommend.build:encoder_texts",
    jobs={
        "recommend.ingest": "portside_recommend.jobs:ingest",
        "recommend.train": "portside_recommend.jobs:train",
        "recommend.evaluate": "portside_recommend.jobs:evaluate",
    },
)
