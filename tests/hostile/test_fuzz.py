"""Malformed documents by the thousand: each is a document, or findings with a place and a next step.

IAMRBAC_FUZZ says how many; `make fuzz` asks for 10,000.
"""

from __future__ import annotations

import os
import unicodedata
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from iamrbac import wiring
from iamrbac.documents.files import FileRepository
from iamrbac.findings.finding import Level
from iamrbac.model.schema import SchemaName
from iamrbac.render.findings import validation_json, validation_text
from iamrbac.usecases.compile import CompileRequest, compile_repository
from iamrbac.usecases.validate import validate
from tests.hostile.conftest import CONFIG, POLICY
from tests.model.test_schema import KINDS, mutate, places

COUNT = int(os.environ.get("IAMRBAC_FUZZ", "300"))
AT = datetime(2026, 11, 26, tzinfo=UTC)
FILES: dict[SchemaName, str] = {
    "policy": "policies/fuzzed.yaml",
    "grant": "policies/fuzzed.yaml",
    "config": "iamrbac.yaml",
    "waivers": "waivers.yaml",
    "test": "tests/access/fuzzed.yaml",
}
# What YAML, JSON Schema, patterns, terminals and logs each take for something special.
PIECES = [
    *(": ", "- ", "? ", "[", "]", "{", "}", ",", "#", " #", "&a ", "*a", "<<: *a", "!!str ", "!x ", "|", ">", "'", '"'),
    *("\n", "\r", "\t", "\n  ", "\n---\n", "\n...\n", "%YAML 1.1\n", "\\", "\\u202e", "\\x00", "@", "`", "~", "null"),
    *("yes", "1e3", "0x1F", "012", "1:30", ".inf", "2026-12-24", "=", "\x00", "\x1b[2J", "\x7f", "\x85", "\u202e"),
    *(
        "\u2028",
        "\ufeff",
        "\ud800",
        "é",
        "\U0001f600",
        "*",
        "?",
        "../",
        "/etc/passwd",
        "::error::",
        "{{ x }}",
        "${HOME}",
    ),
    *("kind: Config\n", "apiVersion: v2\n", "metadata: {name: x}\n", "spec:\n", "iamGroup: x", "role: viewer"),
]


@st.composite
def texts(draw: st.DrawFn) -> tuple[str, bytes]:
    """A file's name, and a document that somebody has made worse: its values, then its text, then its bytes."""
    name = draw(st.sampled_from(sorted(FILES)))
    document: Any = KINDS[name][0]()
    data = draw(st.data())
    for _ in range(draw(st.integers(0, 2))):
        if places(document):
            mutate(document, data)
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        cut = draw(st.integers(0, 8))
        text = text[:at] + draw(st.sampled_from(PIECES) | st.text(max_size=3)) + text[at + cut :]
    raw = text.encode("utf-8", "surrogatepass")
    if draw(st.integers(0, 9)) == 0:
        at = draw(st.integers(0, len(raw)))
        raw = raw[:at] + draw(st.binary(min_size=1, max_size=4)) + raw[at:]
    return FILES[name], raw


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "policies").mkdir()
    (folder / "tests" / "access").mkdir(parents=True)
    return folder


@given(texts() | st.tuples(st.sampled_from(sorted(FILES.values())), st.binary(max_size=200)))
@settings(max_examples=COUNT, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_document_is_one_or_findings_with_a_place_and_a_next_step(root: Path, fuzzed: tuple[str, bytes]) -> None:
    file, raw = fuzzed
    for path in root.rglob("*.yaml"):
        path.unlink()
    (root / "iamrbac.yaml").write_text(CONFIG)
    (root / "policies" / "payments.yaml").write_text(POLICY.replace("ROLE", "viewer"))
    (root / file).write_bytes(raw)
    repository, roles = FileRepository(root), wiring.roles(root)
    found = validate(repository, roles.names())
    event(f"{file}: {'valid' if found.valid else 'not'}")
    for finding in found.findings:
        assert finding.file is not None
        assert finding.line and finding.column, finding
        assert finding.message and finding.hint, finding
    assert found.valid or any(one.level is Level.ERROR for one in found.findings)
    said = validation_text(found)
    assert not [one for one in said if unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp") and one != "\n"]
    assert max(map(len, said.splitlines())) < 1_000
    assert validation_json(found)["valid"] is found.valid
    request = CompileRequest(at=AT, form="neutral", clusters=())
    compiled = compile_repository(FileRepository(root), roles, wiring.people, request)
    assert (compiled.compiled is not None) or compiled.findings
