"""The finance samples hold what their README promises, and their generator writes the same files again."""

import gzip
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

FOLDER = Path(__file__).resolve().parents[2] / "data_samples" / "finance"
LABELLED = {"sentiment": ("sentiment", 2200, 600), "topics": ("topic", 2200, 600)}
TOPIC_WORDS = {"energy_commodities": r"\bgas\b|halvik|power prices", "labour": r"strike|docker|walk(?:s|ed)? out"}


def content(path: Path) -> bytes:
    """What is inside: compressed bytes may differ between versions of zlib."""
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def bag(text: str) -> frozenset[str]:
    """Words of a headline with every figure as 0."""
    return frozenset(re.findall(r"[a-z]+|0", re.sub(r"\d[\d.,]*", "0", text.lower())))


@pytest.fixture(scope="module")
def headlines() -> pd.DataFrame:
    frame = pd.read_csv(FOLDER / "headlines.csv.gz", keep_default_na=False)
    frame["at"] = pd.to_datetime(frame["published_at"], utc=True)
    return frame


@pytest.fixture(scope="module")
def companies() -> pd.DataFrame:
    return pd.read_csv(FOLDER / "companies.csv", keep_default_na=False)


@pytest.fixture(scope="module")
def surges() -> pd.DataFrame:
    return pd.read_csv(FOLDER / "surges.csv", parse_dates=["starts_at", "ends_at"])


def mentions(headlines: pd.DataFrame, companies: pd.DataFrame, entity: str) -> pd.DataFrame:
    """Headlines that name a company (case as written, its name or $TICKER) or show a topic's words."""
    if entity in TOPIC_WORDS:
        return headlines[headlines["headline"].str.contains(TOPIC_WORDS[entity], case=False)]
    row = companies[companies["ticker"] == entity].iloc[0]
    names = "|".join(re.escape(name) for name in (row["name"], *row["aliases"].split("|"), "$" + entity))
    return headlines[headlines["headline"].str.contains(names, case=False)]


