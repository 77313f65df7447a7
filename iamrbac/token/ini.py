"""The AWS configuration files as botocore reads them, in a tenth of the time, or not at all.

The rules are configparser's, in the order of its `_read` (RawConfigParser as `botocore.configloader` uses it). What it
refuses, and what is so rare that it is not worth having here, raises OddError: then botocore reads the files itself,
and says what is wrong with them.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

Sections = dict[str, dict[str, str]]
_DELIMITERS = ("=", ":")


class OddError(Exception):
    """Only botocore can answer."""


class Files:
    """The two shared files: `shared` is the credentials file, `config` the config file's profiles, and `profiles` both.

    `text` is all that was read: what decides the answer of anything that is cached by us.
    """

    __slots__ = ("config", "profiles", "shared", "sso_sessions", "text")

    def __init__(self, environ: Mapping[str, str]) -> None:
        config = _read(environ.get("AWS_CONFIG_FILE", "~/.aws/config"))
        shared = _read(environ.get("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"))
        self.text = (config, shared)
        self.shared = parse(shared)
        self.config: Sections = {}
        self.sso_sessions: Sections = {}
        for header, values in parse(config).items():
            if header.startswith("profile"):
                _named(header, values, self.config)
            elif header.startswith("sso-session"):
                _named(header, values, self.sso_sessions)
            elif header == "default":
                self.config[header] = values
        # As `Session.full_config` merges them: the credentials file wins.
        self.profiles: Sections = {name: dict(values) for name, values in self.config.items()}
        for name, values in self.shared.items():
            self.profiles.setdefault(name, {}).update(values)


def one_line(section: Mapping[str, str], name: str) -> str | None:
    """Return a setting, or None. Raises OddError for one of several lines (botocore makes a dict of it)."""
    value = section.get(name)
    if value is not None and "\n" in value:
        raise OddError
    return value


def parse(text: str) -> Sections:
    """Return the settings by section and lower-case name. Raises OddError."""
    sections: dict[str, dict[str, list[str]]] = {}
    section: dict[str, list[str]] | None = None
    option: list[str] | None = None
    indent = 0
    for line in text.split("\n"):
        value = line.strip()
        if not value or value[0] in "#;":
            # An empty line belongs to the value before it, if more lines of that follow; a comment does not.
            if not value and option is not None:
                option.append("")
            continue
        margin = len(line) - len(line.lstrip())
        if option is not None and margin > indent:
            option.append(value)
            continue
        indent = margin
        header = _header(value)
        if header is not None:
            if header in sections or header == "DEFAULT":
                raise OddError
            section = sections[header] = {}
            option = None
            continue
        name, first = _setting(value)
        if section is None or name in section:
            raise OddError
        option = section[name] = [first]
    return {header: {name: _joined(lines) for name, lines in values.items()} for header, values in sections.items()}


def _read(name: str) -> str:
    path = os.path.expanduser(os.path.expandvars(name))
    if not os.path.isfile(path):
        return ""
    try:
        with open(path) as file:
            return file.read()
    except (OSError, ValueError) as error:
        raise OddError from error


def _header(value: str) -> str | None:
    """Return the name between the brackets: `\\[(.+)\\]`, whatever follows the last bracket."""
    if value[0] != "[":
        return None
    name = value[1:].rpartition("]")[0]
    return name or None


def _setting(value: str) -> tuple[str, str]:
    ends = [at for at in map(value.find, _DELIMITERS) if at >= 0]
    if not ends or min(ends) == 0:
        raise OddError
    at = min(ends)
    return value[:at].rstrip().lower(), value[at + 1 :].strip()


def _joined(lines: list[str]) -> str:
    value = "\n".join(lines).rstrip()
    if value.startswith("\n") and any("=" not in line for line in value.splitlines() if line.strip()):
        raise OddError
    return value


def _named(header: str, values: dict[str, str], into: Sections) -> None:
    """Put the section of a header with two words, split as a shell would, under its second word."""
    words = _words(header)
    if len(words) == 2:
        into[words[1]] = values


def _words(header: str) -> list[str]:
    if not header.isascii() or not header.isprintable():
        raise OddError
    kind, _, rest = header.partition(" ")
    name = rest.strip()
    if len(name) > 1 and name[0] == name[-1] == '"':
        name, quoted = name[1:-1], True
    else:
        quoted = False
    if not any(one in header.replace('"', "", 2) if quoted else one in header for one in "\"'\\"):
        return [kind, name] if quoted else header.split()
    import shlex

    try:
        return shlex.split(header)
    except ValueError:
        return []
