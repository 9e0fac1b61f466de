"""What is trained: the text encoder, as versions of ``recommend-encoder``, with everything learned beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from portside.data.texts import FEWEST
from portside.encoders import EncoderSource, resolve_encoder
from portside.errors import DataError, ModelError
from portside.evaluation.held_out import save_rows
from portside.inference.engines.subject import some
from portside.inference.interfaces import TextEncoder
from portside.progress import Progress
from portside.registry import ModelRegistry
from portside.retrieval.vectors import VectorIndex
from portside.said import said
from portside.settings import Settings
from portside_recommend.choices import Choices
from portside_recommend.config import EncoderConfig
from portside_recommend.contrastive import TrainedEncoder, fine_tune
from portside_recommend.learning import Learned, Source, Teacher, learn
from portside_recommend.library import KeptVectors
from portside_recommend.service import RecommendService

__all__ = ["Trained", "make_teacher", "prepare_demo", "train_recommender"]

DEMO_BUDGET_SECONDS = 7.0
"""Of the demo's two minutes of training; the rest of the recommender's 25 s reads the catalogue and tunes."""
DEMO_BATCH, DEMO_TOKENS, DEMO_CASES = 32, 32, 120
"""Smaller steps than the defaults, so that seconds hold some dozens of them, and fewer users to choose weights on."""
LARGEST_DIFFERENCE = 1e-5
"""Between a vector of the network in training and of the reloaded one."""
FEWEST_PAIRS = 100
"""Pairs that an encoder's engines are judged by; of fewer, one that is found a place later is a loss of some size."""
LIBRARIES = ("torch", "transformers", "numpy", "scipy")


@dataclass(frozen=True)
class Trained:
    """What a training led to."""

    version: str | None
    """Of the encoder, as ``name:number``; None when there was too little to learn from."""
    promoted: bool
    learned: Learned

    def lines(self) -> list[str]:
        """In plain words."""
        tuned, trained = self.learned.tuned, self.learned.trained
        found: list[str] = []
        if self.version and trained:
            state = said("is served now") if self.promoted else said("stays a candidate: its lists were no better")
            found.append(
                said(
                    "encoder {model} after {pairs} pairs in {seconds} s {state}",
                    model=self.version,
                    pairs=f"{trained.pairs:,}",
                    seconds=f"{trained.seconds:.0f}",
                    state=state,
                )
            )
        else:
            found.append(said("the encoder stays as it is: too few items were chosen together to learn from"))
        if tuned is not None:
            reached = said("validation NDCG@10 {ndcg} over {n} users", ndcg=f"{tuned.ndcg:.3f}", n=f"{tuned.cases:,}")
            rival = self.learned.rival_ndcg
            found.append(
                reached
                if rival is None
                else said("{reached} (other encoder {rival})", reached=reached, rival=f"{rival:.3f}")
            )
        return found


def make_teacher(source: Path, folder: Path, config: EncoderConfig, *, threads: int = 0) -> Teacher:
    """Fine-tunes the encoder in ``source`` into ``folder``."""

    def teach(texts: Sequence[str], choices: Choices, progress: Progress) -> tuple[TextEncoder, TrainedEncoder] | None:
        from portside.inference.encoder import load_encoder

        trained = fine_tune(source, folder, texts, choices, config, progress=progress)
        if trained is None:
            return None
        return load_encoder(folder, model="the fine-tuned encoder", threads=threads), trained

    return teach


def train_recommender(
    service: RecommendService,
    registry: ModelRegistry,
    settings: Settings,
    *,
    progress: Progress,
    actor: str,
    reason: str,
    config: EncoderConfig | None = None,
) -> Trained:
    """Fine-tune the encoder, choose the weights, learn the behaviour, and put what is better into service.

    A new encoder is promoted when its lists on the validation period are at least as good as those of the one
    served so far; else it is registered as a candidate. A stopped or killed training changes nothing.

    Raises:
        DataError: there are no items or no events.
        Cancelled: the user stopped it.
    """
    config = config or service.config.encoder
    shelf = service.keeper.shelf(progress)
    log = service.log(shelf)
    if len(shelf) == 0 or len(log) == 0:
        raise DataError(
            "Training needs items and events",
            seen=f"{len(shelf):,} items, {len(log):,} events",
            remedy="portside recommend ingest --items FILE --events FILE",
        )
    start = resolve_encoder(settings.encoder, registry)
    progress.log(start.note)
    source = Source(shelf.items, log, service.keeper.encoder(), shelf.vectors)
    with registry.staging(config.name) as folder:
        teacher = make_teacher(start.folder, folder, config, threads=settings.threads)
        learned = learn(source, teacher, service.config, progress)
        if learned.trained is None:
            service.keep(learned, shelf, log)
            return Trained(None, False, learned)
        texts = [text for text, _ in zip(_texts(source), learned.trained.probe, strict=False)]
        _keep_for_compiling(folder, source, learned)
        check = _reload_check(texts, learned.trained)
        card = _card(source, start, learned, config)
        version = registry.register(config.name, folder, card, actor=actor, reason=reason, promote=False, check=check)
    if learned.fine_tuned_wins:
        # Its vectors are on disk before the first request asks for them.
        index = VectorIndex(learned.vectors.shape[1])
        index.add([item.item_id for item in shelf.items], learned.vectors)
        index.speed_up()
        service.library.save_vectors(version.ref, KeptVectors(index, service.store.version()))
        registry.promote(config.name, version.version, actor=actor, reason=said("lists at least as good on validation"))
    service.keep(learned, shelf, log)
    service.keeper.shelf(progress)
    return Trained(version.ref, learned.fine_tuned_wins, learned)


