"""The most important test: where the fast path answers, it answers what botocore's chain answers. Else it declines.

IAMRBAC_FUZZ says how many machines; `make fuzz` asks for 10,000.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from iamrbac.token import cache, credentials
from iamrbac.token.errors import TokenError
from iamrbac.token.ini import Files
from tests.token import reference
from tests.token.reference import ENDS, NOW, Answer, Scenario

EXAMPLES = int(os.environ.get("IAMRBAC_FUZZ", "250"))
NAMES = ["default", "alice", "bob", "the ops"]
ROLES = ["arn:aws:iam::111122223333:role/dev", "arn:aws:iam::111122223333:role/é", ""]
# What the own caches stand for: botocore asks each time, so that there is only the way to compare.
WAYS = {"process": "custom-process", "container": "container-role", "instance": "iam-role"}
METHODS: Counter[str] = Counter()
NEEDLESS = "IAMRBAC_FUZZ" in os.environ

SETTINGS: dict[str, list[str]] = {
    "aws_access_key_id": ["AKIA1", "AKIA2", ""],
    "aws_secret_access_key": ["s1", "s2", "a=b:c", ""],
    "aws_session_token": ["t1", "t/+=", ""],
    "aws_security_token": ["old", ""],
    "role_arn": ROLES,
    "source_profile": [*NAMES, "nobody"],
    "credential_source": ["Environment", "EcsContainer", "Ec2InstanceMetadata", "environment", "Nowhere"],
    "role_session_name": ["alice@example.com", "ali/ce", ""],
    "external_id": ["42", 'a"b'],
    "mfa_serial": ["arn:aws:iam::111122223333:mfa/alice"],
    "duration_seconds": ["3600", "900 ", "an hour", "-1", "3_600"],
    "web_identity_token_file": ["/nowhere/token", ""],
    "sso_role_name": ["Developer"],
    "sso_account_id": ["111122223333"],
    "sso_start_url": ["https://x.awsapps.com/start", "https://y.awsapps.com/start"],
    "sso_region": ["eu-west-1", "us-east-1"],
    "sso_session": ["corp", "other", "gone"],
    "credential_process": ["/bin/helper --as alice", ""],
    "login_session": ["arn:aws:iam::111122223333:user/alice", "nobody"],
    "region": ["eu-west-1"],
    "metadata_service_timeout": ["1", "soon"],
    "s3": ["\n  max_concurrent_requests = 20\n  x = y", "\n  broken"],
}
STATIC = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
SSO = ("sso_role_name", "sso_account_id", "sso_start_url", "sso_region")
KINDS: list[tuple[str, ...]] = [
    STATIC[:2],
    STATIC,
    ("role_arn", "source_profile"),
    ("role_arn", "source_profile", "role_session_name", "external_id", "mfa_serial", "duration_seconds"),
    ("role_arn", "credential_source"),
    ("role_arn", "web_identity_token_file"),
    ("role_arn", "source_profile", *STATIC[:2]),
    SSO,
    ("sso_role_name", "sso_account_id", "sso_session"),
    ("credential_process",),
    ("login_session",),
    (),
]


def profile(rng: Random, there: list[str]) -> dict[str, str]:
    """Settings of one kind, mostly sound ones, so that deep ways are reached; now and then any besides."""
    names = [*rng.choice(KINDS), *rng.choices(sorted(SETTINGS), k=rng.choice([0, 0, 0, 0, 1, 2]))]
    values = {}
    for name in dict.fromkeys(names):
        pool = [*there, *SETTINGS[name]] if name == "source_profile" else SETTINGS[name]
        sound = pool if name in {"source_profile", "credential_source"} else pool[:1]
        values[name] = rng.choice(sound) if rng.random() < 0.9 else rng.choice(pool)
    return values


def text_of(rng: Random, sections: dict[str, dict[str, str]]) -> str:
    """The sections as people write them."""
    lines = rng.choice(["", "# mine\n\n", "; mine\n"])
    for header, values in sections.items():
        lines += f"[{header}]{rng.choice(['', ' # x', ' '])}\n"
        for name, value in values.items():
            key = rng.choice([name, name, name.upper()])
            lines += f"{key}{rng.choice(['=', ' = ', ': '])}{value}\n"
            lines += rng.choice(["", "", "", "\n", "# x\n", "  \n", *["   continued\n"] * (rng.random() < 0.1)])
    return lines


def scenario(rng: Random) -> Scenario:
    config: dict[str, dict[str, str]] = {}
    shared: dict[str, dict[str, str]] = {}
    names = rng.sample(NAMES, rng.randint(0, 4))
    for name in names:
        header = "default" if name == "default" else rng.choice([f'profile "{name}"', f"profile {name}"])
        where = rng.choice(["config", "config", "shared", "both"])
        if where != "shared":
            config[header] = profile(rng, names)
        if where != "config":
            shared[name] = profile(rng, names)
    for session in rng.choice([[], ["corp"], ["corp", "other"]]):
        config[f"sso-session {session}"] = {name: rng.choice(SETTINGS[name]) for name in SSO[2:]}
    if rng.randint(0, 9) == 0:
        config[rng.choice(["profile", "preview", "profilex y", "DEFAULT", 'profile "'])] = {"a": "b"}
    there = [header.removeprefix("profile ").strip('"') for header in {**config, **shared} if "sso-" not in header]
    named = rng.choice([*there * 9, "default", "nobody"])
    environ = environment(rng)
    asked = rng.choice([None, "profile", "variable", "variable"])
    if asked == "variable":
        environ.setdefault("AWS_PROFILE", named)
    return Scenario(text_of(rng, config), text_of(rng, shared), environ, named if asked == "profile" else None)


def environment(rng: Random) -> dict[str, str]:
    environ = {}
    if rng.random() < 0.15:
        environ = {"AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": "senv"}
    for name, values, often in (
        ("AWS_PROFILE", [*NAMES, "nobody", ""], 0),
        ("AWS_DEFAULT_PROFILE", [*NAMES, ""], 0),
        ("AWS_ACCESS_KEY_ID", ["AKIAENV", ""], 2),
        ("AWS_SECRET_ACCESS_KEY", ["senv", ""], 3),
        ("AWS_SESSION_TOKEN", ["tenv", ""], 2),
        ("AWS_SECURITY_TOKEN", ["told", ""], 1),
        ("AWS_CREDENTIAL_EXPIRATION", [ENDS, "2100-01-01T00:00:00+02:00", "2100-01-01", "soon", ""], 1),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", ["/nowhere/env", ""], 2),
        ("AWS_ROLE_ARN", ROLES, 2),
        ("AWS_ROLE_SESSION_NAME", ["pod", ""], 1),
        ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", ["/v2/credentials/1", ""], 1),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", ["http://169.254.170.23/v1/credentials"], 1),
        ("AWS_EC2_METADATA_DISABLED", ["true", "false", "TRUE"], 3),
        ("AWS_METADATA_SERVICE_TIMEOUT", ["2", "soon"], 1),
        ("AWS_CREDENTIAL_FILE", ["/nowhere/file"], 0),
        ("AWS_CONFIG_FILE", ["", "/nowhere/config"], 0),
        ("AWS_SHARED_CREDENTIALS_FILE", ["", "~/.aws/config"], 0),
        ("AWS_ENDPOINT_URL", ["http://127.0.0.1:1"], 1),
    ):
        if rng.randint(0, 9) <= often and rng.random() < 0.5:
            environ[name] = rng.choice(values)
    return environ


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    folder = home / ".aws/login/cache"
    folder.mkdir(parents=True)
    given = {"accessKeyId": "ASIALOGIN", "secretAccessKey": "s", "sessionToken": "t", "accountId": "1"}
    session = {"accessToken": {**given, "expiresAt": ENDS}, "refreshToken": "r", "dpopKey": "k", "clientId": "c"}
    name = hashlib.sha256(SETTINGS["login_session"][0].encode()).hexdigest()
    (folder / f"{name}.json").write_text(json.dumps(session))
    (folder / f"{name}.json").chmod(0o600)
    return home


def test_the_fast_path_answers_as_botocore_or_not_at_all(home: Path) -> None:
    for seed in range(EXAMPLES):
        compare(scenario(Random(seed)), home)


def compare(scenario: Scenario, home: Path) -> None:
    with reference.machine(scenario, home) as environ:
        try:
            found = credentials.find(environ, scenario.asked, NOW)
        except TokenError:
            # Said at once where botocore has no credentials either.
            assert not isinstance(reference.ask(scenario), Answer)
            METHODS["refused"] += 1
            return
        if found is None:
            answer = reference.ask(scenario) if NEEDLESS else None
            needless = isinstance(answer, Answer) and bool(answer.access_key) and answer.method not in WAYS.values()
            METHODS["declined, though botocore needs nobody" if needless else "declined"] += 1
            return
        expected = reference.ask(scenario)
    assert isinstance(expected, Answer), f"botocore: {expected!r}"
    METHODS[expected.method] += 1
    given = found.credentials
    if given.access_key.startswith("ASIA-iamrbac-"):
        assert WAYS[given.access_key.split("-")[2]] == expected.method
    else:
        assert (given.access_key, given.secret_key, given.token) == (
            expected.access_key,
            expected.secret_key,
            expected.token,
        )


def test_every_way_was_tried() -> None:
    """Prints how often each was, and that none of botocore's ways was never compared (it runs after the one above)."""
    print(f"\n{sum(METHODS.values())} machines: {dict(METHODS.most_common())}")
    if sum(METHODS.values()) >= 2000:
        ways = {"env", "assume-role", "assume-role-with-web-identity", "sso", "shared-credentials-file", "config-file"}
        assert ways | {*WAYS.values(), "login"} <= METHODS.keys()


def test_an_answer_that_is_cached_stands_only_while_all_that_decided_it_does(home: Path) -> None:
    """The own keys: another command, file, variable, profile or way is another key."""
    command = "[profile p]\ncredential_process = helper\n"
    one = Scenario(command, "", {"AWS_PROFILE": "p"}, None)
    others = [
        Scenario(command.replace("helper", "other"), "", {"AWS_PROFILE": "p"}, None),
        Scenario(f"{command}# x\n", "", {"AWS_PROFILE": "p"}, None),
        Scenario(command, "[q]\na=b\n", {"AWS_PROFILE": "p"}, None),
        Scenario(command, "", {"AWS_PROFILE": "p", "AWS_REGION": "eu-west-1"}, None),
        Scenario(command, "", {}, "p"),
    ]
    keys = set()
    for each in (one, *others):
        with reference.machine(each, home) as environ:
            keys.add(cache.own_key("process", environ, each.asked or "p", Files(environ)))
    assert len(keys) == 1 + len(others)
