"""The report as one self-contained page: nothing is fetched, nothing of the user's secrets is in it.

The page has everything twice. As plain HTML for where scripts do not run (a viewer of attachments, a text
browser): the verdict, and the exchanges that matter. And as JSON in an element that is not executed, for the
page's program (``web/``), which puts pictures, the whole table and details in its place. That element comes
last: of very many exchanges a few stand ahead of the program, which are seen while the others are read. Only
that program may run, and only that style hold, by their hashes. Jinja2 escapes whatever is put in; what comes
from the wire is made printable as well.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import jinja2
import orjson
from markupsafe import Markup

from plainwire.report import program_account, redact, servers, table, terminal
from plainwire.report.coverage import remarks, shortfalls
from plainwire.report.escape import printable, printable_json
from plainwire.report.headline import headline
from plainwire.report.page import bundle
from plainwire.report.page.about import About
from plainwire.report.page.facts import beginning, choose, facts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from plainwire.model import Exchange, Finding, Report

ROWS = 200
"""Rows of the plain table of exchanges: the failing ones and their neighbours first."""

_LISTED = 50

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="{{ policy }}">
<title>{{ title }}</title>
<style>{{ style }}</style>
</head>
<body>
<div id="app">
{{ plain }}
</div>
{% if first %}
<script type="application/json" id="first">{{ first }}</script>
{% endif %}
<script>{{ script }}</script>
<script type="application/json" id="facts">{{ facts }}</script>
</body>
</html>
"""

_PLAIN = """\
<main class="plain">
<h1>{{ headline }}</h1>
{% if missing %}
<h2>Not seen</h2>
<ul>{% for line in missing %}<li>{{ line }}</li>{% endfor %}</ul>
{% endif %}
{% for finding in findings %}
<h2 id="finding-{{ loop.index }}">{{ loop.index }}. {{ finding.code }}</h2>
<p>{{ finding.claim }}</p>
<dl>
<dt>Who</dt><dd>{{ who[finding.fault] }}</dd>
<dt>How sure</dt><dd>{{ sure[finding.certainty] }}</dd>
{% if finding.advice_client %}
<dt>What the client's side can do</dt><dd>{{ finding.advice_client }}</dd>
{% for setting in finding.settings if setting.side == "client" %}
<dd>{{ setting.says }} <small>{{ setting.source }}</small></dd>
{% endfor %}
{% endif %}
{% if finding.advice_server %}
<dt>What the server's side can do</dt><dd>{{ finding.advice_server }}</dd>
{% for setting in finding.settings if setting.side == "server" %}
<dd>{{ setting.says }} <small>{{ setting.source }}</small></dd>
{% endfor %}
{% endif %}
{% if finding.retry %}<dt>Retry</dt><dd>{{ finding.retry }}</dd>{% endif %}
{% for quoted in finding.quotes %}<dt>Quoted from packet {{ quoted.packet }}</dt>
<dd>{{ quoted.what }}: <q>{{ quoted.text }}</q></dd>{% endfor %}
{% if finding.tests %}<dt>In the test</dt><dd>{{ finding.tests }}</dd>{% endif %}
{% if finding.program_says %}<dt>What the program said</dt><dd>{{ finding.program_says }}</dd>{% endif %}
{% if finding.runner_up %}<dt>The next best explanation</dt><dd>{{ finding.runner_up }}</dd>{% endif %}
<dt>What would refute this</dt><dd>{{ finding.refuted_by }}</dd>
<dt>Exchanges</dt><dd>{{ listed(finding.exchanges) }}</dd>
{% if finding.references %}<dt>References</dt><dd>{{ finding.references | join(", ") }}</dd>{% endif %}
</dl>
<table>
<tr><th>packet</th><th>what it shows</th></tr>
{% for evidence in finding.evidence %}
<tr><td class="n">{{ evidence.packet }}</td><td>{{ evidence.says }}</td></tr>
{% endfor %}
</table>
{% endfor %}
{% if common %}
<h2>What the failures have in common</h2>
<ul>{% for line in common %}<li>{{ line }}</li>{% endfor %}</ul>
{% endif %}
{% if program %}
<h2>The program's side</h2>
<ul>{% for line in program %}<li>{{ line }}</li>{% endfor %}</ul>
{% endif %}
{% for server in servers %}
<h2>The server {{ server.address }}</h2>
<ul>{% for line in server.lines %}<li>{{ line }}</li>{% endfor %}</ul>
{% endfor %}
<h2>Exchanges</h2>
{% if omitted %}
<p>{{ rows | length }} of {{ rows | length + omitted }} exchanges: those that findings are about, their
neighbours, and the first of the others. <code>plainwire show</code> lists all.</p>{% endif %}
<table>
<tr>{% for heading in headings %}<th>{{ heading }}</th>{% endfor %}</tr>
{% for row in rows %}
<tr{% if row.failed %} class="failed"{% endif %}>
{% for cell in row.cells %}<td>{{ cell }}</td>{% endfor %}
</tr>
{% endfor %}
</table>
{% if details %}
<h2>Messages of the exchanges that findings are about</h2>
{% for item in details %}
<h3>Exchange {{ item.id }}</h3>
{% for message in item.messages %}
<p><code>{{ message.line }}</code></p>
<table>
{% for name, value in message.headers %}<tr><td>{{ name }}</td><td>{{ value }}</td></tr>{% endfor %}
</table>
{% endfor %}
{% endfor %}
{% endif %}
{% if remarks %}
<h2>Also</h2>
<ul>{% for line in remarks %}<li>{{ line }}</li>{% endfor %}</ul>
{% endif %}
<p>Packet numbers are those that Wireshark shows for the capture. {{ coverage.packets }} packets,
{{ coverage.connections }} connections, {{ coverage.decrypted }} decrypted.</p>
</main>
"""


