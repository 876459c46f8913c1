"""Rules at run time, for engineers: the same steps as on page Rules."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import orjson
import typer

from models.commands.rule_record import my_name, open_record, send_changes
from runtime.command_line import AsJson, Command, WorldName, log, settings_for

if TYPE_CHECKING:
    from models.rules.parse import Expression

Rule = Annotated[str, typer.Argument(help="Name of the rule.")]
Number = Annotated[int | None, typer.Option("--version", help="Version of the rule; default the newest.")]
Grain = Annotated[str, typer.Option("--over", help="What the rule looks at: session, day or weeks.")]
Person = Annotated[str | None, typer.Option("--as", help="Your name; default that of the system's user.")]
Text = Annotated[str | None, typer.Option("--if", help="Text of the rule.")]
TextFile = Annotated[Path | None, typer.Option("--file", help="File with the text of the rule.")]
Kind = Annotated[str, typer.Argument(help="account or track.")]
Subject = Annotated[str, typer.Argument(help="Id of the account or track.")]
SPARE = "-"


def list_rules(world: WorldName = None, as_json: AsJson = False) -> None:
    """List the rules with the states of their versions, what the job runs, and the allow-list."""
    from models.rules.store import RuleStore
    from runtime.monitoring.rules import rules_record

    the_world = settings_for(world).existing_world()
    store = RuleStore(the_world.rules)
    versions, exemptions = store.versions(), store.exemptions()
    if as_json:
        rows = {"versions": versions, "exemptions": exemptions, "job": rules_record(the_world.unit)}
        print(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())
        return
    for v in versions:
        print(f"{v.label:<24} {v.state:<9} over {v.grain:<8} by {v.author:<12} {v.title}")
    for e in exemptions:
        state = "allowed" if e.is_in_force(store.now_text()[:10]) else "ended"
        print(f"{e.key:<24} {state:<9} until {e.until} by {e.person:<12} {e.why}")
    if not versions and not exemptions:
        print(f"world {the_world.name} has no rules yet: playproof rules draft --help")
    print(_of_job(rules_record(the_world.unit)))


def _of_job(record: dict[str, Any]) -> str:
    if not record:
        return "the job has not evaluated rules yet"
    names = ", ".join(f"{row[0]} v{row[1]} ({row[2]})" for row in record["rules"]) or "no rules"
    refused = "".join(f"\nrefused: {text}" for text in record["refused"])
    trouble = f"\n{record['trouble']}" if record["trouble"] else ""
    return f"in the job's micro-batch {record['batch_id']}: {names}{refused}{trouble}"


def show(rule: Rule, world: WorldName = None) -> None:
    """Show a rule: its versions, every step of them, and the newest back-test."""
    from models.rules.wording import format_test

    store, _ = open_record(world)
    newest = store.version(rule)
    for version in store.versions(rule):
        print(f"{version.label}, {version.state}: {version.title}\n  {version.expression}")
    for step in store.steps(rule):
        note = f": {step.note}" if step.note else ""
        print(f"{step.at}  v{step.version} {step.state} by {step.person}{note}")
    test = store.last_test(rule, newest.version)
    if test:
        print(f"back-test of {newest.label}, {test['at']}:")
        print("\n".join(f"  {line}" for line in format_test(test)))


def names(grain: Grain = "session") -> None:
    """List what a rule may name, with units and meanings."""
    from models.rules.names import names_of

    for feature in names_of(grain).values():
        print(f"{feature.name:<24} {feature.unit:<18} {feature.meaning}")


def check(text: Annotated[str, typer.Argument(help="Text of a rule.")], grain: Grain = "session") -> None:
    """Check the text of a rule: what it names, or the place of the first mistake."""
    expression = _parse(text, grain)
    print(f"good: it names {', '.join(expression.names)}")


def draft(
    rule: Rule,
    title: Annotated[str, typer.Option(help="What the rule finds, in words: its reasons show it.")],
    text: Text = None,
    file: TextFile = None,
    grain: Grain = "session",
    person: Person = None,
    world: WorldName = None,
) -> None:
    """Save a new version of a rule as a draft. Nothing runs yet."""
    store, _ = open_record(world)
    written = _text(text, file)
    _parse(written, grain)
    version = store.draft(rule, title, grain, written, person or my_name())
    print(f"saved {version.label} as a draft: test it with  playproof rules backtest {rule}")


def backtest(
    rule: Annotated[str, typer.Argument(help="Name of the rule; - with --if or --file.")] = SPARE,
    text: Text = None,
    file: TextFile = None,
    grain: Grain = "session",
    number: Number = None,
    person: Person = None,
    world: WorldName = None,
    as_json: AsJson = False,
) -> None:
    """Test a rule on what the world has: whom it would hit, and how often rightly where somebody knows."""
    from models.rules.backtest import back_test
    from models.rules.wording import format_test

    store, settings = open_record(world)
    if rule == SPARE:
        test = back_test(settings.existing_world(), _parse(_text(text, file), grain)).as_dict()
    else:
        version = store.version(rule, number)
        test = back_test(settings.existing_world(), _parse(version.expression, version.grain)).as_dict()
        store.add_test(rule, version.version, person or my_name(), test)
    print(orjson.dumps(test, option=orjson.OPT_INDENT_2).decode() if as_json else "\n".join(format_test(test)))


def move(
    rule: Rule,
    state: Annotated[str, typer.Argument(help="shadow, active or archived.")],
    number: Number = None,
    note: Annotated[str, typer.Option(help="Why.")] = "",
    person: Person = None,
    world: WorldName = None,
) -> None:
    """Take a version to its next state: shadow (it is counted), active (it flags), archived."""
    from models.rules.store import known_people

    store, settings = open_record(world)
    version, name = store.version(rule, number), person or my_name()
    people = known_people(settings.existing_world(), store)
    store.step(rule, version.version, state, name, people, note)
    print(f"{version.label} is {state}")
    if state == "active" and not people - {name}:
        print(f"{name} is the only person of this world, and approves {version.label} alone: the record says so")
    send_changes(store, settings)


def allow(
    kind: Kind,
    subject: Subject,
    until: Annotated[str, typer.Option(help="Last day (UTC), such as 2026-12-31.")],
    why: Annotated[str, typer.Option(help="Why: the hits that pass show it.")],
    person: Person = None,
    world: WorldName = None,
) -> None:
    """Let an account or track pass: a rule that it meets is recorded, and does not flag."""
    store, settings = open_record(world)
    exemption = store.exempt(kind, subject, until, why, person or my_name())
    print(f"{exemption.key} passes until {exemption.until}")
    send_changes(store, settings)


def disallow(kind: Kind, subject: Subject, person: Person = None, world: WorldName = None) -> None:
    """End an exemption at once."""
    store, settings = open_record(world)
    print(f"{store.end_exemption(kind, subject, person or my_name()).key} passes no longer")
    send_changes(store, settings)


def send(world: WorldName = None) -> None:
    """Send to topic rules what it lacks. Every other command and the desk do so too."""
    store, settings = open_record(world)
    send_changes(store, settings, is_asked=True)


def _text(text: str | None, file: Path | None) -> str:
    from models.rules.errors import RuleError

    if (text is None) == (file is None):
        raise RuleError("give the rule's text either with --if or with --file")
    try:
        return text if text is not None else (file or Path()).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise RuleError(f"{file} cannot be read ({type(error).__name__}): give a text file") from None


def _parse(text: str, grain: str) -> "Expression":
    """Read a text; where it is wrong, show the line with a mark below the place, then fail."""
    from models.rules.errors import RuleTextError
    from models.rules.parse import parse

    try:
        return parse(text, grain)
    except RuleTextError as error:
        log(error.picture())
        raise


COMMANDS = (
    Command("list", list_rules, "playproof rules list --world demo"),
    Command("show", show, "playproof rules show short-loop --world demo"),
    Command("names", names, "playproof rules names --over day"),
    Command("check", check, 'playproof rules check "share_30_35 > 0.8 and streams >= 100"'),
    Command(
        "draft",
        draft,
        'playproof rules draft short-loop --title "stops at 31 s" --if "share_30_35 > 0.8 and streams >= 100"',
    ),
    Command("backtest", backtest, "playproof rules backtest short-loop --world demo"),
    Command("move", move, "playproof rules move short-loop shadow --world demo"),
    Command("allow", allow, 'playproof rules allow account 4c1d8e2a7b9f0356 --until 2026-12-31 --why "a venue"'),
    Command("disallow", disallow, "playproof rules disallow account 4c1d8e2a7b9f0356"),
    Command("send", send, "playproof rules send --world demo"),
)