def prepare_demo(settings: Settings, samples: Path, progress: Progress) -> list[str]:
    """Fill the catalogue from ``samples/recommend`` and train on it; nothing where that was done before."""
    from portside.registry.actor import current_actor
    from portside_recommend.build import build_service

    service = build_service(settings)
    registry = ModelRegistry(settings.models_dir)
    config = replace(
        service.config.encoder, budget_seconds=DEMO_BUDGET_SECONDS, batch_size=DEMO_BATCH, max_tokens=DEMO_TOKENS
    )
    service.config = replace(service.config, evaluation=replace(service.config.evaluation, max_tuning_cases=DEMO_CASES))
    counts = service.store.counts()
    done: list[str] = []
    if counts.items == 0 or counts.events == 0:
        folder = samples / "recommend"
        taken = service.ingest(items=folder / "items.csv", events=folder / "events.csv.gz", progress=progress)
        done.append(said("{items} items and {events} events", items=f"{taken.items:,}", events=f"{taken.events:,}"))
    # The validation's figures are there even where too little was chosen together to register an encoder.
    if config.name not in registry.names() and "validation" not in service.overview().learned:
        trained = train_recommender(
            service,
            registry,
            settings,
            progress=progress,
            actor=current_actor(settings),
            reason=said("demo on the sample data"),
            config=config,
        )
        done += trained.lines()
    return done


def _texts(source: Source) -> list[str]:
    from portside_recommend.records import item_text

    return [item_text(item) for item in source.items]


def _keep_for_compiling(folder: Path, source: Source, learned: Learned) -> None:
    """Keep words of items beside the encoder, by which its engines are judged: pairs of which people chose the second
    after the first, or the words alone where there are few such pairs. Nothing says who chose.
    """
    texts = _texts(source)
    pairs = [(texts[first], texts[second]) for first, second in learned.next_items]
    pairs = [(first, second) for first, second in pairs if first.strip() and second.strip() and first != second]
    if len(pairs) >= FEWEST_PAIRS:
        save_rows(folder, ({"query": first, "document": second} for first, second in some(pairs)))
    elif len(set(texts)) >= FEWEST:
        save_rows(folder, ({"text": text} for text in some(texts)))


def _reload_check(texts: Sequence[str], trained: TrainedEncoder) -> Callable[[Path], None]:
    def check(folder: Path) -> None:
        from portside.inference.encoder import load_encoder

        again = load_encoder(folder).encode(texts)
        difference = float(np.abs(again - np.array(trained.probe, dtype=np.float32)).max())
        if not difference <= LARGEST_DIFFERENCE:
            raise ModelError(
                "A saved encoder must give the vectors of the trained one",
                seen=f"a difference of {difference:.1e}",
                remedy="Train again; if it comes back, report it with the log",
            )

    return check


def _card(source: Source, start: EncoderSource, learned: Learned, config: EncoderConfig) -> dict[str, Any]:
    assert learned.trained is not None
    run = {name: value for name, value in asdict(learned.trained).items() if name != "probe"}
    tuned = learned.tuned
    return {
        "summary": said("Turns the words of items into vectors; items chosen together lie close to each other."),
        "task": "encoder",
        "encoder": {"name": start.name, "sha256": start.sha256},
        "parent": source.encoder.model,
        "data": {"items": len(source.items), "events": len(source.log), "users": learned.users},
        "recipe": asdict(config),
        "run": run,
        "metrics": {
            "validation_ndcg_at_10": tuned.ndcg if tuned and learned.fine_tuned_wins else learned.rival_ndcg,
            "validation_ndcg_at_10_before": learned.rival_ndcg if learned.fine_tuned_wins else tuned and tuned.ndcg,
            "validation_users": tuned.cases if tuned else 0,
        },
        "libraries": {name: metadata.version(name) for name in LIBRARIES},
    }