_UNSAFE = re.compile(rb"[<>&]")
"""What could end the element that holds the JSON, or begin a comment in it: in JSON only inside of texts."""


def render(report: Report, about: About | None = None, *, bodies: bool = False) -> str:
    """Return the page; ``bodies``: with those that were kept, the secrets in them hidden."""
    whole = facts(report, about or About(), bodies=bodies)
    first = beginning(whole, report)
    return page(
        plain_part(report),
        facts=embedded(whole),
        first="" if first is None else embedded(first),
        title=headline(report, shortfalls(report)),
        policy=bundle.policy(),
    )


def page(plain: str, *, facts: str, title: str, policy: str, first: str = "") -> str:
    """Return a page around its plain part; ``facts`` and ``first`` are JSON as ``embedded`` makes it."""
    return (
        _environment()
        .from_string(_PAGE)
        .render(
            plain=Markup(plain),  # noqa: S704 - made by ``plain_part``, which escapes
            facts=Markup(facts),  # noqa: S704 - holds no markup
            first=Markup(first),  # noqa: S704 - likewise
            title=title,
            policy=policy,
            style=Markup(bundle.style()),  # noqa: S704 - our own
            script=Markup(bundle.script()),  # noqa: S704 - our own
        )
    )


def embedded(value: object) -> str:
    """Return JSON that can stand in an element of a page."""
    text = printable_json(orjson.dumps(value))
    return _UNSAFE.sub(lambda match: b"\\u%04x" % match[0][0], text).decode()


def _environment() -> jinja2.Environment:
    return jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)


def plain_part(report: Report) -> str:
    """Return what is read where scripts do not run."""
    missing = shortfalls(report)
    chosen = choose(report, ROWS)
    concerned = {number for finding in report.findings for number in finding.exchanges}
    return (
        _environment()
        .from_string(_PLAIN)
        .render(
            headline=headline(report, missing),
            missing=missing,
            remarks=remarks(report),
            findings=[_printable(finding) for finding in report.findings],
            who=terminal.WHO,
            sure=terminal.SURE,
            listed=_listed,
            common=[printable(redact.line(c.claim)) for c in report.comparison]
            + [printable(line) for line in report.undecided],
            program=list(program_account.lines(report)),
            servers=[
                {"address": str(facts.address), "lines": list(servers.sentences(facts))}
                for facts in servers.concerned(report)
            ],
            headings=table.HEADINGS,
            rows=_rows(report, chosen),
            omitted=len(report.exchanges) - len(chosen),
            details=[_details(e) for e in chosen if e.id in concerned][:_LISTED],
            coverage=report.coverage,
        )
    )


def _rows(report: Report, chosen: Iterable[Exchange]) -> list[dict[str, object]]:
    codes = table.codes(report.findings)
    return [{"cells": table.row(exchange, codes), "failed": exchange.id in codes} for exchange in chosen]


def _printable(finding: Finding) -> dict[str, object]:
    return {
        "code": finding.code,
        "claim": printable(finding.claim),
        "fault": finding.fault,
        "certainty": finding.certainty,
        "advice_client": printable(finding.advice_client),
        "advice_server": printable(finding.advice_server),
        "settings": [
            {"side": s.side, "says": printable(s.says), "source": s.source} for s in finding.settings
        ],
        "retry": terminal.retry(finding) if finding.retry_safe is not None else "",
        "runner_up": printable(finding.runner_up),
        "program_says": printable(finding.program_says),
        "tests": program_account.named_tests(finding.tests),
        "refuted_by": printable(finding.refuted_by),
        "exchanges": finding.exchanges,
        "quotes": [
            {"packet": q.packet, "what": q.what, "text": redact.quote(q.text)} for q in finding.quotes
        ],
        "references": finding.references,
        "evidence": [{"packet": e.packet, "says": printable(e.says)} for e in finding.evidence],
    }


def _details(exchange: Exchange) -> dict[str, object]:
    messages = []
    if exchange.request is not None:
        request = exchange.request
        line = f"{request.method} {redact.target(request.target)} {request.version}"
        messages.append({"line": printable(line), "headers": _headers(request.headers)})
    if exchange.response is not None:
        response = exchange.response
        line = f"{response.version} {response.status} {redact.line(response.reason)}"
        messages.append({"line": printable(line), "headers": _headers(response.headers)})
    return {"id": exchange.id, "messages": messages}


def _headers(fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(printable(name), printable(value)) for name, value in redact.headers(fields)]


def _listed(numbers: list[int]) -> str:
    shown = ", ".join(map(str, numbers[:_LISTED]))
    return shown if len(numbers) <= _LISTED else f"{shown} and {len(numbers) - _LISTED} more"
