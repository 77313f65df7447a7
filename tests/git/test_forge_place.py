"""Which project of which forge a URL is."""

from __future__ import annotations

import pytest

from iamrbac.git.delivery.forge.place import place_of
from iamrbac.model.errors import DeliveryError
from iamrbac.model.gitops import Forge

GITHUB = ("github", "https://api.github.com", "acme/clusters")
GITLAB = ("gitlab", "https://gitlab.com/api/v4", "acme/platform/clusters")


def own(kind: str, api: str = "") -> Forge:
    return Forge.model_validate({"kind": kind} | ({"api": api} if api else {}))


@pytest.mark.parametrize(
    ("url", "forge", "wanted"),
    [
        ("https://github.com/acme/clusters", None, GITHUB),
        ("https://github.com/acme/clusters.git", None, GITHUB),
        ("https://GitHub.com/acme/clusters.git/", None, GITHUB),
        ("https://me:token@github.com/acme/clusters.git", None, GITHUB),
        ("git@github.com:acme/clusters.git", None, GITHUB),
        ("ssh://git@ssh.github.com:443/acme/clusters.git", None, GITHUB),
        ("git@github.com:/acme/clusters", own("github"), GITHUB),
        ("https://gitlab.com/acme/platform/clusters.git", None, GITLAB),
        ("git@gitlab.com:acme/platform/clusters.git", None, GITLAB),
        ("https://git.example.com/a/b.git", own("github"), ("github", "https://git.example.com/api/v3", "a/b")),
        ("ssh://git@git.example.com:2222/a/b", own("gitlab"), ("gitlab", "https://git.example.com/api/v4", "a/b")),
        ("https://git.example.com:8443/a/b", own("gitlab"), ("gitlab", "https://git.example.com:8443/api/v4", "a/b")),
        (
            "https://example.com/gitlab/a/b.git",
            own("gitlab", "https://example.com/gitlab/api/v4/"),
            ("gitlab", "https://example.com/gitlab/api/v4", "a/b"),
        ),
        ("work:a/b.git", own("github", "https://api.github.com"), ("github", "https://api.github.com", "a/b")),
    ],
)
def test_a_url_is_a_project(url: str, forge: Forge | None, wanted: tuple[str, str, str]) -> None:
    place = place_of(url, forge)
    assert (place.kind, place.api, place.project) == wanted


@pytest.mark.parametrize(
    ("url", "forge", "words"),
    [
        ("https://git.example.com/a/b.git", None, "nothing says at which forge"),
        ("https://github.com.example.com/a/b.git", None, "nothing says at which forge"),
        ("file:///srv/git/a.git", None, "nothing says at which forge"),
        ("", None, "this repository: nothing says at which forge"),
        ("file:///srv/git/a.git", own("github"), "nothing says where the forge's API is"),
        ("https://github.com/clusters.git", None, "clusters is no project of a forge"),
        ("https://github.com/a/b/c", None, "a/b/c is no project of a forge"),
        ("https://git.example.com/a/b", own("gitlab", "http://git.example.com/api/v4"), "only sent over https"),
        ("https://git.example.com/a/b", own("gitlab", "https://me:x@git.example.com/api/v4"), "holds credentials"),
    ],
)
def test_what_is_no_project(url: str, forge: Forge | None, words: str) -> None:
    with pytest.raises(DeliveryError) as caught:
        place_of(url, forge)
    assert words in str(caught.value)
    assert "me:x" not in str(caught.value)
