from __future__ import annotations

import pytest

from iamrbac.model.index_place import RepositoryFile, S3Object, SignedUrl, SsmParameter, parse_place

ACCOUNT = "111122223333"
SSM = f"arn:aws:ssm:eu-west-1:{ACCOUNT}:parameter"
KMS = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/0a1b2c3d-0000"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("access-index.json", RepositoryFile("access-index.json")),
        ("a/b/index.json", RepositoryFile("a/b/index.json")),
        (f"s3://acme/a/index.json#{ACCOUNT}", S3Object("acme", "a/index.json", ACCOUNT)),
        (f"{SSM}/iamrbac/index", SsmParameter(f"{SSM}/iamrbac/index")),
        (f"https://example.com:8443/a/index.json#{KMS}", SignedUrl("https://example.com:8443/a/index.json", KMS)),
    ],
)
def test_places(text: str, place: object) -> None:
    found = parse_place(text)
    assert found == place
    assert str(found) == text


def test_a_bucket_is_of_the_people_s_account_where_nothing_else_is_said() -> None:
    assert parse_place("s3://acme/index.json", ACCOUNT) == S3Object("acme", "index.json", ACCOUNT)


def test_a_parameter_in_a_hierarchy_begins_with_a_slash() -> None:
    assert SsmParameter(f"{SSM}/iamrbac/index").name == "/iamrbac/index"
    assert SsmParameter(f"{SSM}/index").name == "index"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("s3://acme/index.json", "nothing says whose bucket it must be"),
        ("s3://acme", "a place is"),
        ("http://example.com/a.json", "http can be changed by anybody on the way"),
        ("https://example.com/a.json", "nothing proves what a web server answers"),
        ("https://u:p@example.com/a.json#" + KMS, "a place is"),
        ("https://example.com/a.json?x=1#" + KMS, "a place is"),
        ("https://example.com#" + KMS, "a place is"),
        (
            "https://example.com/a.json#" + KMS.replace("aws:", "aws-cn:", 1),
            "eu-west-1 is in the partition aws, not in",
        ),
        (SSM.replace("eu-west-1", "cn-north-1") + "/a", "cn-north-1 is in the partition aws-cn"),
        ("arn:aws:s3:::acme/a", "a place is"),
        ("../index.json", "a place is"),
        ("/etc/index.json", "a place is"),
        ("a/../index.json", "a place is"),
        ("iamrbac.yaml", "a place is"),
        ("", "a place is"),
    ],
)
def test_no_places_and_why(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_place(text)
