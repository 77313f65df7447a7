"""One report in the formats of machines: whole, in their published shape, and harmless whoever wrote the names in it.

sarif-schema-2.1.0.json is the schema of OASIS's standard (errata 01), as it is published.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft4Validator, Draft202012Validator

from iamrbac.findings.finding import Finding, Level
from iamrbac.render.github import job_summary, workflow_commands
from iamrbac.render.gitlab import gitlab
from iamrbac.render.junit import junit
from iamrbac.render.plain import printable
from iamrbac.render.report import Report, ReportedCase, Waived, fingerprints
from iamrbac.render.sarif import MOST, sarif
from tests.golden import compare

HERE = Path(__file__).parent
SARIF = Draft4Validator(json.loads((HERE / "sarif-schema-2.1.0.json").read_text()))
GITLAB = Draft202012Validator(
    {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["description", "check_name", "fingerprint", "severity", "location"],
            "properties": {
                "description": {"type": "string", "minLength": 1},
                "check_name": {"type": "string", "minLength": 1},
                "fingerprint": {"type": "string", "minLength": 1},
                "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
                "location": {
                    "type": "object",
                    "required": ["path", "lines"],
                    "properties": {
                        "path": {"type": "string", "not": {"pattern": r"^\./"}},
                        "lines": {
                            "type": "object",
                            "required": ["begin"],
                            "properties": {"begin": {"type": "integer", "minimum": 1}},
                        },
                    },
                },
            },
        },
    }
)
"""The fields that GitLab's documentation asks for."""
ERROR = Finding(
    "IAM020",
    Level.ERROR,
    "payments/oncall may list secrets, 100 % of them",
    "give it for a while",
    "policies/payments.yaml",
    line=14,
    column=7,
    cluster="production",
    object="payments/oncall",
)
WARNING = Finding("POL009", Level.WARNING, "as policies/b.yaml:3 says", "", "policies/a b.yaml", line=3, column=1)
INFO = Finding("POL011", Level.INFO, "all namespaces of staging", file="policies/a b.yaml", line=4, column=1)
WHOLE = Finding("WVR002", Level.WARNING, "the waiver waives nothing")
WAIVED = Waived(replace(ERROR, line=30, cluster="staging"), "INC-1 until it is mended (until 2026-12-01T00:00:00Z)")
REPORT = Report("lint", (WHOLE, WARNING, INFO, ERROR), (WAIVED,), fails=Level.WARNING)
CASES = (
    ReportedCase("on-call helps itself", "tests/access/a.yaml", 4, "passed"),
    ReportedCase("nobody else does", "tests/access/a.yaml", 9, "failed", ("dave may", "  iamUser dave", "  → Group x")),
    ReportedCase("who knows", "tests/access/b.yaml", 3, "error", ("whether erin may is not known",)),
    ReportedCase("coverage", "", None, "failed", ("1 of 3 grants are tested",)),
)
TESTED = Report(
    "test",
    (Finding("TST101", Level.ERROR, "nobody else does: dave may", "", "tests/access/a.yaml", line=9, column=5),),
    cases=CASES,
    summary="3 tests: 1 passed, 1 failed, 1 unknown.",
)
FORMATS: dict[str, tuple[str, Callable[[Report], str]]] = {
    "sarif": ("json", lambda report: json.dumps(sarif(report), indent=2, ensure_ascii=False) + "\n"),
    "junit": ("xml", junit),
    "github": ("txt", lambda report: workflow_commands(report) + "\n"),
    "summary": ("md", job_summary),
    "gitlab": ("json", lambda report: json.dumps(gitlab(report), indent=2, ensure_ascii=False) + "\n"),
}
HOSTILE = (
    "\n::error::x",
    "\r\n##[add-mask]x",
    "::stop-commands::x",
    "%0A::error::x",
    "a,title=b::c",
    "| a | b |",
    "`b` ``c``",
    "<img src=x onerror=alert(1)>",
    "@everyone @org/team",
    "[click](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "{0} {1}",
    "\x1b[2J\x00\x08",
    "\u202egnp.exe\u2066",
    "]]></failure><x>",
    "\ud800",
    "https://evil.example #1 *b* _c_ ~d~ # h",
)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("report", [REPORT, TESTED, Report("validate", (), summary="OK: 1 policy.")])
def test_whole_outputs(name: str, report: Report) -> None:
    suffix, write = FORMATS[name]
    compare(write(report), HERE / "golden" / f"report-{report.command}-{name}.{suffix}")


