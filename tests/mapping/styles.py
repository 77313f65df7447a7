"""aws-auth maps in many hands' styles, for property tests: rows of others, rows of ours, comments, odd things."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hypothesis import strategies as st

from iamrbac.mapping.objects import AwsAuthRow

IAM = "arn:aws:iam::111122223333:role/"
OURS = tuple(f"{IAM}ours-{number}" for number in range(4))
GROUPS = (
    "iamrbac:acme:payments:developers",
    "system:masters",
    "plain",
    "a b",
    "yes",
    "{{AccountID}}",
    "it's",
    'say "x"',
)
USERNAMES = (
    "arn:aws:sts::111122223333:assumed-role/x/{{SessionName}}",
    "{{SessionName}}",
    "bob",
    "012",
    "a: b",
    "é #1",
)

Piece = tuple[Literal["row", "ours", "comment", "blank"], str]


@dataclass(frozen=True)
class Section:
    """A text with its pieces in order; `ours` are the ARNs of rows of ours in it."""

    text: str
    pieces: tuple[Piece, ...]
    ours: tuple[str, ...]

    def foreign(self) -> list[str]:
        """What has to survive, in order."""
        return [piece.strip(" ,") for kind, piece in self.pieces if kind in ("row", "comment")]


def quoted(text: str, quote: str, *, flow: bool = False) -> str:
    """Write a scalar, plain only where that is safe."""
    safe = text.replace("-", "").replace("/", "").replace(":", "").replace("_", "").isalnum()
    if quote == "" and safe and text[0].isalpha() and text != "yes" and not (flow and ":" in text):
        return text
    if quote == "'":
        return "'" + text.replace("'", "''") + "'"
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


quotes = st.sampled_from(("", "'", '"'))
groups = st.lists(st.sampled_from(GROUPS), max_size=3, unique=True).map(tuple)


@st.composite
def wanted_rows(draw: st.DrawFn, arn: str) -> AwsAuthRow:
    return AwsAuthRow("mapRoles", arn, draw(st.sampled_from(USERNAMES)), draw(groups))


ODD_ROWS = (
    "5",
    "null",
    "[x, y]",
    "{}",
    "text  # with a comment",
    "username: nobody",
    "rolearn: 5",
    "{sso: {permissionSetName: P, accountID: '111122223333'}}",
    "'a # b'",
)


@st.composite
def flow_row(draw: st.DrawFn, arn: str) -> str:
    quote, key = draw(quotes), draw(st.sampled_from(("", '"')))
    pad = draw(st.sampled_from(("", " ")))
    listed = ", ".join(quoted(group, quote, flow=True) for group in draw(groups))
    parts = [
        f"{key}rolearn{key}: {quoted(arn, quote, flow=True)}",
        f"{key}username{key}: {quoted(draw(st.sampled_from(USERNAMES)), quote, flow=True)}",
        f"{key}groups{key}: [{listed}]",
    ]
    kept = draw(st.permutations(parts)) if draw(st.booleans()) else parts[: draw(st.integers(1, 3))]
    return "{" + pad + ", ".join(kept) + pad + "}"


@st.composite
def block_row(draw: st.DrawFn, arn: str, indent: int, eol: str, *, comments: bool) -> str:
    """Return a row with all its lines and their breaks."""
    if draw(st.integers(0, 5)) == 0:
        return f"{' ' * indent}- {draw(flow_row(arn))}{eol}"
    quote, gap = draw(quotes), draw(st.integers(1, 3))
    column = indent + 1 + gap
    fields: list[list[str]] = [[f"{draw(st.sampled_from(('rolearn', 'roleARN')))}: {quoted(arn, quote)}"]]
    if draw(st.integers(0, 4)):
        fields.append(_username(draw, quote, column))
    if draw(st.integers(0, 4)):
        fields.append(_groups(draw, quote, column, comments))
    if draw(st.integers(0, 4)) == 0:
        fields.append([f"more: {draw(st.sampled_from(('1', '{a: [b]}', '~', 'text')))}"])
    if draw(st.booleans()):
        fields = draw(st.permutations(fields))
    note = "  # note" if comments and draw(st.integers(0, 3)) == 0 else ""
    lines = [f"{' ' * column}{lines[0]}" if i == 0 else lines[i] for lines in fields for i in range(len(lines))]
    if draw(st.integers(0, 6)) == 0:
        lines.insert(0, f"{' ' * indent}-{note}")
    else:
        lines[0] = (
            f"{' ' * indent}-{' ' * gap}{lines[0].lstrip(' ')}{note if not lines[0].endswith(('|', '>-')) else ''}"
        )
    return "".join(f"{line}{eol}" for line in lines)


def _username(draw: st.DrawFn, quote: str, column: int) -> list[str]:
    text = draw(st.sampled_from(USERNAMES))
    match draw(st.integers(0, 7)):
        case 0:
            return ["username: >-", f"{' ' * (column + 2)}folded", f"{' ' * (column + 2)}# no comment"]
        case 1:
            return ["username: |", f"{' ' * (column + 2)}text"]
        case 2:
            return ["username:"]
        case 3:
            return ["username: 5"]
        case _:
            return [f"username: {quoted(text, quote)}"]


def _groups(draw: st.DrawFn, quote: str, column: int, comments: bool) -> list[str]:
    listed = draw(groups)
    match draw(st.integers(0, 7)):
        case 0:
            return ["groups: system:masters"]
        case 1:
            return ["groups:"]
        case 2 | 3:
            return [f"groups: [{', '.join(quoted(group, quote, flow=True) for group in listed)}]"]
    if not listed:
        return ["groups: []"]
    dash = " " * (column + draw(st.sampled_from((0, 2, 4)))) + "-" + " " * draw(st.integers(1, 2))
    lines = [f"{dash}{quoted(group, quote)}" for group in listed]
    if comments and draw(st.integers(0, 3)) == 0:
        lines.insert(draw(st.integers(0, len(lines))), f"{' ' * column}# within")
    return ["groups:", *lines]


@st.composite
def block_sections(draw: st.DrawFn, *, least: int = 0) -> Section:
    eol = draw(st.sampled_from(("\n", "\n", "\r\n")))
    indent = draw(st.sampled_from((0, 0, 2)))
    pieces: list[Piece] = []
    ours: list[str] = []
    for number in range(draw(st.integers(least, 6))):
        kind = draw(st.sampled_from(("row", "row", "ours", "comment", "blank", "odd")))
        if kind == "comment":
            shift = " " * draw(st.sampled_from((0, indent, indent + 2)))
            pieces.append(("comment", f"{shift}# {number} - rolearn: commented out{eol}"))
        elif kind == "blank":
            pieces.append(("blank", draw(st.sampled_from(("", "  "))) + eol))
        elif kind == "odd":
            pieces.append(("row", f"{' ' * indent}- {draw(st.sampled_from(ODD_ROWS))}{eol}"))
        elif kind == "row":
            arn = f"{IAM}theirs-{draw(st.integers(0, 3))}"
            pieces.append(("row", draw(block_row(arn, indent, eol, comments=True))))
        else:
            arn = draw(st.sampled_from(OURS))
            pieces.append(("ours", draw(block_row(arn, indent, eol, comments=False))))
            ours.append(arn)
    text = "".join(piece for _, piece in pieces)
    if draw(st.integers(0, 4)) == 0:
        text = f"---{eol}{text}"
    if draw(st.integers(0, 6)) == 0 and (text.startswith("---") or any(kind in ("row", "ours") for kind, _ in pieces)):
        text = f"{text}...{eol}"
    elif draw(st.integers(0, 3)) == 0 and not text.endswith((f"text{eol}", f"no comment{eol}")):
        # Nothing can follow a block scalar without a break at its end; that case has a test of its own.
        text = text.removesuffix(eol)
    return Section(text, tuple(pieces), tuple(dict.fromkeys(ours)))


@st.composite
def flow_sections(draw: st.DrawFn) -> Section:
    pieces: list[Piece] = []
    ours: list[str] = []
    for _ in range(draw(st.integers(0, 4))):
        if draw(st.booleans()):
            arn = draw(st.sampled_from(OURS))
            ours.append(arn)
            pieces.append(("ours", draw(flow_row(arn))))
        else:
            pieces.append(("row", draw(flow_row(f"{IAM}theirs-{draw(st.integers(0, 3))}"))))
    before, between, after = draw(
        st.sampled_from(
            (("[", ", ", "]"), ("[ ", " , ", " ]\n"), ("[\n  ", ",\n  ", "\n]\n"), ("[", ",\n ", "] # end\n"))
        )
    )
    text = before + between.join(piece for _, piece in pieces) + after
    return Section(text, tuple(pieces), tuple(dict.fromkeys(ours)))


sections = st.one_of(block_sections(), block_sections(least=2), flow_sections())


@st.composite
def edits(draw: st.DrawFn) -> tuple[tuple[AwsAuthRow, ...], frozenset[str]]:
    """Draw what is wanted and what is to go: of four ARNs of ours, whether they are there or not."""
    wanted: list[AwsAuthRow] = []
    gone: set[str] = set()
    for arn in draw(st.permutations(OURS)):
        match draw(st.integers(0, 2)):
            case 0:
                wanted.append(draw(wanted_rows(arn)))
            case 1:
                gone.add(arn)
    return tuple(wanted), frozenset(gone)
