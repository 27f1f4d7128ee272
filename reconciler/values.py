"""Values: classes with slots, made in an eighth of the time that `dataclasses` takes to make them.

Promise: for the ways in which this product uses it, `dataclass` makes what that of the standard library does,
which is what a type checker sees. A command makes a hundred classes before it does anything, and the standard
library compiles six functions for each. Here it is one, `__init__`, and not before the first value is made;
all others are closures.
May import: the standard library.
"""

from collections.abc import Callable
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, Final

__all__ = ["dataclass", "field", "replace"]

_NOTHING: Final = object()


class _Field:
    """What is known of one field; has the attributes that the standard library's functions look at."""

    __slots__ = ("compare", "default", "default_factory", "init", "kw_only", "name", "repr")
    _field_type: Final = None

    def __init__(self, default: object, default_factory: Any, *, init: bool, compare: bool) -> None:
        self.default = default
        self.default_factory = default_factory
        self.init = init
        self.compare = compare
        self.repr = True
        self.kw_only = False
        self.name = ""


class _Parameters:
    """What the standard library's pprint looks at."""

    repr: Final = True


def _field(
    *,
    default: object = _NOTHING,
    default_factory: object = _NOTHING,
    init: bool = True,
    repr: bool = True,  # noqa: A002 - as in the standard library
    compare: bool = True,
) -> Any:
    made = _Field(default, default_factory, init=init, compare=compare)
    made.repr = repr
    return made


def _dataclass(
    *, slots: bool = False, frozen: bool = False, kw_only: bool = False, eq: bool = True, order: bool = False
) -> Callable[[type], type]:
    def make(cls: type) -> type:
        fields = _fields(cls, is_kw_only=kw_only)
        made = _with_slots(cls, fields) if slots else _with_defaults(cls, fields)
        values = _getter([each.name for each in fields.values() if each.compare])
        members: dict[str, Any] = {
            "__dataclass_fields__": fields,
            "__dataclass_params__": _Parameters,
            "__match_args__": tuple(each.name for each in fields.values() if each.init and not each.kw_only),
            "__init__": _LateInit(made, fields, is_frozen=frozen),
        }
        if "__repr__" not in cls.__dict__:
            members["__repr__"] = _repr([each.name for each in fields.values() if each.repr])
        if eq:
            members |= _equality(cls, values, is_frozen=frozen)
        if order:
            members |= _order(values)
        if frozen:
            members |= _frozen(tuple(fields))
        for name, member in members.items():
            setattr(made, name, member)
        return made

    return make


def _replace(value: Any, /, **changes: Any) -> Any:
    for each in value.__dataclass_fields__.values():
        if not each.init:
            if each.name in changes:
                raise ValueError(f"{each.name} is not set by its class's caller")
        elif each.name not in changes:
            changes[each.name] = getattr(value, each.name)
    return value.__class__(**changes)


def _fields(cls: type, *, is_kw_only: bool) -> dict[str, _Field]:
    """The fields of `cls` by name: those that it inherits first."""
    found: dict[str, _Field] = {}
    for base in cls.__mro__[-1:0:-1]:
        found |= getattr(base, "__dataclass_fields__", {})
    for name in cls.__dict__.get("__annotations__", {}):  # noqa: RUF063 - inspect is slow to load
        said = cls.__dict__.get(name, _NOTHING)
        each = said if isinstance(said, _Field) else _Field(said, _NOTHING, init=True, compare=True)
        each.name, each.kw_only = name, is_kw_only
        found[name] = each
    return found


def _with_slots(cls: type, fields: dict[str, _Field]) -> type:
    """`cls` once more, with a slot for each field that is its own: slots can only be given to a new class."""
    inherited = {name for base in cls.__mro__[1:] for name in getattr(base, "__slots__", ())}
    members = {name: member for name, member in cls.__dict__.items() if name not in fields}
    members.pop("__dict__", None)
    members.pop("__weakref__", None)
    members["__slots__"] = tuple(name for name in fields if name not in inherited)
    made = type(cls)(cls.__name__, cls.__bases__, members)
    made.__qualname__ = cls.__qualname__
    return made


def _with_defaults(cls: type, fields: dict[str, _Field]) -> type:
    """`cls` itself, each default that stands in a `field` in its place."""
    for name, each in fields.items():
        if isinstance(cls.__dict__.get(name), _Field):
            delattr(cls, name)
            if each.default is not _NOTHING:
                setattr(cls, name, each.default)
    return cls


class _LateInit:
    """`__init__` of a class, compiled when it is first asked for: half of all classes have no values."""

    __slots__ = ("_fields", "_is_frozen", "_made")

    def __init__(self, made: type, fields: dict[str, _Field], *, is_frozen: bool) -> None:
        self._made = made
        self._fields = fields
        self._is_frozen = is_frozen

    def __get__(self, value: object, owner: type | None = None) -> Callable[..., None]:
        init: Any = _init(self._made, self._fields, is_frozen=self._is_frozen)
        type.__setattr__(self._made, "__init__", init)
        found: Callable[..., None] = init.__get__(value, owner)
        return found


