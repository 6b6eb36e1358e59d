"""A recording: the file format of the Chrome DevTools Recorder as records, with Runner's own steps as its ``customStep``.

The format is that of `@puppeteer/replay`. Fields that nobody here knows are kept and written back, so a file stays valid for
DevTools and for other tools that add to it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag
from pydantic.alias_generators import to_camel

from runner.recordings.selectors import Selector, parse_selector

OURS: Final = "runner."
"""What the names of Runner's own custom steps begin with."""

RawSelector = str | list[str]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow", alias_generator=to_camel, populate_by_name=True)


class NavigationEvent(_Record):
    """What was seen to follow a step: a page with this address and title."""

    type: Literal["navigation"] = "navigation"
    url: str = ""
    title: str | None = None


class _Step(_Record):
    timeout: int | None = Field(None, ge=0)
    asserted_events: list[NavigationEvent] | None = None
    target: str | None = None
    frame: list[int] | None = None

    @property
    def raw_selectors(self) -> Sequence[RawSelector]:
        """The selectors as written, the best first; none where the step concerns the page as a whole."""
        return ()

    @property
    def selectors_parsed(self) -> tuple[Selector, ...]:
        """The selectors, taken apart."""
        return tuple(parse_selector(one) for one in self.raw_selectors)

    @property
    def leads_to(self) -> NavigationEvent | None:
        """The page that followed, where one did."""
        return self.asserted_events[0] if self.asserted_events else None


class _OnElement(_Step):
    selectors: list[RawSelector] = Field(min_length=1)

    @property
    def raw_selectors(self) -> Sequence[RawSelector]:
        """The selectors as written, the best first."""
        return self.selectors


class _Pointer(_OnElement):
    button: Literal["primary", "auxiliary", "secondary", "back", "forward"] | None = None
    offset_x: float | None = None
    offset_y: float | None = None
    duration: float | None = None


class SetViewport(_Step):
    """The size of the window."""

    type: Literal["setViewport"] = "setViewport"
    width: int = Field(gt=0, le=20_000)
    height: int = Field(gt=0, le=20_000)
    device_scale_factor: float = 1
    is_mobile: bool = False
    has_touch: bool = False
    is_landscape: bool = False


class Navigate(_Step):
    """Open an address."""

    type: Literal["navigate"] = "navigate"
    url: str


class Click(_Pointer):
    """Click."""

    type: Literal["click"] = "click"


class DoubleClick(_Pointer):
    """Click twice."""

    type: Literal["doubleClick"] = "doubleClick"


class Hover(_OnElement):
    """Move the pointer onto something."""

    type: Literal["hover"] = "hover"


class Change(_OnElement):
    """Fill in a field, or choose an option (by its value or its words). `label`: the words, where the value has others."""

    type: Literal["change"] = "change"
    value: str
    label: str | None = None


class KeyDown(_Step):
    """Press a key and hold it."""

    type: Literal["keyDown"] = "keyDown"
    key: str


class KeyUp(_Step):
    """Let a key go."""

    type: Literal["keyUp"] = "keyUp"
    key: str


class Scroll(_Step):
    """Scroll the page, or the element, to a place in pixels."""

    type: Literal["scroll"] = "scroll"
    selectors: list[RawSelector] | None = None
    x: float | None = None
    y: float | None = None

    @property
    def raw_selectors(self) -> Sequence[RawSelector]:
        """The selectors as written; none scrolls the page."""
        return self.selectors or ()


class Close(_Step):
    """Close the tab."""

    type: Literal["close"] = "close"


class EmulateNetworkConditions(_Step):
    """How fast the network is: bytes a second, latency in ms."""

    type: Literal["emulateNetworkConditions"] = "emulateNetworkConditions"
    download: float
    upload: float
    latency: float


class WaitForElement(_OnElement):
    """Wait until so many elements are there, visible, with these attributes."""

    type: Literal["waitForElement"] = "waitForElement"
    operator: Literal[">=", "==", "<="] = ">="
    count: int = 1
    visible: bool | None = None
    attributes: dict[str, str] | None = None
    properties: dict[str, Any] | None = None


class WaitForExpression(_Step):
    """Wait until an expression of the page's own script is true."""

    type: Literal["waitForExpression"] = "waitForExpression"
    expression: str


class CustomStep(_Step):
    """A step of some other tool; it can be kept, not replayed."""

    type: Literal["customStep"] = "customStep"
    name: str
    parameters: Any = None


class _OwnParameters(_Record):
    selectors: list[RawSelector] = []


class _Own(_Step):
    type: Literal["customStep"] = "customStep"

    @property
    def raw_selectors(self) -> Sequence[RawSelector]:
        """The selectors as written, the best first."""
        found: _OwnParameters = self.parameters  # type: ignore[attr-defined]
        return found.selectors


class UploadParameters(_OwnParameters):
    """`files` are names in the recording's folder, or paths in the project."""

    files: list[str]


class Upload(_Own):
    """Choose files in a file field."""

    name: Literal["runner.upload"] = "runner.upload"
    parameters: UploadParameters


class ReadParameters(_OwnParameters):
    """`output` is the name under which the text is brought out; `sample` is what it was while recording."""

    output: str
    sample: str = ""


class Read(_Own):
    """Read a text from the page."""

    name: Literal["runner.read"] = "runner.read"
    parameters: ReadParameters


