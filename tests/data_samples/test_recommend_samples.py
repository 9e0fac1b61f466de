"""The recommend samples hold what their README promises, and their generator writes the same files again."""

import gzip
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "data_samples" / "recommend"


def content(path: Path) -> bytes:
    """What is inside: compressed bytes may differ between versions of zlib."""
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


@pytest.fixture(scope="module")
def items() -> pd.DataFrame:
    return pd.read_csv(FOLDER / "items.csv", keep_default_na=False)


@pytest.fixture(scope="module")
def events() -> pd.DataFrame:
    frame = pd.read_csv(FOLDER / "events.csv.gz", keep_default_na=False)
    frame["at"] = pd.to_datetime(frame["timestamp"], utc=True)
    return frame


def test_generator_writes_the_committed_files_again(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-B", str(FOLDER / "generate.py"), "--out", str(tmp_path)], check=True, timeout=60)
    written = sorted(path.name for path in tmp_path.iterdir())
    assert written == ["events.csv.gz", "items.csv"]
    assert [name for name in written if content(tmp_path / name) != content(FOLDER / name)] == []


def test_catalogue_has_the_promised_size_and_schema(items: pd.DataFrame) -> None:
    assert list(items.columns) == ["item_id", "title", "description", "category", "price", "added_at"]
    assert len(items) >= 1600
    assert items["item_id"].is_unique
    assert items["category"].replace("", None).nunique() >= 14
    assert items["title"].str.len().gt(0).all()


def test_descriptions_are_of_thirty_to_ninety_words_and_differ(items: pd.DataFrame) -> None:
    told = items[items["description"] != ""]
    length = told["description"].str.split().str.len()
    assert length.min() >= 30
    assert length.max() <= 90
    assert told["description"].nunique() > 0.95 * len(told)
    assert 0 < (items["description"] == "").sum() < 20


def test_descriptions_are_filled(items: pd.DataFrame) -> None:
    assert not items["description"].str.contains(r"[\[\]{}|]").any()
    assert not items["title"].str.contains(r"[\[\]{}|]").any()


def test_a_few_prices_and_categories_are_missing(items: pd.DataFrame) -> None:
    price = pd.to_numeric(items["price"].replace("", None))
    assert 0 < price.isna().sum() < 30
    assert price.min() > 0
    assert 0 < (items["category"] == "").sum() < 30


def test_events_have_the_promised_size_and_schema(events: pd.DataFrame, items: pd.DataFrame) -> None:
    assert list(events.columns[:5]) == ["user_id", "item_id", "event", "value", "timestamp"]
    assert len(events) >= 45_000
    assert events["user_id"].nunique() >= 1600
    assert set(events["event"]) == {"view", "click", "purchase", "rating"}
    assert set(events["item_id"]) <= set(items["item_id"])
    assert events["at"].is_monotonic_increasing
    assert (events["at"].max() - events["at"].min()).days >= 175
    assert str(events["at"].max().date()) == "2026-10-31"


def test_only_ratings_carry_a_value(events: pd.DataFrame) -> None:
    rated = events["event"] == "rating"
    assert set(events[rated]["value"]) == {"1", "2", "3", "4", "5"}
    assert set(events[~rated]["value"]) == {""}


def test_nothing_happens_before_an_item_is_there(events: pd.DataFrame, items: pd.DataFrame) -> None:
    added = pd.to_datetime(items.set_index("item_id")["added_at"], utc=True)
    assert (events["at"] >= events["item_id"].map(added)).all()


def test_activity_and_popularity_are_skewed(events: pd.DataFrame, items: pd.DataFrame) -> None:
    per_user = events.groupby("user_id").size()
    per_item = events.groupby("item_id").size().sort_values(ascending=False)
    assert (per_user <= 2).sum() >= 100
    assert per_user.max() > 5 * per_user.median()
    assert 0.25 < per_item.head(len(items) // 10).sum() / len(events) < 0.6
    assert 40 <= len(items) - len(per_item) <= 250


def test_some_items_were_added_in_the_last_week(items: pd.DataFrame) -> None:
    added = pd.to_datetime(items["added_at"], utc=True)
    assert 15 <= (added >= pd.Timestamp("2026-10-25", tz="UTC")).sum() <= 80


def test_users_return_to_items(events: pd.DataFrame) -> None:
    views = events[events["event"] == "view"]
    assert 0.05 < views.duplicated(["user_id", "item_id"]).mean() < 0.3


def test_samples_stay_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 2_500_000