def _init(made: type, fields: dict[str, _Field], *, is_frozen: bool) -> Callable[..., None]:
    """`__init__` of a class with `fields`: the one function that is worth compiling."""
    known: dict[str, Any] = {"_nothing": _NOTHING}
    parameters: list[str] = []
    named: list[str] = []
    lines: list[str] = []
    for name, each in fields.items():
        value = name
        if each.default_factory is not _NOTHING:
            known[f"_make_{name}"] = each.default_factory
            value = f"_make_{name}() if {name} is _nothing else {name}" if each.init else f"_make_{name}()"
        elif each.default is not _NOTHING:
            known[f"_default_{name}"] = each.default
            value = name if each.init else f"_default_{name}"
        elif not each.init:
            continue
        if each.init:
            default = f"=_default_{name}" if f"_default_{name}" in known else ""
            default = "=_nothing" if f"_make_{name}" in known else default
            (named if each.kw_only else parameters).append(f"{name}{default}")
        if is_frozen:
            known[f"_set_{name}"] = _setter(made, name)
            lines.append(f"_set_{name}(self, {value})")
        else:
            lines.append(f"self.{name} = {value}")
    if hasattr(made, "__post_init__"):
        lines.append("self.__post_init__()")
    heads = ", ".join(["self", *parameters, *(["*", *named] if named else [])])
    source = f"def __init__({heads}):\n " + "\n ".join(lines or ["pass"])
    exec(source, known)  # noqa: S102 - names of fields, which are identifiers, and nothing else
    init: Callable[..., None] = known["__init__"]
    init.__qualname__ = f"{made.__qualname__}.__init__"
    init.__annotations__ = {
        name: annotation
        for base in reversed(made.__mro__)
        for name, annotation in base.__dict__.get("__annotations__", {}).items()  # noqa: RUF063 - as above
        if name in fields and fields[name].init
    } | {"return": None}
    return init


def _setter(made: type, name: str) -> Callable[[Any, Any], None]:
    """Sets the field called `name` of a frozen value: through its slot, where it has one."""
    found: Callable[[Any, Any], None] | None = getattr(getattr(made, name, None), "__set__", None)
    if found is not None:
        return found
    return lambda self, value: object.__setattr__(self, name, value)


def _getter(names: list[str]) -> Callable[[Any], Any]:
    """Gives the values of the fields called `names`, together."""
    return attrgetter(*names) if names else lambda _: ()


def _repr(names: list[str]) -> Callable[[Any], str]:
    def show(self: Any) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{self.__class__.__qualname__}({shown})"

    return recursive_repr()(show)


def _equality(cls: type, values: Callable[[Any], Any], *, is_frozen: bool) -> dict[str, Any]:
    def equal(self: Any, other: object) -> Any:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return self is other or values(self) == values(other)

    def hashed(self: Any) -> int:
        return hash(values(self))

    members: dict[str, Any] = {} if "__eq__" in cls.__dict__ else {"__eq__": equal}
    # A class with `__eq__` of its own has `__hash__` None in its namespace, as if it had said so.
    if cls.__dict__.get("__hash__") is None:
        members["__hash__"] = hashed if is_frozen else None
    return members


def _order(values: Callable[[Any], Any]) -> dict[str, Any]:
    def compared(compare: Callable[[Any, Any], bool]) -> Callable[[Any, object], Any]:
        def is_so(self: Any, other: object) -> Any:
            return (
                compare(values(self), values(other)) if other.__class__ is self.__class__ else NotImplemented
            )

        return is_so

    return {
        "__lt__": compared(lambda one, other: one < other),
        "__le__": compared(lambda one, other: one <= other),
        "__gt__": compared(lambda one, other: one > other),
        "__ge__": compared(lambda one, other: one >= other),
    }


def _frozen(names: tuple[str, ...]) -> dict[str, Any]:
    def refuse(_self: Any, name: str, *_: object) -> None:
        from dataclasses import FrozenInstanceError  # noqa: PLC0415 - no product of ours ever comes here

        raise FrozenInstanceError(f"cannot assign to or delete field {name!r}")

    def get_state(self: Any) -> list[Any]:
        return [getattr(self, name) for name in names]

    def set_state(self: Any, state: list[Any]) -> None:
        for name, value in zip(names, state, strict=True):
            object.__setattr__(self, name, value)

    return {
        "__setattr__": refuse,
        "__delattr__": refuse,
        "__getstate__": get_state,
        "__setstate__": set_state,
    }


if TYPE_CHECKING:
    from dataclasses import dataclass, field, replace
else:
    dataclass, field, replace = _dataclass, _field, _replace
