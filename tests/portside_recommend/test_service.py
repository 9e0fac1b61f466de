from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from portside.errors import DataError, ModelDamaged, UsageError
from portside.inference.interfaces import FakeEncoder
from portside.progress import NullProgress, RecordingProgress
from portside.storage.engine import Database
from portside_recommend.records import Event, Item
from portside_recommend.service import RecommendService


def ids(found) -> list[str]:  # type: ignore[no-untyped-def]
    return [one.item.item_id for one in found.items]


def test_taste_decides_and_nothing_seen_comes_back(service: RecommendService) -> None:
    found = service.recommend_for("u1", top=2, diversity=0)
    assert all(each.startswith("L") for each in ids(found)), "u1 bought lamps"
    assert not {"L1", "L2", "L3"} & set(ids(service.recommend_for("u1", top=50)))
    assert found.known
    assert "3 items" in found.explain()


def test_every_item_has_a_reason_that_names_its_ground(service: RecommendService) -> None:
    for one in service.recommend_for("u1", top=10).items:
        assert one.reasons
        for reason in one.reasons:
            assert "{" not in str(reason)
            assert reason.because_of in {"", "L1", "L2", "L3"}, "only u1's own past is named"


def test_a_stranger_gets_what_is_popular_and_is_told_so(service: RecommendService) -> None:
    found = service.recommend_for("nobody-knows-me", top=3)
    assert not found.known
    assert "popular" in found.explain()
    assert {reason.signal for one in found.items for reason in one.reasons} == {"popular"}


def test_a_catalogue_without_events_shows_the_newest(empty_service: RecommendService, items: list[Item]) -> None:
    empty_service.add_items(items)
    found = empty_service.recommend_for("u", top=5)
    assert not found.known
    assert "newest" in found.explain()
    assert all(each.startswith("T") for each in ids(found)), "only tea says when it was added"


def test_a_new_item_is_found_and_recommended_at_once(service: RecommendService) -> None:
    new = Item("NEW", "brass garden desk lamp", "a light for a room", "Lamps", added_at=service.clock())
    service.add_items([new])
    assert ids(service.search("brass garden desk lamp", top=1)) == ["NEW"]
    assert "NEW" in ids(service.similar("L0", top=3))
    found = service.recommend_for("u1", top=10, diversity=0)
    assert "NEW" in ids(found)
    assert found.items[ids(found).index("NEW")].reasons[0].signal == "text"


def test_a_changed_item_is_found_by_its_new_words(service: RecommendService) -> None:
    service.add_items([Item("L0", "velvet armchair", "to sit on", "Chairs")])
    assert ids(service.search("velvet armchair", top=1)) == ["L0"]
    assert service.item("L0").category == "Chairs"


def test_another_process_sees_the_item_too(
    service: RecommendService, make_service: Callable[[Database], RecommendService], sqlite_database: Database
) -> None:
    other = make_service(sqlite_database)
    assert "NEW" not in ids(other.search("velvet armchair", top=20))
    service.add_items([Item("NEW", "velvet armchair")])
    assert ids(other.search("velvet armchair", top=1)) == ["NEW"]


def test_vectors_are_read_from_disk_after_a_restart(
    service: RecommendService, sqlite_database: Database, tmp_path: Path
) -> None:
    encoder = FakeEncoder()
    again = RecommendService(
        store=service.store,
        library=service.library,
        encoder=lambda: encoder,
        pretrained=encoder,
        config=service.config,
        clock=service.clock,
    )
    assert ids(again.recommend_for("u1")) == ids(service.recommend_for("u1"))
    assert encoder.calls == 0


def test_a_promoted_encoder_is_picked_up(service: RecommendService) -> None:
    served = [FakeEncoder(model="recommend-encoder:1")]
    service.keeper._encoder = lambda: served[0]
    assert service.search("lamp").model == "recommend-encoder:1"
    served[0] = FakeEncoder(dim=32, model="recommend-encoder:2")
    found = service.recommend_for("u1")
    assert found.model == "recommend-encoder:2"
    assert service.keeper.shelf().vectors.shape[1] == 32


