"""Credentials that need no library: keys in the environment, a static profile, or a session that is still cached.

botocore's chain is the reference (`botocore/credentials.py`: `create_credential_resolver`, `ProfileProviderBuilder`),
and each step here stands where it stands there. Whenever a step would answer and its answer is not at hand, or botocore
would stop with an error, this module has no answer, and botocore is asked.
"""

from __future__ import annotations

import os

from iamrbac.token import cache
from iamrbac.token.cache import Found
from iamrbac.token.errors import TokenError
from iamrbac.token.ini import Files, OddError, one_line
from iamrbac.token.lean import epoch
from iamrbac.token.sign import Credentials

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_KEY, _SECRET = "aws_access_key_id", "aws_secret_access_key"
_ROLE, _TOKEN_FILE = "role_arn", "web_identity_token_file"
_SSO = ("sso_role_name", "sso_account_id")
_SOURCES = ("Environment", "EcsContainer", "Ec2InstanceMetadata")
_CONTAINER = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI")
_BOTO_FILES = ("/etc/boto.cfg", "~/.boto")
_NUMBERS = ("metadata_service_timeout", "metadata_service_num_attempts")
_IMDS_MODE = "ec2_metadata_service_endpoint_mode"


def find(environ: Mapping[str, str], asked: str | None, now: float) -> Found | None:
    """Return what botocore would find, or None where only botocore can know, or say what is wrong.

    `asked` is the profile that was asked for by option: it beats keys in the environment, AWS_PROFILE does not.
    Raises TokenError for keys in the environment that are no good.
    """
    try:
        return _Chain(environ, asked, now).find()
    except OddError:
        return None


def profile_name(environ: Mapping[str, str]) -> str | None:
    """Return the profile that the environment asks for, in botocore's order."""
    return environ.get("AWS_DEFAULT_PROFILE", environ.get("AWS_PROFILE"))


