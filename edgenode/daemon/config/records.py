"""Records that know their own settings, and reading them from a TOML table."""

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, TypeVar, cast

from edgenode.daemon.config.rules import Key, Report, Rule, nearest, shown
from edgenode.daemon.config.toml import toml_value

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Meta:
    """What a field of a record carries: its meaning, and its rule unless it is a section.

    `short` is the setting of a section that may be written in the section's place; a `secret` is
    shown to nobody.
    """

    doc: str
    rule: Rule[Any] | None
    short: str = ""
    secret: bool = False


def setting(default: T, rule: Rule[T], doc: str) -> T:
    """Declare one setting of a record."""
    return field(default=default, metadata={"config": Meta(doc, rule)})


def required(rule: Rule[T], doc: str) -> T:
    """Declare one setting that has no default."""
    return cast("T", field(metadata={"config": Meta(doc, rule)}))


def secret(rule: Rule[str], doc: str) -> str:
    """Declare one setting that is a secret; "" is none."""
    return field(default="", repr=False, metadata={"config": Meta(doc, rule, secret=True)})


def section(record: type[T], doc: str, short: str = "") -> T:
    """Declare one section, itself a record; `short = value` may stand for its setting `short`."""
    return field(default_factory=record, metadata={"config": Meta(doc, None, short)})


def meta(declared: "Field[Any]") -> Meta:
    """Return what `setting`, `required` or `section` stored on a field."""
    return cast("Meta", declared.metadata["config"])


def record_of(record: type[T]) -> Rule[T]:
    """Accept a table that reads as the record."""
    names = ", ".join(declared.name for declared in fields(cast("Any", record)))
    expected = f"a table {{{names}}}"

    def read(value: object, key: Key, report: Report) -> T | None:
        if not isinstance(value, dict):
            report(key, f"expected {expected}, found {shown(value)}", "write it in { }")
            return None
        return read_record(record, value, key, report, {})

    return Rule(expected, read)


def read_record(
    record: type[T],
    table: Mapping[str, object],
    key: Key,
    report: Report,
    homes: Mapping[str, str],
) -> T | None:
    """Read a table into the record; report every problem and return None if there is one.

    `homes` names the section of settings that people put into the wrong one.
    """
    declared = {item.name: item for item in fields(cast("Any", record))}
    values: dict[str, object] = {}
    sound = True
    for name, raw in table.items():
        item = declared.get(name)
        if item is None:
            report((*key, name), "unknown key", _where_to(name, tuple(declared), homes))
            sound = False
            continue
        value = _read_field(item, raw, (*key, name), report, homes)
        sound = sound and value is not None
        values[name] = value
    for name, item in declared.items():
        if name not in table and item.default is MISSING and item.default_factory is MISSING:
            rule = meta(item).rule
            report(key, f"{name} is missing", f"add it: {rule.expected}" if rule else "add it")
            sound = False
    return record(**values) if sound else None


def _read_field(
    item: "Field[Any]", raw: object, key: Key, report: Report, homes: Mapping[str, str]
) -> object:
    rule = meta(item).rule
    if rule is not None:
        default = item.default

        def with_remedy(at: Key, message: str, remedy: str) -> None:
            if not remedy and at == key and default is not MISSING:
                remedy = f"correct it, or remove it for the default, {toml_value(default)}"
            report(at, message, remedy or "correct or remove this entry")

        return cast("object", rule.read(raw, key, with_remedy))
    if not isinstance(raw, dict) and (short := meta(item).short):
        record: Any = item.default_factory
        [inner] = (one for one in fields(record) if one.name == short)
        value = _read_field(inner, raw, key, report, homes)
        return None if value is None else record(**{short: value})
    if not isinstance(raw, dict):
        heading = f"[{item.name}]"
        report(key, f"expected a section, found {shown(raw)}", f"begin it with a line {heading}")
        return None
    return read_record(cast("type[object]", item.default_factory), raw, key, report, homes)


def _where_to(name: str, known: tuple[str, ...], homes: Mapping[str, str]) -> str:
    near = nearest(name, known)
    if near is not None:
        elsewhere = f" ({name} is known {homes[name]})" if name in homes else ""
        return f'did you mean "{near}"?{elsewhere}'
    if name in homes:
        return f"it belongs {homes[name]}"
    if (far := nearest(name, tuple(homes))) is not None:
        return f'did you mean "{far}" {homes[far]}?'
    return "remove it; known here: " + ", ".join(known)
