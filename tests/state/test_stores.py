"""One contract for every place where backups are kept: ConfigMaps, a folder, a bucket."""

from __future__ import annotations

import random
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID

from iamrbac.backup.backup import Record, Result
from iamrbac.backup.codec import decode, encode_backup, encode_results
from iamrbac.model.errors import BackupError, ExistsError, ForbiddenError, KubeError
from iamrbac.state.local import LocalStore, locate
from iamrbac.state.s3 import S3Client, S3Store
from iamrbac.usecases.backups import BackupStore, Kept, Part
from iamrbac.usecases.home_backups import LARGEST, HomeStore
from tests.backup.builders import RUN, backup
from tests.usecases.fakes import FakeKube, Faults

OLD, NEW = "20261125-080000-aaaaaa", "20261126-122146-1a2b3c"
Opener = Callable[[str, str], BackupStore]


@dataclass
class Places:
    """Where a store is opened for an instance and a cluster."""

    open: Opener


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Client]:
    for name, value in {"AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "hunter2"}.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        client = boto3.Session().client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="acme-backups")
        yield client


@pytest.fixture(params=["configmaps", "folder", "bucket"])
def places(request: pytest.FixtureRequest, tmp_path: Path) -> Places:
    if request.param == "configmaps":
        kubes: dict[str, FakeKube] = {}

        def home(instance: str, cluster: str) -> BackupStore:
            kube = kubes.setdefault(cluster, FakeKube(Faults(), frozenset()))
            return HomeStore(kube, cluster, instance, "iamrbac-system")

        return Places(home)
    if request.param == "folder":
        return Places(lambda instance, cluster: LocalStore(tmp_path / "backups", instance, cluster))
    client: S3Client = request.getfixturevalue("bucket")
    place = "s3://acme-backups/some/prefix/"
    return Places(lambda instance, cluster: S3Store(lambda: client, place, DEFAULT_ACCOUNT_ID, instance, cluster))


def test_nothing_is_there_at_first(places: Places) -> None:
    store = places.open("acme", "staging")
    assert store.kept() == ()
    assert store.read([OLD, NEW]) == {}
    assert store.read([]) == {}
    store.delete(OLD)


def test_what_is_saved_is_read_by_whoever_opens_the_store_next(places: Places) -> None:
    places.open("acme", "staging").save(NEW, Part.BACKUP, b"backup")
    other = places.open("acme", "staging")
    assert (other.kept(), other.read([NEW])) == ((Kept(NEW, False),), {NEW: b"backup"})
    other.save(NEW, Part.RESULTS, b"results")
    other.save(OLD, Part.BACKUP, b"older")
    assert other.kept() == (Kept(OLD, False), Kept(NEW, True))
    assert other.read([OLD, NEW]) == {OLD: b"older", NEW: b"backupresults"}
    assert other.read([NEW]) == {NEW: b"backupresults"}


def test_a_record_is_deleted_whole_and_no_other(places: Places) -> None:
    store = places.open("acme", "staging")
    for run in (OLD, NEW):
        store.save(run, Part.BACKUP, b"backup")
        store.save(run, Part.RESULTS, b"results")
    store.delete(OLD)
    store.delete(OLD)
    assert (store.kept(), store.read([OLD, NEW])) == ((Kept(NEW, True),), {NEW: b"backupresults"})


def test_instances_and_clusters_do_not_meet(places: Places) -> None:
    places.open("acme", "staging").save(NEW, Part.BACKUP, b"acme staging")
    places.open("acme-2", "staging").save(NEW, Part.BACKUP, b"acme-2 staging")
    places.open("acme", "production").save(OLD, Part.BACKUP, b"acme production")
    assert places.open("acme", "staging").read([NEW]) == {NEW: b"acme staging"}
    assert places.open("acme-2", "staging").kept() == (Kept(NEW, False),)
    assert places.open("acme", "production").kept() == (Kept(OLD, False),)


def test_a_large_one_is_read_back_whole(places: Places) -> None:
    content = random.Random(7).randbytes(2 * LARGEST + 1)
    store = places.open("acme", "staging")
    store.save(NEW, Part.BACKUP, content)
    store.save(NEW, Part.RESULTS, content[: LARGEST + 1])
    assert store.kept() == (Kept(NEW, True),)
    assert store.read([NEW]) == {NEW: content + content[: LARGEST + 1]}


def test_a_record_goes_all_the_way(places: Places) -> None:
    made = backup()
    results = tuple(Result(one.key, "done") for one in made.changes)
    store = places.open("acme", "staging")
    store.save(RUN.id, Part.BACKUP, encode_backup(made))
    assert decode(store.read([RUN.id])[RUN.id]) == Record(made, None)
    store.save(RUN.id, Part.RESULTS, encode_results(made, results))
    assert decode(store.read([RUN.id])[RUN.id]) == Record(made, results)


def home_store(kube: FakeKube) -> HomeStore:
    return HomeStore(kube, "staging", "acme", "iamrbac-system")


def test_configmaps_are_small_marked_and_in_a_home_that_is_made() -> None:
    faults = Faults()
    kube = FakeKube(faults, frozenset())
    home_store(kube).save(NEW, Part.BACKUP, b"x" * (LARGEST + 1))
    home_store(kube).save(NEW, Part.RESULTS, b"y")
    assert faults.log == ["create Namespace /iamrbac-system"]
    assert [name for _, name in sorted(kube.home_maps)] == [
        f"iamrbac-backup-acme-{NEW}",
        f"iamrbac-backup-acme-{NEW}-2",
        f"iamrbac-backup-acme-{NEW}-results",
    ]
    for map_ in kube.home_maps.values():
        assert dict(map_.labels) == {
            "app.kubernetes.io/managed-by": "iamrbac",
            "app.kubernetes.io/component": "backup",
            "iamrbac.dev/instance": "acme",
            "iamrbac.dev/backup": NEW,
        }
        assert sum(map(len, map_.binary.values())) <= LARGEST


def test_names_fit_whatever_the_instance_is_called() -> None:
    kube = FakeKube(Faults(), frozenset({"iamrbac-system"}))
    store = HomeStore(kube, "staging", "x" * 40, "iamrbac-system")
    store.save(NEW, Part.RESULTS, b"x" * (LARGEST + 1))
    assert max(len(name) for _, name in kube.home_maps) < 100


def test_results_that_were_cut_off_in_the_middle_are_none() -> None:
    kube = FakeKube(Faults(), frozenset({"iamrbac-system"}))
    store = home_store(kube)
    store.save(NEW, Part.BACKUP, b"backup")
    asked = iter((None, KubeError("timeout")))
    kube.map_fault = lambda doing: next(asked) if doing == "create" else None
    with pytest.raises(BackupError):
        store.save(NEW, Part.RESULTS, b"x" * (LARGEST + 1))
    assert (store.kept(), store.read([NEW])) == ((Kept(NEW, False),), {NEW: b"backup"})


def test_a_write_whose_answer_got_lost_is_no_foreign_object() -> None:
    kube = FakeKube(Faults(), frozenset({"iamrbac-system"}))
    home_store(kube).save(NEW, Part.BACKUP, b"backup")
    home_store(kube).save(NEW, Part.BACKUP, b"backup")
    with pytest.raises(BackupError) as caught:
        home_store(kube).save(NEW, Part.BACKUP, b"another")
    assert isinstance(caught.value.__cause__, ExistsError)


@pytest.mark.parametrize("verb", ["create", "list", "delete"])
def test_the_right_that_lacks_is_named(verb: str) -> None:
    kube = FakeKube(Faults(), frozenset({"iamrbac-system"}))
    store = home_store(kube)
    store.save(OLD, Part.BACKUP, b"backup")
    refused = ForbiddenError(f"cannot {verb} configmap: forbidden (403)")
    kube.map_fault = lambda doing: refused if doing == verb else None
    act: dict[str, Callable[[], object]] = {
        "create": lambda: store.save(NEW, Part.BACKUP, b"x"),
        "list": store.kept,
        "delete": lambda: store.delete(OLD),
    }
    with pytest.raises(BackupError, match=r"forbidden \(403\)") as caught:
        act[verb]()
    assert (caught.value.where, caught.value.code) == ("staging", "ERR214")
    assert "let the caller get, list, create and delete configmaps in namespace iamrbac-system" in caught.value.hint


def test_local_backups_are_for_nobody_else(tmp_path: Path) -> None:
    root = locate({"XDG_STATE_HOME": str(tmp_path / "state")})
    LocalStore(root, "acme", "staging").save(NEW, Part.BACKUP, b"backup")
    file = tmp_path / "state" / "iamrbac" / "backups" / "acme" / "staging" / f"{NEW}.jsonl.gz"
    assert file.read_bytes() == b"backup"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for folder in list(file.parents)[:5]:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700, folder
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_the_folder_is_the_specifications(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    default = tmp_path / ".local" / "state" / "iamrbac" / "backups"
    assert locate({}) == locate({"XDG_STATE_HOME": ""}) == locate({"XDG_STATE_HOME": "relative"}) == default


def test_files_of_others_in_the_folder_mean_nothing(tmp_path: Path) -> None:
    store = LocalStore(tmp_path, "acme", "staging")
    store.save(NEW, Part.BACKUP, b"backup")
    for name in (".half-written", f"{NEW}.jsonl.gz~", "notes.txt", f"{OLD}.json"):
        (tmp_path / "acme" / "staging" / name).write_text("x")
    assert store.kept() == (Kept(NEW, False),)


def test_a_disk_that_refuses_is_told(tmp_path: Path) -> None:
    (tmp_path / "acme").write_text("a file where a folder should be")
    store = LocalStore(tmp_path, "acme", "staging")
    acts: tuple[Callable[[], object], ...] = (
        lambda: store.save(NEW, Part.BACKUP, b"x"),
        store.kept,
        lambda: store.read([NEW]),
    )
    for act in acts:
        with pytest.raises(BackupError) as caught:
            act()
        assert caught.value.where == str(tmp_path / "acme" / "staging")
        assert "XDG_STATE_HOME" in caught.value.hint


class Recorder:
    """A client that says what it wants, and answers like a store that may not encrypt."""

    def __init__(self, encrypts: Callable[[dict[str, object]], bool]) -> None:
        self.encrypts = encrypts
        self.calls: list[tuple[str, dict[str, object]]] = []

    def put_object(self, **arguments: object) -> dict[str, object]:
        self.calls.append(("put", arguments))
        return {"ServerSideEncryption": "AES256"} if self.encrypts(arguments) else {}

    def get_object(self, **arguments: object) -> dict[str, object]:
        raise AssertionError

    def delete_object(self, **arguments: object) -> dict[str, object]:
        self.calls.append(("delete", arguments))
        return {}

    def get_paginator(self, operation_name: object) -> object:
        raise AssertionError


def s3(client: S3Client, owner: str = "222233334444") -> S3Store:
    return S3Store(lambda: client, "s3://acme-backups", owner, "acme", "staging")


def test_a_buckets_own_encryption_is_left_to_it_and_its_owner_is_checked() -> None:
    client = Recorder(lambda _: True)
    s3(client).save(NEW, Part.BACKUP, b"x")
    ((_, arguments),) = client.calls
    assert "ServerSideEncryption" not in arguments
    assert arguments["ExpectedBucketOwner"] == "222233334444"
    assert arguments["Key"] == f"acme/staging/{NEW}.jsonl.gz"


def test_what_does_not_encrypt_by_itself_is_asked_to() -> None:
    client = Recorder(lambda arguments: "ServerSideEncryption" in arguments)
    s3(client).save(NEW, Part.BACKUP, b"x")
    assert [call for call, _ in client.calls] == ["put", "put"]
    assert client.calls[1][1]["ServerSideEncryption"] == "AES256"


def test_what_never_encrypts_keeps_nothing() -> None:
    client = Recorder(lambda _: False)
    with pytest.raises(BackupError, match="does not encrypt"):
        s3(client).save(NEW, Part.BACKUP, b"x")
    assert client.calls[-1][0] == "delete"


def test_a_bucket_that_is_not_there_is_told(bucket: S3Client) -> None:
    store = S3Store(lambda: bucket, "s3://nobodys", DEFAULT_ACCOUNT_ID, "acme", "staging")
    with pytest.raises(BackupError, match="s3:ListBucket failed with NoSuchBucket") as caught:
        store.kept()
    assert caught.value.where == "s3://nobodys/acme/staging/"
    assert caught.value.hint == "correct `backups` in iamrbac.yaml, or what S3 names"


def test_somebody_elses_bucket_is_told_with_the_account_that_it_must_be_of() -> None:
    def refuse(_: dict[str, object]) -> bool:
        # As S3 says it, which moto does not: it looks at ExpectedBucketOwner in a few calls only.
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "Access Denied"}}, "PutObject")

    with pytest.raises(BackupError, match="s3:PutObject failed with AccessDenied: Access Denied") as caught:
        s3(Recorder(refuse)).save(NEW, Part.BACKUP, b"x")
    assert "the bucket must be of account 222233334444" in caught.value.hint


def test_without_credentials_s3_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    client = boto3.Session().client("s3", region_name="us-east-1")
    with pytest.raises(BackupError, match="s3:ListBucket failed: Unable to locate credentials"):
        s3(client).kept()