@pytest.mark.parametrize("report", [REPORT, TESTED, Report("validate", ())])
def test_sarif_is_what_its_standard_says(report: Report) -> None:
    log = sarif(report)
    SARIF.validate(log)
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(run["results"]) == len(report.findings) + len(report.waived)
    assert all(rules[one["ruleIndex"]] == one["ruleId"] for one in run["results"])
    assert len(rules) == len(set(rules))
    assert all(rule["help"]["text"] and rule["shortDescription"]["text"] for rule in run["tool"]["driver"]["rules"])


def test_what_is_waived_is_suppressed_in_sarif_and_in_gitlab_not_there() -> None:
    results = sarif(REPORT)["runs"][0]["results"]
    assert [one["suppressions"] for one in results if "suppressions" in one] == [
        [{"kind": "external", "status": "accepted", "justification": WAIVED.why}]
    ]
    assert len(gitlab(REPORT)) == len(REPORT.findings)


def test_gitlab_has_the_fields_that_it_documents() -> None:
    for report in (REPORT, TESTED, Report("validate", ())):
        GITLAB.validate(gitlab(report))


def test_fingerprints_stay_while_lines_shift_and_are_each_their_own() -> None:
    moved = tuple(replace(one, line=(one.line or 0) + 7, column=3) for one in REPORT.findings)
    assert list(fingerprints(moved)) == list(fingerprints(REPORT.findings))
    told_elsewhere = replace(WARNING, message="as policies/b.yaml:99:2 says")
    assert list(fingerprints([told_elsewhere])) == list(fingerprints([WARNING]))
    others = [
        ERROR,
        replace(ERROR, id="IAM021"),
        replace(ERROR, cluster="staging"),
        replace(ERROR, object="payments/developers"),
        replace(ERROR, message="payments/oncall may delete pods"),
        replace(ERROR, file="policies/search.yaml"),
        ERROR,
    ]
    assert len(set(fingerprints(others))) == len(others)


def test_files_are_named_from_the_top_of_the_checkout() -> None:
    below = REPORT.below("infra/access")
    uris = [
        one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for one in sarif(below)["runs"][0]["results"]
    ]
    assert uris == [
        "infra/access/iamrbac.yaml",
        "infra/access/policies/a%20b.yaml",
        "infra/access/policies/a%20b.yaml",
        "infra/access/policies/payments.yaml",
        "infra/access/policies/payments.yaml",
    ]
    assert TESTED.below("x").cases[0].file == "x/tests/access/a.yaml"
    assert TESTED.below("x").cases[-1].file == ""
    outside = Report("lint", (replace(ERROR, file="/manifests/a.yaml"),)).below("x")
    assert outside.findings[0].file == "/manifests/a.yaml"
    assert sarif(outside)["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"] == {
        "uri": "file:///manifests/a.yaml"
    }


def test_of_more_than_are_taken_the_worst_are_kept_and_the_rest_is_said() -> None:
    many = tuple(replace(INFO, line=line) for line in range(1, MOST + 1))
    (run,) = sarif(Report("lint", (*many, ERROR)))["runs"]
    assert len(run["results"]) == MOST
    assert run["results"][0]["ruleId"] == "IAM020"
    assert "1 findings of the lowest levels are left out" in json.dumps(run["invocations"])
    said = job_summary(Report("lint", (*many, ERROR)))
    assert len(said) < 65_536
    assert " more\n" in said
    assert workflow_commands(Report("lint", many)).count("::notice ") == 10


def hostile(text: str) -> Report:
    """Return a report that has a text everywhere where a stranger could have written it."""
    finding = Finding("IAM020", Level.ERROR, text, text, f"policies/{text}.yaml", line=1, column=1)
    case = ReportedCase(text, f"tests/access/{text}.yaml", 1, "failed", (text, f"  {text}"))
    named = replace(finding, cluster=text, object=text)
    return Report("lint", (finding, named, replace(named, file=text)), (Waived(named, text),), (case,), summary=text)


def strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [found for key, one in value.items() for found in (key, *strings(one))]
    if isinstance(value, list):
        return [found for one in value for found in strings(one)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("text", HOSTILE)
def test_sarif_and_gitlab_show_strangers_text_as_it_is_and_nothing_more(text: str) -> None:
    log = sarif(hostile(text))
    SARIF.validate(log)
    told = [found for one in log["runs"][0]["results"] for found in strings(one)]
    assert all(found.isprintable() for found in told)
    messages = [one["message"]["text"] for one in log["runs"][0]["results"]]
    # No embedded link and no placeholder (SARIF 2.1.0, §3.11.5, §3.11.6).
    special = re.compile(r"(?<!\\)\[[^\]\\]*\]\(|(?<!\{)\{\d+\}(?!\})")
    assert not any(map(special.search, messages))
    uris = [one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for one in log["runs"][0]["results"]]
    assert all(re.fullmatch(r"(file://)?[A-Za-z0-9/._~%-]*", uri) for uri in uris)
    assert unquote(uris[0], errors="surrogateescape") == f"policies/{text}.yaml" or "\ud800" in text
    report = gitlab(hostile(text))
    GITLAB.validate(report)
    assert all(found.isprintable() for found in strings(report))


@pytest.mark.parametrize("text", HOSTILE)
def test_junit_is_well_formed_with_the_same_elements_whatever_it_says(text: str) -> None:
    def shape(report: Report) -> list[str]:
        return [element.tag for element in ElementTree.fromstring(junit(report).encode()).iter()]

    for with_cases in (hostile(text), replace(hostile(text), cases=())):
        assert shape(with_cases) == shape(replace(hostile("x"), cases=with_cases.cases and hostile("x").cases))
    root = ElementTree.fromstring(junit(hostile(text)).encode())
    assert next(root.iter("testcase")).attrib["name"] == printable(text)


@pytest.mark.parametrize("text", HOSTILE)
def test_github_takes_one_command_for_each_finding_and_no_other(text: str) -> None:
    lines = workflow_commands(hostile(text)).split("\n")
    assert all(line.isprintable() for line in lines)
    # As actions/runner reads them: the old form anywhere in a line, the new one at its beginning.
    assert not any("##[" in line for line in lines)
    commands = [line for line in lines if line.lstrip().startswith("::")]
    assert len(commands) == len(hostile(text).findings)
    for line in commands:
        found = re.fullmatch(r"::error file=([^,:]*),line=1,col=1,title=([^,:]*)::(.*)", line)
        assert found is not None
        assert unescaped(found[1], of_property=True).endswith((".yaml", printable(text).replace("##[", "## [")))
        assert unescaped(found[3]).replace(" ", "").find(printable(text).replace(" ", "")) >= 0


def unescaped(text: str, *, of_property: bool = False) -> str:
    """Undo actions/toolkit's escapes, as actions/runner does."""
    own = (("%3A", ":"), ("%2C", ",")) if of_property else ()
    for escape, one in (*own, ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
        text = text.replace(escape, one)
    return text


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("cases", [True, False])
def test_a_summary_has_strangers_text_in_code_spans_only(text: str, cases: bool) -> None:
    report = hostile(text) if cases else replace(hostile(text), cases=())
    said = job_summary(report)
    assert all(line.isprintable() for line in said.split("\n"))
    # What is left when code spans are taken out (CommonMark: a run of backticks up to the next run of equal length).
    plain = re.sub(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", "", said.removeprefix("### "))
    assert not re.search(r"[<>\[\]|`~_{}\\]|@|://|##|\]\(", plain), plain
    assert {line[:4] for line in plain.split("\n")[1:] if line} <= {"- **", "  - ", plain.split("\n")[2][:4], "1 fi"}


@given(st.text())
def test_any_text_is_harmless_everywhere(text: str) -> None:
    report = hostile(text)
    SARIF.validate(json.loads(json.dumps(sarif(report))))
    ElementTree.fromstring(junit(report).encode())
    commands = [line for line in workflow_commands(report).split("\n") if line.lstrip().startswith("::")]
    assert len(commands) == len(report.findings)
    assert all(line.isprintable() for line in job_summary(report).split("\n"))
