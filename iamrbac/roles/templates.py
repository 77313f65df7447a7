"""Role templates on disk: a repository's own `templates/roles/*.yaml.j2`, then the ones that are shipped."""

from __future__ import annotations

import json
import re
from pathlib import Path

from iamrbac.compile.desired import RoleFault, RoleRequest
from iamrbac.model.hidden import hidden, named
from iamrbac.rbac.objects import Rule
from iamrbac.roles import faults, grammar
from iamrbac.roles.engine import Compiled
from iamrbac.roles.faults import TemplateError
from iamrbac.roles.rules import parse

FOLDER = Path("templates") / "roles"
SUFFIX = ".yaml.j2"
MOST_SOURCE = 64 * 1024
"""Bytes of a template file."""
_SHIPPED = Path(__file__).resolve().parent.parent
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


class TemplateRoles:
    """Renders role requests (port `Roles`). Files are read once; equal texts are parsed once and share their rules."""

    def __init__(self, root: Path | None) -> None:
        """Take the repository's root; None for the shipped templates alone. A folder that is not there is fine."""
        self._folders = [(_SHIPPED, " (shipped with iamrbac)")]
        if root is not None:
            self._folders.insert(0, (root, ""))
        self._compiled: dict[str, Compiled | RoleFault] = {}
        self._parsed: dict[str, tuple[Rule, ...] | TemplateError] = {}

    def names(self) -> tuple[str, ...]:
        """Return the names of all templates, sorted."""
        found = {
            path.name.removesuffix(SUFFIX) for root, _ in self._folders for path in (root / FOLDER).glob(f"*{SUFFIX}")
        }
        return tuple(sorted(name for name in found if _NAME.fullmatch(name)))

    def render(self, request: RoleRequest) -> tuple[Rule, ...] | RoleFault:
        """Return the rules of a request, or why there are none."""
        compiled = self._template(request.template)
        if isinstance(compiled, RoleFault):
            return compiled
        parameters = json.loads(request.parameters)
        try:
            _check_parameters(compiled.parameters, parameters)
            return self._rules(compiled.render(request.cluster, dict(request.labels), parameters))
        except TemplateError as error:
            return error.fault(compiled.shown)

    def _template(self, name: str) -> Compiled | RoleFault:
        if name not in self._compiled:
            self._compiled[name] = self._load(name)
        return self._compiled[name]

    def _load(self, name: str) -> Compiled | RoleFault:
        shown = (FOLDER / f"{name}{SUFFIX}").as_posix()
        for root, remark in self._folders:
            path = root / FOLDER / f"{name}{SUFFIX}"
            try:
                if _NAME.fullmatch(name) and (path.is_symlink() or path.exists()):
                    return Compiled(_read(path, root), shown + remark)
            except TemplateError as error:
                return error.fault(shown + remark)
        known = self.names()
        hint = grammar.guess(name, known) or f"use one of {', '.join(known)}, or write this file"
        return TemplateError(faults.MISSING, "there is no such role template", hint).fault(shown)

    def _rules(self, text: str) -> tuple[Rule, ...]:
        """Parse a text once. The rules of equal texts are the same object, so that compile and emit can share them."""
        if text not in self._parsed:
            try:
                self._parsed[text] = parse(text)
            except TemplateError as error:
                self._parsed[text] = error
        found = self._parsed[text]
        if isinstance(found, TemplateError):
            raise TemplateError(found.id, found.message, found.hint)
        return found


def _check_parameters(read: frozenset[str] | None, given: dict[str, object]) -> None:
    """A parameter that nothing reads is a mistake: a right that somebody meant to withhold would be given."""
    unread = sorted(given.keys() - read) if read is not None else []
    if unread and read is not None:
        known = f"it reads {', '.join(sorted(read))}" if read else "it reads none"
        hint = grammar.guess(unread[0], read) or "remove it, or correct its name"
        listed = ", ".join(map(repr, unread))
        raise TemplateError(faults.UNKNOWN_PARAMETER, f"the template has no parameter {listed}; {known}", hint)


def _read(path: Path, root: Path) -> str:
    """Return a template's source. Raises TemplateError unless it is a small text file inside `root`."""
    try:
        real = path.resolve(strict=True)
        # The shipped folder is itself a link in a source tree, so it is judged by where it leads.
        inside = (root / FOLDER).resolve() if root == _SHIPPED else root.resolve()
        if not real.is_relative_to(inside):
            raise TemplateError(
                faults.UNREADABLE, "it is a link that leads out of the repository", "copy the file here"
            )
        if ".git" in (part.lower() for part in real.relative_to(inside).parts):
            raise TemplateError(faults.UNREADABLE, "it is a link to a file of Git's own", "write the file here")
        if not real.is_file():
            raise TemplateError(faults.UNREADABLE, "it is not a file", "make it a text file")
        with real.open("rb") as file:
            content = file.read(MOST_SOURCE + 1)
        if len(content) > MOST_SOURCE:
            raise TemplateError(faults.TOO_LARGE, f"it is larger than {MOST_SOURCE} bytes", "a role is a few rules")
        text = content.decode("utf-8")
        _check_visible(text)
        return text
    except UnicodeDecodeError as error:
        raise TemplateError(faults.UNREADABLE, "it is not UTF-8 text", "save it as UTF-8") from error
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "it cannot be opened"
        raise TemplateError(
            faults.UNREADABLE, f"it cannot be read: {reason}", "check the file and its rights"
        ) from error


def _check_visible(text: str) -> None:
    """A template shows its reviewer all that it says. Raises TemplateError."""
    for offset, character in hidden(text):
        message = f"{named(character)} stands here: it hides or reorders what a reviewer sees"
        raise TemplateError(faults.FORBIDDEN, message, "remove it", text.count("\n", 0, offset) + 1)
