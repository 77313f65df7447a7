"""Lists: selectors, pages, versions."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.conformance.http import Client


@pytest.fixture
def fruit(admin: Client, maps: str) -> str:
    """ConfigMaps a to e with labels."""
    for name, labels in (
        ("a", {"colour": "red", "size": "1"}),
        ("b", {"colour": "green"}),
        ("c", {"colour": "red", "size": "2"}),
        ("d", {}),
        ("e", {"size": "3"}),
    ):
        assert admin.post(maps, {"metadata": {"name": name, "labels": labels}}).code == 201
    return maps


def names(client: Client, path: str, **query: object) -> str:
    """The names in a list, in order, as one word."""
    return "".join(item["metadata"]["name"] for item in client.get(path, **query).json["items"])


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("", "abcde"),
        ("colour", "abc"),
        ("!colour", "de"),
        ("colour=red", "ac"),
        ("colour==red", "ac"),
        ("colour!=red", "bde"),
        ("colour in (red, green)", "abc"),
        ("colour notin (red)", "bde"),
        ("colour=red,size=2", "c"),
        ("colour in (red,green),size", "ac"),
        ("size in (1,3),!colour", "e"),
        ("colour=", ""),
    ],
)
def test_label_selectors(admin: Client, fruit: str, selector: str, expected: str) -> None:
    assert names(admin, fruit, labelSelector=selector) == expected


@pytest.mark.parametrize("selector", ["a in b", "=b", "a=b=c", "a b", "a in (b", "-=x", "a=x/y"])
def test_label_selectors_that_do_not_parse(admin: Client, maps: str, selector: str) -> None:
    assert admin.get(maps, labelSelector=selector).refusal[:2] == (400, "BadRequest")


def test_field_selectors(admin: Client, fruit: str, namespace: str) -> None:
    assert names(admin, fruit, fieldSelector="metadata.name=b") == "b"
    assert names(admin, fruit, fieldSelector="metadata.name!=b") == "acde"
    assert names(admin, "/api/v1/configmaps", fieldSelector=f"metadata.namespace={namespace}") == "abcde"
    code, reason, message = admin.get(fruit, fieldSelector="data.x=1").refusal
    why = '"data.x" is not a known field selector: only "metadata.name", "metadata.namespace"'
    assert (code, reason, message) == (400, "BadRequest", why)


def test_a_list_names_its_kind_once(admin: Client, fruit: str) -> None:
    body = admin.get(fruit).json
    assert (body["kind"], body["apiVersion"]) == ("ConfigMapList", "v1")
    assert body["metadata"]["resourceVersion"].isdigit()
    assert all("kind" not in item and "apiVersion" not in item for item in body["items"])


def test_pages_show_one_moment(admin: Client, fruit: str) -> None:
    first = admin.get(fruit, limit=2).json
    assert first["metadata"]["remainingItemCount"] == 3
    admin.post(fruit, {"metadata": {"name": "bb"}})
    admin.delete(f"{fruit}/d")
    second = admin.get(fruit, limit=2, continue_=first["metadata"]["continue"]).json
    third = admin.get(fruit, limit=2, continue_=second["metadata"]["continue"]).json
    pages = [[item["metadata"]["name"] for item in page["items"]] for page in (first, second, third)]
    assert pages == [["a", "b"], ["c", "d"], ["e"]]
    assert second["metadata"]["remainingItemCount"] == 1
    assert third["metadata"].keys() == {"resourceVersion"}
    assert len({page["metadata"]["resourceVersion"] for page in (first, second, third)}) == 1
    assert names(admin, fruit) == "abbbce"


def test_pages_of_a_selection_do_not_count_the_rest(admin: Client, fruit: str) -> None:
    first = admin.get(fruit, limit=1, labelSelector="colour=red").json
    assert "remainingItemCount" not in first["metadata"]
    pages = [first]
    # The last page of a selection may be empty: that nothing else matches is seen only at the end.
    while token := pages[-1]["metadata"].get("continue"):
        pages.append(admin.get(fruit, limit=1, labelSelector="colour=red", continue_=token).json)
    assert [item["metadata"]["name"] for page in pages for item in page["items"]] == ["a", "c"]


def test_pages_over_all_namespaces(admin: Client, fruit: str) -> None:
    def names(page: Any) -> list[str]:
        return [f"{item['metadata']['namespace']}/{item['metadata']['name']}" for item in page["items"]]

    def by_pages() -> list[str]:
        seen: list[str] = []
        token = ""
        while True:
            page = admin.get("/api/v1/configmaps", limit=2, **({"continue": token} if token else {})).json
            seen += names(page)
            token = page["metadata"].get("continue", "")
            if not token:
                return seen

    # On a real API server what other tests deleted may go at any time, so both are asked until nothing went between.
    assert admin.settled(lambda: by_pages() == names(admin.get("/api/v1/configmaps").json), True)
    seen = by_pages()
    assert seen == sorted(seen)
    namespace = fruit.split("/")[4]
    assert [one for one in seen if one.startswith(f"{namespace}/") and "kube-root-ca" not in one] == [
        f"{namespace}/{name}" for name in "abcde"
    ]


@pytest.mark.parametrize("token", ["nonsense", "e30", "!!!"])
def test_tokens_that_are_none(admin: Client, maps: str, token: str) -> None:
    assert admin.get(maps, limit=1, continue_=token).refusal[:2] == (400, "BadRequest")


@pytest.mark.embedded_only
def test_an_expired_token_offers_to_go_on(admin: Client, fruit: str) -> None:
    token = json.dumps({"v": "meta.k8s.io/v1", "rv": 1, "start": "b"}).encode()
    answer = admin.get(fruit, limit=2, continue_=base64.urlsafe_b64encode(token).decode().rstrip("="))
    code, reason, message = answer.refusal
    assert (code, reason) == (410, "Expired")
    assert message.startswith("The provided continue parameter is too old")
    again = admin.get(fruit, limit=2, continue_=answer.json["metadata"]["continue"]).json
    assert [item["metadata"]["name"] for item in again["items"]] == ["c", "d"]


def test_versions_of_a_list(admin: Client, fruit: str) -> None:
    now = admin.get(fruit).json["metadata"]["resourceVersion"]
    assert names(admin, fruit, resourceVersion="0") == "abcde"
    assert names(admin, fruit, resourceVersion=now) == "abcde"
    assert admin.get(fruit, resourceVersion="x").refusal[:2] == (400, "BadRequest")
    assert admin.get(fruit, resourceVersion=int(now) + 1_000_000).refusal[:2] == (504, "Timeout")
    assert admin.get(fruit, resourceVersionMatch="Exact").refusal[:2] == (422, "Invalid")
