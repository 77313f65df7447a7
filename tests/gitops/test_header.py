from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from iamrbac.gitops.header import JSON_HEADER, header, instance_of, json_header, without_header
from iamrbac.model.origin import Origin

origins = st.lists(
    st.builds(
        Origin,
        st.from_regex(r"policies/[a-z]{1,5}\.yaml", fullmatch=True),
        st.lists(st.one_of(st.integers(0, 9), st.sampled_from(["spec", "access"])), max_size=3).map(tuple),
    ),
    max_size=3,
)
instances = st.from_regex(r"[a-z]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)


@given(instances, origins)
def test_a_yaml_file_says_whose_it_is(instance: str, lines: list[Origin]) -> None:
    text = header(instance, lines) + "a: b\n"
    assert instance_of(text) == instance
    assert without_header(text) == "a: b\n"


@given(instances, origins)
def test_a_json_file_says_whose_it_is(instance: str, lines: list[Origin]) -> None:
    def text(which: list[Origin], body: str) -> str:
        return json.dumps({JSON_HEADER: json_header(instance, which), "resource": {"x": [body]}}, indent=2)

    assert instance_of(text(lines, "a")) == instance
    assert without_header(text(lines, "a")) == without_header(text([], "a"))
    assert without_header(text(lines, "a")) != without_header(text(lines, "b"))


def test_a_file_of_somebody_else_is_nobodys() -> None:
    for text in (
        "",
        "{}",
        "a: b\n",
        '{\n  "//": "iamrbac: instance acme"\n}',
        '{\n  "//": [\n    1\n  ]\n}',
        '{\n  "//": [\n',
    ):
        assert instance_of(text) is None
        assert without_header(text) in (text, "")