def test_generator_writes_the_committed_files_again(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-B", str(FOLDER / "generate.py"), "--out", str(tmp_path)], check=True, timeout=60)
    written = sorted(path.name for path in tmp_path.iterdir())
    assert len(written) == 8
    assert [name for name in written if content(tmp_path / name) != content(FOLDER / name)] == []


@pytest.mark.parametrize("name", sorted(LABELLED))
def test_labelled_sets_have_the_promised_size_schema_and_labels(name: str) -> None:
    column, train_rows, test_rows = LABELLED[name]
    train, test = pd.read_csv(FOLDER / f"{name}.csv"), pd.read_csv(FOLDER / f"{name}_test.csv")
    assert list(train.columns) == list(test.columns) == ["text", column]
    assert len(train) >= train_rows
    assert len(test) >= test_rows
    assert set(train[column]) == set(test[column])
    assert test[column].value_counts().min() >= 20
    assert not train["text"].duplicated().any()


def test_sentiment_has_the_balance_of_a_news_desk() -> None:
    share = pd.read_csv(FOLDER / "sentiment.csv")["sentiment"].value_counts(normalize=True)
    assert share["negative"] == pytest.approx(0.25, abs=0.04)
    assert share["neutral"] == pytest.approx(0.45, abs=0.04)
    assert share["positive"] == pytest.approx(0.30, abs=0.04)


def test_at_least_nine_topics() -> None:
    assert pd.read_csv(FOLDER / "topics.csv")["topic"].nunique() >= 9


def test_no_test_headline_resembles_a_training_headline() -> None:
    train = [bag(text) for name in LABELLED for text in pd.read_csv(FOLDER / f"{name}.csv")["text"]]
    test = [bag(text) for name in LABELLED for text in pd.read_csv(FOLDER / f"{name}_test.csv")["text"]]
    place = {word: number for number, word in enumerate(sorted(frozenset().union(*train, *test)))}

    def table(bags: list[frozenset[str]]) -> np.ndarray:
        cells = np.zeros((len(bags), len(place)), dtype=np.float32)
        for row, words in enumerate(bags):
            cells[row, [place[word] for word in words]] = 1
        return cells

    known, asked = table(train), table(test)
    shared = asked @ known.T  # (test headlines, training headlines): words in common
    alike = shared / (asked.sum(1)[:, None] + known.sum(1)[None, :] - shared)
    assert alike.max() < 0.85


def test_companies_are_distinct_and_some_are_called_like_common_words(companies: pd.DataFrame) -> None:
    assert len(companies) >= 44
    assert companies["ticker"].is_unique
    assert companies["name"].is_unique
    assert companies["sector"].nunique() >= 10
    assert {"Current", "Harvest", "Gather", "Echo", "Summit"} <= set(companies["name"])
    assert (companies["aliases"].str.split("|").explode() == "Northgate").sum() == 2


def test_stream_is_dated_ordered_and_many_voiced(headlines: pd.DataFrame) -> None:
    assert list(headlines.columns[:4]) == ["published_at", "headline", "source", "url"]
    assert len(headlines) >= 22_000
    assert headlines["published_at"].str.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ").all()
    assert headlines["at"].is_monotonic_increasing
    days = headlines["at"].dt.date
    assert days.nunique() >= 130
    assert str(days.max()) == "2026-10-31"
    assert (headlines["source"].value_counts() >= 200).sum() >= 8


def test_stream_has_the_rhythm_of_a_week_and_a_day(headlines: pd.DataFrame) -> None:
    a_day = headlines.groupby(headlines["at"].dt.date).size()
    weekend = pd.to_datetime(a_day.index).dayofweek >= 5
    assert a_day[weekend].mean() < 0.4 * a_day[~weekend].mean()
    an_hour = headlines.groupby(headlines["at"].dt.hour).size()
    assert an_hour[6] > 3 * an_hour[2]


def test_stream_repeats_stories_as_wires_do(headlines: pd.DataFrame) -> None:
    text = headlines["headline"]
    assert 0.1 < text.duplicated().mean() < 0.35
    assert text.str.contains(r"^UPDATE \d-").sum() > 200


def test_some_headlines_name_no_company_and_some_name_two(headlines: pd.DataFrame, companies: pd.DataFrame) -> None:
    named = sum(
        headlines["headline"].str.contains(row["name"].split()[0], regex=False).astype(int)
        for _, row in companies.iterrows()
    )
    assert (named == 0).mean() > 0.1
    assert (named >= 2).mean() > 0.05


def test_there_are_surges_and_decoys(surges: pd.DataFrame) -> None:
    assert 5 <= (surges["alarm"] == "yes").sum() <= 7
    assert 2 <= (surges["alarm"] == "no").sum() <= 3
    assert {"company", "topic"} == set(surges[surges["alarm"] == "yes"]["scope"])


def test_each_surge_stands_out_in_the_counts(
    headlines: pd.DataFrame, companies: pd.DataFrame, surges: pd.DataFrame
) -> None:
    for surge in surges.itertuples():
        named = mentions(headlines, companies, str(surge.entity))
        inside = named[(named["at"] >= surge.starts_at) & (named["at"] <= surge.ends_at)]
        outside = named[(named["at"] < surge.starts_at) | (named["at"] > surge.ends_at)]
        a_day = outside.groupby(outside["at"].dt.date).size()
        busiest = inside.groupby(inside["at"].dt.date).size().max()
        assert len(inside) >= 0.7 * surge.headlines, surge.surge_id
        assert busiest >= 5 * a_day.median(), surge.surge_id
        assert busiest > a_day.max(), surge.surge_id


def test_syndication_burst_is_one_story(headlines: pd.DataFrame, surges: pd.DataFrame) -> None:
    burst = surges[surges["kind"] == "syndicated copies"].iloc[0]
    copies = headlines[headlines["headline"].str.contains("Leeds.Valencia", case=False)]
    inside = copies[(copies["at"] >= burst["starts_at"]) & (copies["at"] <= burst["ends_at"])]
    assert len(inside) >= burst["headlines"]
    assert len({bag(text) - {"global", "desk"} for text in inside["headline"]}) <= 2


def test_feed_is_rss_with_one_item_in_bad_shape() -> None:
    channel = ET.parse(FOLDER / "feed.xml").getroot().find("channel")
    assert channel is not None
    items = channel.findall("item")
    assert len(items) == 26
    assert sum(item.find("link") is None for item in items) == 1


def test_samples_stay_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 3_000_000
