"""`python -m tests.bench.thin_aws SECONDS`: EKS, IAM and STS as a large company has them, each answer late by SECONDS.

In the shape of the protocols and nothing more: moto would be what is measured. The port is printed; it ends with stdin.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from urllib.parse import parse_qs, unquote

import trustme

from iamrbac.compile.names import entry_tags

ACCOUNT, REGION = "111122223333", "eu-west-1"
INSTANCE = "bench"
GROUPS, USERS = 100, 50
CLUSTERS, TEAMS = 20, 20
"""Each cluster has the people of 20 teams: 1,000 entries."""
PAGE = 100
POLICIES = 33
_CREATED = 1_764_000_000
_ROOT = f"arn:aws:iam::{ACCOUNT}:"


def teams(cluster: int) -> list[int]:
    """The teams on a cluster."""
    return [(cluster * GROUPS // CLUSTERS + index) % GROUPS for index in range(TEAMS)]


def user(team: int, number: int) -> str:
    """A user's ARN."""
    return f"{_ROOT}user/u-{team:03}-{number:02}"


class Aws:
    """What AWS has."""

    def __init__(self) -> None:
        ca = trustme.CA().cert_pem.bytes()
        self._ca = base64.b64encode(ca).decode()
        self._tags = dict(entry_tags(INSTANCE))

    def eks(self, path: str, query: dict[str, list[str]]) -> object:
        """Answer a GET, or None for what is not there."""
        match [unquote(part) for part in path.strip("/").split("/")]:
            case ["access-policies"]:
                arns = [f"arn:aws:eks::aws:cluster-access-policy/Policy{number}" for number in range(POLICIES)]
                return {"accessPolicies": [{"name": arn.rpartition("/")[2], "arn": arn} for arn in arns]}
            case ["clusters", name]:
                return {"cluster": self._cluster(name)}
            case ["clusters", name, "access-entries"]:
                return self._page(name, query)
            case ["clusters", name, "access-entries", principal]:
                return {"accessEntry": self._entry(name, principal)}
            case _:
                return None

    def iam(self, form: dict[str, list[str]]) -> str:
        """Answer an action; "" for what nobody may ask."""
        match form["Action"][0]:
            case "GetCallerIdentity":
                return f"<Arn>{_ROOT}user/admin</Arn><UserId>AIDAADMIN</UserId><Account>{ACCOUNT}</Account>"
            case "GetGroup":
                group = form["GroupName"][0]
                members = "".join(self._member(user(int(group[-3:]), number)) for number in range(USERS))
                return f"<Group>{_named('Group', f'{_ROOT}group/{group}')}</Group><Users>{members}</Users>" + _WHOLE
            case "ListRoles":
                return f"<Roles/>{_WHOLE}"
            case "GetUser":
                return f"<User>{_named('User', _ROOT + 'user/' + form['UserName'][0])}</User>"
            case "ListGroups":
                return f"<Groups/>{_WHOLE}"
            case _:
                return ""

    def _cluster(self, name: str) -> object:
        arn = f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/{name}"
        about = {"endpoint": "https://127.0.0.1:1", "certificateAuthority": {"data": self._ca}}
        return {"name": name, "arn": arn, "status": "ACTIVE", "accessConfig": {"authenticationMode": "API"}} | about

    def _page(self, name: str, query: dict[str, list[str]]) -> object:
        if "associatedPolicyArn" in query:
            return {"accessEntries": []}
        found = [user(team, number) for team in teams(int(name[-2:])) for number in range(USERS)]
        begin = int(query.get("nextToken", ["0"])[0])
        page: dict[str, object] = {"accessEntries": found[begin : begin + PAGE]}
        return page | ({"nextToken": str(begin + PAGE)} if begin + PAGE < len(found) else {})

    def _entry(self, cluster: str, principal: str) -> object:
        group = f"iamrbac:{INSTANCE}:team-{principal[-6:-3]}:all"
        names = {"clusterName": cluster, "principalArn": principal, "username": principal, "type": "STANDARD"}
        own = f"arn:aws:eks:{REGION}:{ACCOUNT}:access-entry/{cluster}/{principal[-8:]}"
        times = {"createdAt": _CREATED, "modifiedAt": _CREATED}
        return {**names, **times, "kubernetesGroups": [group], "accessEntryArn": own, "tags": self._tags}

    def _member(self, arn: str) -> str:
        return f"<member>{_named('User', arn)}</member>"


_WHOLE = "<IsTruncated>false</IsTruncated>"


def _named(kind: str, arn: str) -> str:
    name = arn.rpartition("/")[2]
    date = "<CreateDate>2024-01-01T00:00:00Z</CreateDate>"
    return f"<Path>/</Path><{kind}Name>{name}</{kind}Name><{kind}Id>AID{name.upper()}</{kind}Id><Arn>{arn}</Arn>{date}"


async def _serve(aws: Aws, late: float) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                line, *fields = head.decode("latin-1").split("\r\n")
                headers = dict(field.lower().split(": ", 1) for field in fields if field)
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                await asyncio.sleep(late)
                writer.write(_answer(aws, line.split(" ")[1], body.decode()))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()


def _answer(aws: Aws, target: str, body: str) -> bytes:
    path, _, query = target.partition("?")
    if body.startswith("Action="):
        form = parse_qs(body)
        action, said = form["Action"][0], aws.iam(form)
        text = f"<{action}Response><{action}Result>{said}</{action}Result></{action}Response>"
        if not said:
            text = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"
        return reply(200 if said else 403, text)
    value = aws.eks(path, parse_qs(query))
    return reply(404 if value is None else 200, json.dumps(value or {"message": "no such thing"}))


def reply(status: int, text: str) -> bytes:
    """Return an HTTP answer."""
    data = text.encode()
    return f"HTTP/1.1 {status} So\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data


if __name__ == "__main__":
    asyncio.run(_serve(Aws(), float(sys.argv[1])))