def test_events_count_at_once(service: RecommendService) -> None:
    assert service.add_events([Event("fresh", "T0", "purchase"), Event("fresh", "T1", "view")]) == 2
    found = service.recommend_for("fresh", top=2, diversity=0)
    assert found.known
    assert all(each.startswith("T") for each in ids(found))
    assert service.past("fresh")[0].item.item_id in {"T0", "T1"}


def test_a_returned_item_earns_nothing_and_stays_away(service: RecommendService) -> None:
    now = service.clock()
    service.add_events([Event("r", "L0", "purchase", at=now - timedelta(days=1)), Event("r", "L0", "return", at=now)])
    found = service.recommend_for("r", top=10)
    assert not found.known
    assert "L0" not in ids(found)


@pytest.mark.parametrize(
    ("event", "named"),
    [
        (Event("u", "L0", "stole"), "stole"),
        (Event("u", "no-item", "view"), "no-item"),
        (Event(" ", "L0", "view"), "user"),
    ],
)
def test_events_that_cannot_be_are_refused(service: RecommendService, event: Event, named: str) -> None:
    before = service.store.counts().events
    with pytest.raises(DataError, match=named):
        service.add_events([Event("u", "L0", "view"), event])
    assert service.store.counts().events == before, "all of a call or nothing"


def test_category_and_length(service: RecommendService) -> None:
    found = service.recommend_for("u1", top=5, category="Tea")
    assert {one.item.category for one in found.items} == {"Tea"}
    assert {one.item.category for one in service.search("lamp", category="Tea", top=3).items} == {"Tea"}
    assert {one.item.category for one in service.similar("L0", category="Tea", top=3).items} == {"Tea"}
    assert service.recommend_for("u1", category="None such").items == ()


@pytest.mark.parametrize("call", ["recommend_for", "similar", "search"])
@pytest.mark.parametrize("wrong", [{"top": 0}, {"top": 201}, {"diversity": 1.5}, {"diversity": float("nan")}])
def test_numbers_out_of_range_are_advice(service: RecommendService, call: str, wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        getattr(service, call)("L0", **wrong)


def test_unknown_items_and_empty_words_are_advice(service: RecommendService) -> None:
    with pytest.raises(UsageError, match="no-such"):
        service.similar("no-such")
    with pytest.raises(UsageError, match="words"):
        service.search("  ")


def test_similar_is_the_same_kind_and_never_itself(service: RecommendService) -> None:
    found = service.similar("T0", top=4, diversity=0)
    assert "T0" not in ids(found)
    assert all(each.startswith("T") for each in ids(found))


def test_ingest_reads_files_and_learns(empty_service: RecommendService, tmp_path: Path, events: pd.DataFrame) -> None:
    (tmp_path / "items.csv").write_text("item_id,title\nL0,brass lamp\nL1,oak lamp\nT0,green tea\n")
    rows = [f"{row.user_id},{row.item_id},{row.at // 1000}" for row in events.itertuples()]
    (tmp_path / "events.csv").write_text("\n".join(["user,item,time", *rows]) + "\n")
    progress = RecordingProgress()
    taken = empty_service.ingest(items=tmp_path / "items.csv", events=tmp_path / "events.csv", progress=progress)
    assert taken.items == 3
    assert 0 < taken.events == taken.events_read < len(rows)
    assert [finding.column for finding in taken.findings] == ["item"], "events on unknown items are reported"
    assert empty_service.overview().learned["method"] == "ease"
    again = empty_service.ingest(events=tmp_path / "events.csv")
    assert again.events == 0


def test_ingest_without_files_is_advice(empty_service: RecommendService) -> None:
    with pytest.raises(UsageError, match="file"):
        empty_service.ingest()


def test_tuning_writes_the_weights_it_chose(service: RecommendService) -> None:
    learned = service.tune(NullProgress())
    assert learned.tuned is not None
    assert learned.tuned.ndcg >= learned.tuned.before
    assert service.keeper.shelf().weights == learned.weights


def test_ingest_keeps_the_weights_that_tuning_chose(service: RecommendService, tmp_path: Path) -> None:
    chosen = service.tune(NullProgress()).weights
    (tmp_path / "items.csv").write_text("item_id,title\nX,new thing\n")
    service.ingest(items=tmp_path / "items.csv")
    assert service.keeper.shelf().weights == chosen


@pytest.mark.parametrize("protocol", ["time", "last"])
def test_evaluation_is_kept_with_all_that_a_reader_needs(service: RecommendService, protocol: str) -> None:
    report = service.evaluate(protocol, None, NullProgress())
    (kept,) = service.evaluations()
    assert kept.report == report
    assert (kept.protocol, kept.at) == (protocol, service.clock())
    assert set(report["methods"]) == {"Portside", "popularity", "item-kNN"}
    for figures in report["methods"].values():
        for value, low, high in figures.values():
            assert 0 <= low <= value <= high <= 1
    assert report["methods"]["Portside"]["ndcg"][0] > report["methods"]["popularity"]["ndcg"][0]


def test_evaluation_never_asks_the_encoder_in_service(service: RecommendService) -> None:
    """The one in service has learned from the events held back."""
    served = FakeEncoder(model="recommend-encoder:9")
    service.keeper._encoder = lambda: served
    service.keeper.shelf()
    before = served.calls
    report = service.evaluate("last", None, NullProgress())
    assert served.calls == before
    assert report["model"] == "fake-encoder:1"


def test_damaged_behaviour_is_named_with_a_remedy(service: RecommendService, tmp_path: Path) -> None:
    path = tmp_path / "library" / "behaviour.safetensors"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ModelDamaged, match=r"behaviour\.safetensors"):
        service.recommend_for("u1")