class ExpectParameters(_OwnParameters):
    """What must be so: the `what` of an element (or the title of the page) and its `value`."""

    what: Literal[
        "text", "contains", "not text", "value", "title", "visible", "hidden", "checked", "unchecked"
    ]
    value: str = ""


class Expect(_Own):
    """Wait until something is so."""

    name: Literal["runner.expect"] = "runner.expect"
    parameters: ExpectParameters


class DialogParameters(_OwnParameters):
    """`message`, where given, is what the dialog must say; `text` is what is typed into a prompt."""

    accept: bool = True
    text: str = ""
    message: str = ""


class Dialog(_Own):
    """Answer the dialogs that the steps behind this one open."""

    name: Literal["runner.dialog"] = "runner.dialog"
    parameters: DialogParameters


class MouseParameters(_OwnParameters):
    """`act` is down, up or out; the offset is from the element's corner, in pixels."""

    act: Literal["down", "up", "out"]
    offset_x: float | None = None
    offset_y: float | None = None


class Mouse(_Own):
    """Press or let go the mouse button on something, or leave it."""

    name: Literal["runner.mouse"] = "runner.mouse"
    parameters: MouseParameters


class PauseParameters(_OwnParameters):
    """Milliseconds, a minute at most."""

    ms: int = Field(ge=0, le=60_000)


class Pause(_Own):
    """Wait a time that somebody chose."""

    name: Literal["runner.pause"] = "runner.pause"
    parameters: PauseParameters


class ActParameters(_OwnParameters):
    """What is done with an element that only a chain of locators can name; `value` is the text or the key."""

    act: Literal["click", "doubleClick", "hover", "change", "press", "check", "uncheck"]
    value: str = ""


class Act(_Own):
    """A click, a change … of an element that DevTools has no selector for."""

    name: Literal["runner.act"] = "runner.act"
    parameters: ActParameters


def _tag(value: Any) -> str:
    def get(name: str) -> Any:
        return value.get(name) if isinstance(value, dict) else getattr(value, name, None)

    kind, name = get("type"), get("name")
    if kind == "customStep":
        return str(name) if name in OWN_STEPS else "customStep"
    return str(kind)


OWN_STEPS: Final = (
    "runner.upload", "runner.read", "runner.expect", "runner.dialog", "runner.mouse", "runner.pause", "runner.act",
)  # fmt: skip
STEP_TYPES: Final = (
    "setViewport", "navigate", "click", "doubleClick", "hover", "change", "keyDown", "keyUp", "scroll", "close",
    "emulateNetworkConditions", "waitForElement", "waitForExpression", "customStep",
)  # fmt: skip
"""The types of DevTools."""

Step = Annotated[
    Annotated[SetViewport, Tag("setViewport")]
    | Annotated[Navigate, Tag("navigate")]
    | Annotated[Click, Tag("click")]
    | Annotated[DoubleClick, Tag("doubleClick")]
    | Annotated[Hover, Tag("hover")]
    | Annotated[Change, Tag("change")]
    | Annotated[KeyDown, Tag("keyDown")]
    | Annotated[KeyUp, Tag("keyUp")]
    | Annotated[Scroll, Tag("scroll")]
    | Annotated[Close, Tag("close")]
    | Annotated[EmulateNetworkConditions, Tag("emulateNetworkConditions")]
    | Annotated[WaitForElement, Tag("waitForElement")]
    | Annotated[WaitForExpression, Tag("waitForExpression")]
    | Annotated[CustomStep, Tag("customStep")]
    | Annotated[Upload, Tag("runner.upload")]
    | Annotated[Read, Tag("runner.read")]
    | Annotated[Expect, Tag("runner.expect")]
    | Annotated[Dialog, Tag("runner.dialog")]
    | Annotated[Mouse, Tag("runner.mouse")]
    | Annotated[Pause, Tag("runner.pause")]
    | Annotated[Act, Tag("runner.act")],
    Discriminator(_tag),
]


class Recording(_Record):
    """A recording: its title and its steps."""

    title: str = ""
    timeout: int | None = Field(None, ge=0)
    selector_attribute: str | None = None
    steps: list[Step]

    @property
    def first_address(self) -> str:
        """The address that is opened first, or an empty text."""
        return next((step.url for step in self.steps if isinstance(step, Navigate)), "")

    @property
    def fingerprint(self) -> str:
        """Changes when steps come, go or move; not when a value is put in the place of another."""
        return _digest(list(identities(self)))

    def text(self) -> str:
        """The file as it is written."""
        plain = self.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude_none=True)
        return json.dumps(plain, ensure_ascii=False, indent=2) + "\n"

    def with_steps(self, steps: Sequence[Step]) -> Recording:
        """The same recording with other steps."""
        return self.model_copy(update={"steps": list(steps)})


def identities(recording: Recording) -> Iterator[str]:
    """For each step a short text that stays the same when steps before it change, or the value that is typed."""
    seen: dict[str, int] = {}
    for step in recording.steps:
        own = [step.type, list(step.raw_selectors), step.target or "main", step.frame or []]
        own += [getattr(step, name) for name in ("url", "key", "name", "expression") if hasattr(step, name)]
        digest = _digest(own)
        seen[digest] = seen.get(digest, 0) + 1
        yield f"{digest}-{seen[digest]}"


def _digest(value: object) -> str:
    return hashlib.blake2b(json.dumps(value).encode(), digest_size=4).hexdigest()
