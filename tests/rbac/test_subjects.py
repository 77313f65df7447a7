from __future__ import annotations

import pytest

from iamrbac.rbac.objects import Subject, User
from iamrbac.rbac.subjects import keys_of, subject_key, with_authenticated


@pytest.mark.parametrize(
    ("subject", "namespace", "key"),
    [
        (Subject("User", "ann"), None, ("User", "ann")),
        (Subject("Group", "dev"), "blue", ("Group", "dev")),
        (Subject("ServiceAccount", "bot", "green"), "blue", ("User", "system:serviceaccount:green:bot")),
        (Subject("ServiceAccount", "bot"), "blue", ("User", "system:serviceaccount:blue:bot")),
        (Subject("ServiceAccount", "bot"), None, None),
        (Subject("user", "ann"), None, None),
        (Subject("Robot", "ann"), None, None),
    ],
)
def test_subject_key(subject: Subject, namespace: str | None, key: tuple[str, str] | None) -> None:
    assert subject_key(subject, namespace) == key


def test_a_user_is_asked_for_by_name_and_by_each_group_once() -> None:
    assert keys_of(User("ann", ("dev", "ops", "dev"))) == (("User", "ann"), ("Group", "dev"), ("Group", "ops"))


@pytest.mark.parametrize(
    ("user", "groups"),
    [
        (User("ann", ("dev",)), ("dev", "system:authenticated")),
        (User("ann", ("system:authenticated", "dev")), ("system:authenticated", "dev")),
        (User("ann", ("system:unauthenticated",)), ("system:unauthenticated",)),
        (User("system:anonymous", ()), ()),
    ],
)
def test_with_authenticated(user: User, groups: tuple[str, ...]) -> None:
    assert with_authenticated(user) == User(user.name, groups)