def test_damaged_vectors_are_made_again(
    service: RecommendService,
    make_service: Callable[[Database], RecommendService],
    sqlite_database: Database,
    tmp_path: Path,
) -> None:
    for path in (tmp_path / "library" / "vectors").rglob("*"):
        if path.is_file() and path.name != "version.json":
            path.write_bytes(b"broken")
    assert ids(make_service(sqlite_database).recommend_for("u1")) == ids(service.recommend_for("u1"))


def test_lists_are_the_same_each_time_and_the_dial_changes_them(service: RecommendService) -> None:
    assert ids(service.recommend_for("u1")) == ids(service.recommend_for("u1"))
    assert ids(service.recommend_for("u1", top=6, diversity=0)) != ids(service.recommend_for("u1", top=6, diversity=1))


@pytest.mark.slow
def test_four_thousand_items_answer_in_a_fifth_of_a_second(empty_service: RecommendService) -> None:
    import time

    rng = np.random.default_rng(5)
    empty_service.config = replace(
        empty_service.config, behaviour=replace(empty_service.config.behaviour, ease_max_items=1)
    )
    empty_service.add_items([Item(str(n), f"thing {n} {rng.integers(999)} {rng.integers(999)}") for n in range(4000)])
    users, per_user = 4000, 100
    frame = pd.DataFrame(
        {
            "user_id": np.repeat([f"u{n}" for n in range(users)], per_user),
            "item_id": rng.integers(0, 4000, users * per_user).astype(str),
            "event": "purchase",
            "value": 1.0,
            "at": rng.integers(1, 10**12, users * per_user),
            "timed": True,
            "line": np.arange(users * per_user),
        }
    )
    empty_service.store.put_events(frame)
    empty_service.learn(None, NullProgress())
    empty_service.recommend_for("u0")
    seconds = []
    for n in range(1, 21):
        began = time.perf_counter()
        assert len(empty_service.recommend_for(f"u{n}").items) == 10
        seconds.append(time.perf_counter() - began)
    assert np.median(seconds) < 0.2
