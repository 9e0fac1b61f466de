"""``portside models``: look at model versions, and say which one is served."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from portside.commands.add_class import add_class

if TYPE_CHECKING:
    from portside.registry import ModelRegistry, ModelVersion, RegistryEvent

__all__ = ["commands"]

commands = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of the model, such as support-intents.", metavar="NAME")]
Reference = Annotated[str, typer.Argument(help="NAME (its champion), NAME@ALIAS or NAME:VERSION.", metavar="NAME")]
Version = Annotated[int, typer.Argument(help="Number of the version.", metavar="VERSION", min=1)]
Alias = Annotated[str, typer.Option(help="The alias to move; 'champion' is the one that is served.")]
Reason = Annotated[str, typer.Option(help="Why, for the history.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@commands.command("list")
def list_models(json: AsJson = False) -> None:
    """List all models with their versions and aliases."""
    from portside.console import as_json, say, table

    registry = _registry()
    rows = [_summary(registry, name) for name in registry.names()]
    if json:
        as_json({"models": rows})
        return
    if not rows:
        say("No models yet. Train one: portside train classification --data FILE --name NAME")
        return
    columns = ["model", "task", "champion", "candidate", "versions", "accuracy", "trained"]
    table(columns, [[row["name"], *(row[column] for column in columns[1:])] for row in rows])


@commands.command("show")
def show_model(reference: Reference, json: AsJson = False) -> None:
    """Show the versions, aliases, speed and history of a model; for NAME:VERSION or NAME@ALIAS, its card."""
    from portside.console import as_json, say
    from portside.inference.engines.told import told_of

    registry = _registry()
    if ":" in reference or "@" in reference:
        version = registry.resolve(reference)
        speed, compiled = told_of(version.folder, version.ref)
        if json:
            as_json({"model": version.ref, "folder": version.folder, "card": version.card, "compiled": compiled})
        else:
            say((version.folder / "CARD.md").read_text(encoding="utf-8").rstrip())
            say(f"\n{speed}")
        return
    if not registry.versions(reference):
        registry.resolve(reference)  # refuses an unknown name, with advice
    described = _description(registry, reference)
    if json:
        as_json(described)
    else:
        _print_description(described)


@commands.command("promote")
def promote_version(name: Name, version: Version, alias: Alias = "champion", reason: Reason = "") -> None:
    """Serve VERSION from now on; running services pick it up by themselves."""
    from portside.console import say

    registry = _registry()
    before = registry.aliases(name).get(alias)
    registry.promote(name, version, alias=alias, actor=_actor(), reason=reason)
    was = f"; it was version {before}" if before not in (None, version) else ""
    say(f"{name}@{alias} is version {version}{was}.")


@commands.command("rollback")
def rollback_model(name: Name, alias: Alias = "champion", reason: Reason = "") -> None:
    """Serve the version that was served before."""
    from portside.console import say

    registry = _registry()
    before = registry.aliases(name).get(alias)
    version = registry.rollback(name, alias=alias, actor=_actor(), reason=reason)
    say(f"{name}@{alias} is version {version} again; it was version {before}.")


@commands.command("verify")
def verify_model(reference: Reference, json: AsJson = False) -> None:
    """Compare a model's files, and an adapter's encoder, with what was registered: all versions of NAME, or one."""
    from portside.console import as_json, say
    from portside.errors import ModelError, ModelNotFound
    from portside.inference.base_encoder import check_base

    registry = _registry()
    single = ":" in reference or "@" in reference
    versions = [] if single else [version.ref for version in registry.versions(reference)]
    checked: list[dict[str, Any]] = []
    for ref in versions or [reference]:
        try:
            version = registry.verify(ref)
            check_base(version.folder)
            checked.append({"model": version.ref, "intact": True, "damage": None})
        except ModelNotFound:
            raise
        except ModelError as error:
            if not json and len(versions) <= 1:
                raise
            checked.append({"model": ref, "intact": False, "damage": str(error)})
    if json:
        as_json({"versions": checked})
    else:
        for row in checked:
            say(f"{row['model']}: {'intact' if row['intact'] else row['damage']}")
    if not all(row["intact"] for row in checked):
        raise typer.Exit(2)


@commands.command("merge")
def merge_adapter(
    name: Name,
    version: Annotated[int | None, typer.Argument(help="Its champion if not given.", metavar="VERSION", min=1)] = None,
    promote: Annotated[bool, typer.Option("--promote", help="Serve the merged version at once.")] = False,
    reason: Reason = "",
) -> None:
    """Add an adapter (--method lora or dora) to its encoder: the next version holds all weights, answers the same."""
    from portside.console import say
    from portside.training.merge import merge_version

    reference = name if version is None else f"{name}:{version}"
    merged = merge_version(
        _registry(), reference, actor=_actor(), reason=reason or f"merged {reference}", promote=promote
    )
    say(f"Registered {merged.ref} in {merged.folder}: {merged.card['merged_from']} merged into its encoder.")


commands.command("add-class")(add_class)


@commands.command("delete")
def delete_version(name: Name, version: Version, reason: Reason = "") -> None:
    """Remove VERSION for good; refused while an alias stands on it."""
    from portside.console import say

    _registry().delete(name, version, _actor(), reason)
    say(f"{name}:{version} is deleted.")


def _registry() -> ModelRegistry:
    from portside.registry import ModelRegistry
    from portside.settings import load_settings

    return ModelRegistry(load_settings().models_dir)


def _actor() -> str:
    from portside.registry.actor import current_actor
    from portside.settings import load_settings

    return current_actor(load_settings())


def _summary(registry: ModelRegistry, name: str) -> dict[str, Any]:
    versions = registry.versions(name)
    aliases = registry.aliases(name)
    served = next((version for version in versions if version.version == aliases.get("champion")), versions[-1])
    return {
        "name": name,
        "task": served.card.get("task"),
        "champion": aliases.get("champion"),
        "candidate": aliases.get("candidate"),
        "versions": len(versions),
        "aliases": aliases,
        "accuracy": served.validation.get("accuracy"),
        "trained": _trained(served),
    }


def _description(registry: ModelRegistry, name: str) -> dict[str, Any]:
    from portside.commands.tasks import measured
    from portside.inference.engines.told import told_of

    aliases = registry.aliases(name)
    versions = registry.versions(name)
    speeds = {version.version: told_of(version.folder, version.ref) for version in versions}
    return {
        "name": name,
        "aliases": aliases,
        "versions": [
            {
                "version": version.version,
                "aliases": sorted(alias for alias, at in aliases.items() if at == version.version),
                "task": version.card.get("task"),
                "accuracy": version.validation.get("accuracy"),
                "measured": measured(version) or version.card.get("summary") or "no figures on validation rows",
                "speed": speeds[version.version][0],
                "compiled": speeds[version.version][1],
                "trained": _trained(version),
                "folder": version.folder,
                "card": version.card,
            }
            for version in versions
        ],
        "history": [_event(event) for event in registry.history(name)],
    }


def _event(event: RegistryEvent) -> dict[str, Any]:
    return {
        "at": event.at,
        "actor": event.actor,
        "action": event.action,
        "version": event.version,
        "alias": event.alias,
        "previous": event.previous,
        "reason": event.reason,
    }


def _print_description(described: dict[str, Any]) -> None:
    from portside.console import say, table

    table(
        ["version", "task", "aliases", "trained", "folder"],
        [
            [row["version"], row["task"], ", ".join(row["aliases"]), row["trained"], row["folder"]]
            for row in described["versions"]
        ],
        title=f"Versions of {described['name']}",
    )
    for row in described["versions"]:
        say(f"{described['name']}:{row['version']}  {row['measured']}")
        say(f"{described['name']}:{row['version']}  {row['speed']}")
    table(
        ["when", "who", "what", "why"],
        [
            [f"{event['at']:%Y-%m-%d %H:%M} UTC", event["actor"], _sentence(event), event["reason"]]
            for event in described["history"]
        ],
        title="History",
    )


def _sentence(event: dict[str, Any]) -> str:
    moved = f" as {event['alias']}" if event["alias"] else ""
    from_where = f" (was {event['previous']})" if event["previous"] not in (None, event["version"]) else ""
    return f"{event['action']} version {event['version']}{moved}{from_where}"


def _trained(version: ModelVersion) -> str | None:
    created = version.card.get("created_at")
    return created[:16].replace("T", " ") + " UTC" if isinstance(created, str) else None
