"""The report on a matcher: how far up the right documents are, and for which queries they are not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from portside.evaluation.intervals import wilson
from portside.evaluation.matching import SystemFigures, check_relevant, ndcg, score_rankings
from portside.evaluation.report.facts import facts_of, kept_aside, title_of
from portside.evaluation.report.matching_promises import first_documents_section
from portside.evaluation.report.parts import Bar, Cell, Chart, Figure, Report, Section, Table, percent
from portside.evaluation.report.slices import section_of
from portside.evaluation.report.sources import source_section
from portside.evaluation.report.versus import LONGEST, Changed, shown_worse, versus_on_new_rows
from portside.evaluation.risk import RISKS
from portside.evaluation.slices import compare_slices, part_slices, text_slices
from portside.evaluation.verdicts_matching import order_verdicts
from portside.inference.matcher import load_matcher
from portside.inference.ranking import Ranked
from portside.registry import ModelVersion
from portside.said import said
from portside.tasks.matching import SYSTEMS, JudgedTexts, System, relevance_by_query
from portside.training.seen import load_seen

__all__ = ["changed_rankings", "report_file", "sections_of"]

FIRST = 3
"""Places that a user looks at."""
MISSES_SHOWN = 50
CHANCE = 0.01
"""Probability of so many right documents near the top by an order drawn at random, above which nothing was learned."""
FEWEST = 20
"""Queries below which that is not asked: a few may be unlucky."""
DEEPEST = 10
NAMES: dict[System, str] = {"keywords": said("by words"), "vectors": said("by meaning"), "hybrid": said("by both")}
Rankings = Mapping[System, Mapping[str, Sequence[str]]]


def report_file(
    version: ModelVersion,
    dataset: JudgedTexts,
    *,
    against: ModelVersion | None = None,
    risks: Sequence[float] = RISKS,
    threads: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """The report on ``version`` from judged queries; ``progress`` is told how many steps are done of how many.

    ``risks``: shares of wrong first documents that a promise is tried for.

    Raises:
        DataError: no document is relevant to any query.
    """
    queries = len(check_relevant(dataset))
    matcher = load_matcher(version, threads=threads)
    ranked = matcher.rankings(dataset, report=progress)
    chosen = ranked.orders[matcher.system]
    compared = [] if against is None else [_compared(version, against, chosen, dataset, threads=threads, told=progress)]
    return Report(
        title_of(version),
        version.card.get("summary", ""),
        facts_of(version, dataset.source, queries),
        [*compared, *sections_of(ranked, matcher.system, dataset, load_seen(version.folder), risks=risks)],
    )


def sections_of(
    ranked: Ranked,
    system: System,
    dataset: JudgedTexts,
    seen: Callable[[str], bool] | None,
    *,
    risks: Sequence[float] = RISKS,
) -> list[Section]:
    """All but the comparison, of a model that answers with ``system`` and ranked the documents so.

    ``seen`` tells whether a query was trained on, None: not known.
    """
    rankings, documents = ranked.orders, ranked.documents
    relevant = check_relevant(dataset)
    ranks = {query: _rank(rankings[system][query], documents_of) for query, documents_of in relevant.items()}
    texts = [dataset.queries[query] for query in relevant]
    near = np.array([rank is not None and rank <= FIRST for rank in ranks.values()])
    slices = text_slices(texts) | part_slices(_parts(dataset, relevant))
    worse = section_of(compare_slices(near, slices))
    lucky = _no_better_than_chance([*ranks.values()], [len(one) for one in relevant.values()], documents)
    broken = order_verdicts(rankings[system], relevant, documents, dataset.queries, dataset.documents)
    # Whoever looks at next to nothing is right by luck alone: why says more than that.
    broken = broken or [one for one in (lucky,) if one is not None]
    return [
        _ranking_section(rankings, system, ranks, dataset),
        first_documents_section(_fresh(ranks, dataset, seen), ranked.cosines[system], risks),
        *([] if worse is None else [worse]),
        source_section(_source(len(texts), dataset.source, documents), texts, seen, warnings=broken),
    ]


def _parts(dataset: JudgedTexts, queries: Iterable[str]) -> Mapping[str, Sequence[str]]:
    """Where those queries come from, by column; none where the file does not say it."""
    parts: Mapping[str, Sequence[str]] = getattr(dataset, "parts", {})
    place_of = {query: place for place, query in enumerate(dataset.queries)}
    return {name: [values[place_of[query]] for query in queries] for name, values in parts.items()}


def _fresh(
    ranks: Mapping[str, int | None], dataset: JudgedTexts, seen: Callable[[str], bool] | None
) -> Mapping[str, bool]:
    """Of each query that was not trained on, whether a right document stands first: on the others it is surer."""
    return {query: rank == 1 for query, rank in ranks.items() if seen is None or not seen(dataset.queries[query])}


def _source(queries: int, source: str, documents: int) -> str:
    slots = {"n": f"{queries:,}", "documents": f"{documents:,}"}
    if kept_aside(source):
        return said(
            "{n} queries that were kept aside from training, for each of which {documents} documents were ranked.",
            **slots,
        )
    return said("{n} queries of {file}, for each of which {documents} documents were ranked.", **slots, file=source)


def _no_better_than_chance(ranks: Sequence[int | None], relevant: Sequence[int], documents: int) -> str | None:
    """Whether the right documents stand near the top only as often as by an order drawn at random.

    ``relevant`` is how many each query has. One-sided binomial test against the mean chance of the queries.
    """
    from scipy.stats import binom, hypergeom

    depth, n = min(DEEPEST, documents // 4), len(ranks)
    if n < FEWEST or depth < 1:
        return None
    hits = sum(rank is not None and rank <= depth for rank in ranks)
    chance = float(np.mean(hypergeom.sf(0, documents, np.minimum(relevant, documents), depth)))
    if float(binom.sf(hits - 1, n, chance)) < CHANCE:
        return None
    return said(
        "The model is no better than an order drawn at random: for {hits} of {n} queries a right document is among the "
        "first {depth}, for {lucky} it would be by chance. Queries and documents do not fit: look whether one of their "
        "columns was sorted or shuffled by itself, or their ids were given anew",
        hits=f"{hits:,}",
        n=f"{n:,}",
        depth=depth,
        lucky=f"{n * chance:,.0f}",
    )


def _rank(ranking: Sequence[str], relevant: set[str]) -> int | None:
    """Place of the first relevant document, from 1; None where it is not ranked."""
    return next((place for place, document in enumerate(ranking, start=1) if document in relevant), None)


def _sums(rankings: Mapping[str, Sequence[str]], dataset: JudgedTexts) -> NDArray[np.float64]:
    gains = relevance_by_query(dataset.judged)
    return np.array([[ndcg(rankings[query], gains[query], 10), 1.0] for query in check_relevant(dataset)])


def _compared(
    version: ModelVersion,
    against: ModelVersion,
    chosen: Mapping[str, Sequence[str]],
    dataset: JudgedTexts,
    *,
    threads: int,
    told: Callable[[int, int], None] | None,
) -> Section:
    other = load_matcher(against, threads=threads)
    old = other.rankings(dataset, report=told).orders[other.system]
    before, after = _sums(old, dataset), _sums(chosen, dataset)
    changed = changed_rankings(chosen, old, dataset)
    texts = [dataset.queries[query] for query in check_relevant(dataset)]
    return versus_on_new_rows("NDCG@10", (version, against), (after, before), texts, changed=changed)


def changed_rankings(
    new: Mapping[str, Sequence[str]], old: Mapping[str, Sequence[str]], dataset: JudgedTexts
) -> list[Changed]:
    """Queries whose first document, or whose place of the first right one, is another now."""
    number = {query: place for place, query in enumerate(dataset.queries, start=1)}
    out = []
    for query, relevant in check_relevant(dataset).items():
        was, now = (_rank(each[query], relevant) for each in (old, new))
        if was != now or old[query][:1] != new[query][:1]:
            true = "; ".join(dataset.documents[document] for document in sorted(relevant))
            before, after = _first(dataset, old[query], was), _first(dataset, new[query], now)
            worse = (0 if was is None else 1 / was) - (0 if now is None else 1 / now)
            out.append(Changed(number[query], dataset.queries[query], true, before, after, worse=worse))
    return out


def _first(dataset: JudgedTexts, ranking: Sequence[str], rank: int | None) -> str:
    first = _text(dataset, ranking)
    if rank == 1:
        return first
    if rank is None:
        return said("{first} (the right one is not found)", first=first)
    return said("{first} (the right one stands at {rank})", first=first, rank=f"{rank:,}")


def _ranking_section(
    rankings: Rankings, chosen: System, ranks: Mapping[str, int | None], dataset: JudgedTexts
) -> Section:
    n = len(ranks)
    first, near = (sum(rank is not None and rank <= most for rank in ranks.values()) for most in (1, FIRST))
    scores = {system: score_rankings(rankings[system], dataset) for system in SYSTEMS}
    own = scores[chosen]
    warnings = []
    if shown_worse(_sums(rankings[chosen], dataset), _sums(rankings["keywords"], dataset)):
        warnings.append(
            said(
                "Plain words rank better ({words}) than this model ({own}): it learned too few pairs, or wrong ones",
                words=f"{scores['keywords'].ndcg_at_10:.3f}",
                own=f"{own.ndcg_at_10:.3f}",
            )
        )
    return Section(
        key="accuracy",
        title="How far up the right documents are",
        sentences=[
            said(
                "For {first} of {n} queries a right document stands first, for {near} it is among the first {places}.",
                first=f"{first:,}",
                n=f"{n:,}",
                near=f"{near:,}",
                places=FIRST,
            )
        ],
        warnings=warnings,
        figures=[
            Figure("NDCG@10", own.ndcg_at_10, *own.ci95["ndcg_at_10"], n),
            Figure("Right document first", first / n, *wilson(first, n), n),
            Figure("Right document among the first 3", near / n, *wilson(near, n), n),
            Figure("Mean average precision", own.map, *own.ci95["map"], n),
        ],
        charts=[_systems_drawn(scores, chosen)],
        tables=[_systems(scores), _misses(rankings[chosen], ranks, dataset)],
    )


def _systems_drawn(scores: Mapping[System, SystemFigures], chosen: System) -> Chart:
    return Chart(
        title="Three ways of ranking",
        summary=said(
            "NDCG@10 is 100 % where the right documents stand first for every query; this model ranks {how} and "
            "reaches {own}.",
            how=NAMES[chosen],
            own=percent(scores[chosen].ndcg_at_10),
        ),
        x_title="NDCG@10",
        y_title="ranked",
        bars=[Bar(NAMES[system], one.ndcg_at_10, *one.ci95["ndcg_at_10"]) for system, one in scores.items()],
    )


def _systems(scores: Mapping[System, SystemFigures]) -> Table:
    rows: list[list[Cell]] = [
        [NAMES[system], one.ndcg_at_3, one.ndcg_at_10, one.recall_at_10, one.map] for system, one in scores.items()
    ]
    return Table("Three ways of ranking", ["ranked", "NDCG@3", "NDCG@10", "recall@10", "MAP"], rows)


def _misses(rankings: Mapping[str, Sequence[str]], ranks: Mapping[str, int | None], dataset: JudgedTexts) -> Table:
    far = sorted(
        (query for query, rank in ranks.items() if rank is None or rank > FIRST),
        key=lambda query: -(ranks[query] or 10**9),
    )
    rows: list[list[Cell]] = [
        [dataset.queries[query][:120], ranks[query], _text(dataset, rankings[query])] for query in far[:MISSES_SHOWN]
    ]
    title = said(
        "Queries without a right document among the first {places} ({shown} of {all})",
        places=FIRST,
        shown=f"{len(rows):,}",
        all=f"{len(far):,}",
    )
    return Table(title, ["query", "place of the right one", "what stands first"], rows)


def _text(dataset: JudgedTexts, ranking: Sequence[str]) -> str:
    if not ranking:
        return ""
    # The model's own documents are ranked, too: they have ids that the file does not know.
    known = dataset.documents.get(ranking[0])
    return said("a document of the model's own") if known is None else known[:LONGEST]
