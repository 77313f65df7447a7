"""Known ways out of Jinja2's sandbox, and ways to keep the process busy: each is a fault, quickly."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from iamrbac.roles.templates import TemplateRoles
from tests.roles.test_templates import fault, render, request, write

ESCAPES = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ ''['__class__'] }}",
    "{{ parameters.__class__ }}",
    "{{ cluster['__class__'] }}",
    "{{ cluster.__init__.__globals__ }}",
    "{{ cluster | attr('__class__') }}",
    "{{ ['__class__'] | map('upper') }}",
    "{{ self }}",
    "{{ self.__init__.__globals__.__builtins__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ lipsum.__globals__['os'].popen('id').read() }}",
    "{{ cycler.__init__.__globals__.os }}",
    "{{ joiner.__init__.__globals__.os }}",
    "{{ namespace.__init__.__globals__.os }}",
    "{{ dict.__base__.__subclasses__() }}",
    "{{ range.__class__.mro() }}",
    "{{ config }}",
    "{{ request.application }}",
    "{{ get_flashed_messages.__globals__ }}",
    "{{ '{0.__class__.__init__.__globals__}'.format(cluster) }}",
    "{{ '%s' % cluster }}",
    "{{ '{0.__class__}' | format(cluster) }}",
    "{{ cluster.labels.update({'env': 'x'}) }}",
    "{{ parameters.items() }}",
    "{{ parameters.pop('x') }}",
    "{{ cluster.name.upper() }}",
    "{{ cluster.name.join }}",
    "{{ loop }}",
    "{% for x in [1] %}{{ loop.__init__ }}{{ loop.cycle('a') }}{% endfor %}",
    "{% for x in [1] %}{{ loop.cycle }}{% endfor %}",
    "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    "{% macro m() %}{{ caller.__globals__ }}{% endmacro %}{{ m() }}",
    "{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}",
    "{% call range(1) %}{% endcall %}",
    "{% include 'viewer.yaml.j2' %}",
    "{% include '/etc/passwd' %}",
    "{% import 'viewer.yaml.j2' as v %}",
    "{% from 'viewer.yaml.j2' import x %}",
    "{% extends 'viewer.yaml.j2' %}",
    "{% block x %}{{ self.x() }}{% endblock %}",
    "{% filter upper %}x{% endfilter %}",
    "{% with a = 1 %}{% endwith %}",
    "{% set x %}block{% endset %}",
    "{% set ns.x = 1 %}",
    "{% set cluster = {} %}",
    "{% for parameters in [1] %}{% endfor %}",
    "{% set range = 1 %}",
    "{% set a, parameters = [1, 2] %}",
    "{{ range }}",
    "{{ range.start }}",
    "{{ environment }}",
    "{{ context }}",
    "{{ _counted }}",
    "{{ [1] | _counted }}",
    "{{ [cluster] }}",
    "{{ {'a': cluster} }}",
    "{{ cluster | pprint }}",
    "{{ 1 | string | safe }}",
    "{{ cluster is callable }}",
    "{% autoescape true %}{% endautoescape %}",
    "{% do 1 %}",
    "{% debug %}",
    "{{ (1).__class__ }}",
    "{{ 1 .real }}",
    "{{ none.__class__ }}",
    "{{ parameters | tojson(indent=1) | attr('x') }}",
]
BUSY = [
    "{{ 'a' * 1000000000 }}",
    "{{ 10 ** 10 ** 10 }}",
    "{{ 'a' ~ 'b' }}",
    "{{ 'a' + 'b' }}",
    "{{ '%0999999999d' % 1 }}",
    "{{ '{:>999999999}'.format(1) }}",
    "{{ 'a' | center(999999999) }}",
    "{{ 'a' | indent(999999999) }}",
    "{{ 'a' | replace('a', 'aa') }}",
    "{{ 'a' | format(1) }}",
    "{{ 'abc' | join('abc') }}",
    "{{ range(999999999) | list | length }}",
    "{{ range(99999) | list | tojson }}",
    "{% for a in range(99999) %}x{% endfor %}",
    "{% for a in range(100) %}{% for b in range(100) %}{% endfor %}{% endfor %}",
    "{% for a in range(900) %}" + "x" * 200 + "{% endfor %}",
    "{% set x = [1] %}" + "{% set x = [x, x] %}" * 60 + "{{ x }}",
    "{% set x = '\"' %}" + "{% set x = x | tojson %}" * 60 + "{{ x | length }}",
    "{% set x = '\"' %}" + "{% set x = x | tojson | string %}" * 60 + "{{ x | length }}",
    "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "{{ " + "not " * 5000 + "1 }}",
    "{{ " + "-" * 5000 + "1 }}",
    "{{ 1" + " if 1 else 1" * 2000 + " }}",
    "{{ cluster" + ".a" * 5000 + " }}",
    "{{ 1" + " | string" * 5000 + " }}",
    "{{ " + "[" * 5000 + "]" * 5000 + " }}",
    "{% if 1 %}" * 3000 + "{% endif %}" * 3000,
    "{% for x in [1] %}" * 30 + "{% endfor %}" * 30,
    "rules: &a [*a]",
    "a: &a [x,x]\nb: &b [*a,*a]\nrules: [*b,*b]",
    "rules: [" + "{verbs: [get]}," * 4000 + "]",
]


@pytest.mark.parametrize("source", ESCAPES)
def test_no_way_out_of_the_sandbox(tmp_path: Path, source: str) -> None:
    found = fault(tmp_path, f"rules: []\n# {source}")
    assert found.id in {"TPL003", "TPL004", "TPL006", "TPL011"}, found
    assert "object at 0x" not in found.message


@pytest.mark.parametrize("source", BUSY, ids=[f"{number}" for number in range(len(BUSY))])
def test_no_way_to_keep_the_process_busy(tmp_path: Path, source: str) -> None:
    begun = time.process_time()
    fault(tmp_path, source)
    # What is not bounded takes hours, or the memory; what is takes a tenth of a second, on a busy machine more.
    assert time.process_time() - begun < 30


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("{% for a in range(1001) %}{% endfor %}", "its loops run more than 1000 times"),
        ("{% for a in range(40) %}{% for b in range(40) %}{% endfor %}{% endfor %}", "more than 1000 times"),
        ("{% for a in range(600) %}{% endfor %}{% for a in range(600) %}{% endfor %}", "more than 1000 times"),
        ("{% for a in range(900) %}" + "x" * 200 + "{% endfor %}", "more than 65536 characters"),
        ("{{ range(1001) | list | length }}", "a list is longer than 1000"),
        ("{% set x = '\"' %}" + "{% set x = x | tojson %}" * 60, "a value is longer than 65536 characters"),
    ],
)
def test_every_limit_says_what_it_is(tmp_path: Path, source: str, says: str) -> None:
    found = fault(tmp_path, f"rules: []\n# {source}")
    assert (found.id, says in found.message) == ("TPL007", True), found
    within = source.replace("1001", "1000").replace("900", "9").replace("600", "60").replace("40", "4")
    if within != source:
        assert render(tmp_path, f"rules: []\n# {within}") == ()


def test_the_loops_of_one_rendering_do_not_count_for_the_next(tmp_path: Path) -> None:
    write(tmp_path, "rules: []\n# {% for a in range(900) %}{% endfor %}")
    roles = TemplateRoles(tmp_path)
    assert [roles.render(request("own", env=name)) for name in "abc"] == [(), (), ()]


def test_what_a_template_legally_does_is_not_in_the_way(tmp_path: Path) -> None:
    source = """
    {%- set names = ["a", "b"] %}
    {%- for name in names if name != "b" %}{% if loop.first and not loop.last or loop.index == 1 %}
    rules: [{apiGroups: [""], resources: [{{ name | upper | lower }}], verbs: {{ ("get", "list") | list | tojson }}}]
    {%- endif %}{% endfor %}
    # {{ range(3) | list | length }} {{ cluster.name if cluster.name is string else -1 }} {{ names[0] }} {{ names[-1] }}
    """
    found = render(tmp_path, source)
    assert isinstance(found, tuple)
    assert found[0].resources == ("a",)