class _Chain:
    """One search: what is asked for, and the files that were read."""

    def __init__(self, environ: Mapping[str, str], asked: str | None, now: float) -> None:
        self.environ, self.asked, self.now = environ, asked, now
        self.files = Files(environ)
        named = asked if asked is not None else profile_name(environ)
        if named is not None and named not in self.files.profiles:
            raise OddError
        self.name = named or "default"
        self.profile = self.files.profiles.get(self.name, {})
        self._settings()

    def find(self) -> Found | None:
        if self.asked is None and (found := _from_environment(self.environ, self.now)) is not None:
            return found
        if _assumes(self.profile):
            return cache.session(self._assumed_key(self.name, [self.name]), self.now, cache.WINDOW)
        by_profile = self._by_profile(self.name, {} if self.asked is not None else self.environ)
        if by_profile is not None:
            return self._answer(*by_profile)
        return self._elsewhere()

    def _settings(self) -> None:
        """Leave it to botocore to refuse a setting of the metadata service, which it reads before anything else."""
        for name in (*_NUMBERS, _IMDS_MODE):
            value = self.environ.get(f"AWS_{name.upper()}", one_line(self.profile, name))
            if value is not None and not (value.isdecimal() if name in _NUMBERS else value.lower() in {"ipv4", "ipv6"}):
                raise OddError

    def _assumed_key(self, name: str, visited: list[str]) -> str:
        """Return the cache's key of a profile's role. Raises OddError where botocore would not get to its cache."""
        profile = self.files.profiles[name]
        source, place = one_line(profile, "source_profile"), one_line(profile, "credential_source")
        if place is not None and source is None:
            self._check_place(place)
        elif source is not None and place is None:
            self._check_source(name, source, visited)
        else:
            raise OddError
        arguments: dict[str, str | int] = {}
        for setting, argument in (
            ("role_arn", "RoleArn"),
            ("role_session_name", "RoleSessionName"),
            ("external_id", "ExternalId"),
            ("mfa_serial", "SerialNumber"),
        ):
            value = one_line(profile, setting)
            if value == "":
                raise OddError
            if value is not None:
                arguments[argument] = value
        duration = one_line(profile, "duration_seconds")
        if duration is not None:
            if not duration.isdecimal():
                raise OddError
            arguments["DurationSeconds"] = int(duration)
        return cache.role_key(arguments)

    def _check_place(self, place: str) -> None:
        environment = place == "Environment" and _from_environment(self.environ, self.now) is None
        container = place == "EcsContainer" and not any(name in self.environ for name in _CONTAINER)
        instance = place == "Ec2InstanceMetadata" and self._no_instance()
        if place not in _SOURCES or environment or container or instance:
            raise OddError

    def _check_source(self, name: str, source: str, visited: list[str]) -> None:
        profile = self.files.profiles.get(source)
        if profile is None:
            raise OddError
        static = _KEY in profile or _SECRET in profile
        if source in visited and (source != name or not static):
            raise OddError
        if static or not _assumes(profile):
            found = self._by_profile(source, {})
            # botocore opens a login session at once, whether its credentials are needed or not.
            if found is None or found[0] == "login":
                raise OddError
        else:
            self._assumed_key(source, [*visited, source])

    def _by_profile(self, name: str, environ: Mapping[str, str]) -> tuple[str, object] | None:
        """Return the first of the providers that read a profile which would answer, and what it would use."""
        profile = self.files.profiles.get(name, {})
        web = self._web_identity(profile, environ)
        if web is not None:
            return "cached", web
        if any(setting in profile for setting in _SSO):
            return "cached", self._sso(profile)
        static = _static(self.files.shared.get(name, {}))
        if static is not None:
            return "static", static
        login = one_line(profile, "login_session")
        if login is not None:
            return "login", login
        process = one_line(profile, "credential_process")
        if process is not None:
            return "process", process
        static = _static(self.files.config.get(name, {}))
        return None if static is None else ("static", static)

    def _web_identity(self, profile: Mapping[str, str], environ: Mapping[str, str]) -> str | None:
        def setting(variable: str, name: str) -> str | None:
            return environ[variable] if variable in environ else one_line(profile, name)

        if not setting("AWS_WEB_IDENTITY_TOKEN_FILE", _TOKEN_FILE):
            return None
        role, session = setting("AWS_ROLE_ARN", _ROLE), setting("AWS_ROLE_SESSION_NAME", "role_session_name")
        if not role or session == "":
            raise OddError
        return cache.role_key({"RoleArn": role} if session is None else {"RoleArn": role, "RoleSessionName": session})

    def _sso(self, profile: Mapping[str, str]) -> str:
        session = one_line(profile, "sso_session")
        settings = dict(profile)
        if session is not None:
            if not session or session not in self.files.sso_sessions:
                raise OddError
            for name, value in self.files.sso_sessions[session].items():
                if settings.setdefault(name, value) != value:
                    raise OddError
        role, account, url, region = (one_line(settings, name) for name in (*_SSO, "sso_start_url", "sso_region"))
        if role is None or account is None or url is None or region is None:
            raise OddError
        where = {"startUrl": url} if session is None else {"sessionName": session}
        return cache.sso_key({"roleName": role, "accountId": account, **where})

    def _answer(self, way: str, what: object) -> Found | None:
        if isinstance(what, Credentials):
            return Found(what)
        if way == "login":
            return cache.login_session(str(what), self.environ, self.now)
        if way == "process":
            return self._own("process")
        return cache.session(str(what), self.now, cache.WINDOW)

    def _elsewhere(self) -> Found | None:
        """Return what comes after the profile: old files (botocore's affair), a container, the instance."""
        if "AWS_CREDENTIAL_FILE" in self.environ or "BOTO_CONFIG" in self.environ:
            return None
        if any(os.path.exists(os.path.expanduser(name)) for name in _BOTO_FILES):
            return None
        if any(name in self.environ for name in _CONTAINER):
            return self._own("container")
        return None if self._no_instance() else self._own("instance")

    def _no_instance(self) -> bool:
        return self.environ.get("AWS_EC2_METADATA_DISABLED", "false").lower() == "true"

    def _own(self, kind: str) -> Found | None:
        key = cache.own_key(kind, self.environ, self.name, self.files)
        return cache.session(key, self.now, cache.OWN_WINDOW)


def _from_environment(environ: Mapping[str, str], now: float) -> Found | None:
    """Return the environment's credentials, None without them or with an end that only botocore can read."""
    key = environ.get("AWS_ACCESS_KEY_ID")
    if not key:
        return None
    secret = environ.get("AWS_SECRET_ACCESS_KEY")
    if not secret:
        raise TokenError("AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY", "set both, or neither")
    found = Found(
        Credentials(key, secret, environ.get("AWS_SECURITY_TOKEN") or environ.get("AWS_SESSION_TOKEN") or None)
    )
    text = environ.get("AWS_CREDENTIAL_EXPIRATION")
    if text:
        found.ends = epoch(text)
        if found.ends is None:
            raise OddError
        if found.ends <= now:
            raise TokenError("the AWS credentials in the environment have expired", "get new ones and try again")
    return found


def _assumes(profile: Mapping[str, str]) -> bool:
    return _ROLE in profile and _TOKEN_FILE not in profile


def _static(section: Mapping[str, str]) -> Credentials | None:
    """Return a section's keys, None without. Raises OddError where they are not whole."""
    if _KEY not in section:
        return None
    key, secret = one_line(section, _KEY), one_line(section, _SECRET)
    name = "aws_security_token" if "aws_security_token" in section else "aws_session_token"
    if not key or not secret:
        raise OddError
    return Credentials(key, secret, one_line(section, name) or None)
