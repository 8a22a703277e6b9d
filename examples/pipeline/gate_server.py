#!/usr/bin/env python3
"""The release gate as a web service, for Argo Rollouts' web provider and Flagger's webhooks.

    gate_server.py --listen 0.0.0.0:8080 --gate SPEC --metric SPEC [--metric SPEC ...]
                   (--file FILE | --prometheus URL --query PROMQL [--window 1800] [--step 15])

Each request judges afresh what there is by then: the evidence is the input, nothing is kept here.

    GET  /verdict                     200 and the JSON object of `tocsin gate --format json`
    POST /flagger/rollout             200 unless the gate fails: then 412, a failed check
    POST /flagger/confirm-promotion   200 once it passes, 403 until then: Flagger waits
    GET  /healthz                     200

`?since=SECONDS` (or `since` in a webhook's metadata) says when the rollout began.  What cannot be
judged is no verdict: 503 with {"outcome": "error"}; what was asked wrongly is 400.  Specs that are wrong
end the server at once, with 64.
"""

import argparse
import http.server
import json
import math
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

ANSWER_MAX = 1 << 28
BODY_MAX = 1 << 20
NO_DATA = 3             # what `tocsin gate` says of nothing


class Unjudged(Exception):
    """There is no verdict; the text says why."""


class Misasked(Exception):
    """The request is none of ours; the text says why."""


def measured(settings, since):
    """What both arms measured, as bytes tocsin reads."""
    if settings.file:
        try:
            with open(settings.file, "rb") as file:
                return file.read()
        except OSError as error:
            raise Unjudged(str(error)) from error
    now = time.time()
    query = urllib.parse.urlencode({"query": settings.query, "step": settings.step, "end": "%.3f" % now,
                                    "start": "%.3f" % (since or now - settings.window)})
    try:
        with urllib.request.urlopen("%s/api/v1/query_range?%s" % (settings.prometheus.rstrip("/"), query),
                                    timeout=settings.timeout) as answer:
            return answer.read(ANSWER_MAX)
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise Unjudged("Prometheus: %s" % error) from error


def run_gate(settings, data):
    command = [settings.tocsin, "gate", "--format", "json", "--gate", settings.gate]
    for metric in settings.metric:
        command += ["--metric", metric]
    if len(settings.metric) == 1:
        command.append("--any-name")
    return subprocess.run(command + ["-"], input=data, capture_output=True, timeout=settings.timeout,
                          check=False)


def judge(settings, since=None):
    data = measured(settings, since)
    try:
        done = run_gate(settings, data)
        verdict = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError) as error:
        raise Unjudged(str(error)) from error
    except ValueError as error:
        raise Unjudged(done.stderr.decode(errors="replace").strip()) from error
    return verdict


class Handler(http.server.BaseHTTPRequestHandler):
    settings = None

    def reply(self, code, value):
        body = json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, code, sentence):
        self.reply(code, {"outcome": "error", "sentence": sentence})

    def judged(self, values, code_of):
        try:
            verdict = judge(self.settings, self.since(values))
        except Misasked as error:
            self.refuse(400, str(error))
        except Unjudged as error:
            self.refuse(503, str(error))
        else:
            self.reply(code_of(verdict["outcome"]), verdict)

    def since(self, values):
        """A time that cannot be read must not become another one: what was measured before the rollout
        would count as evidence."""
        text = values.get("since")
        if text in (None, ""):
            return None
        try:
            since = float(text)
        except (TypeError, ValueError):
            since = math.nan
        if not 0 < since <= time.time():
            raise Misasked("since=%s is no time before now, in seconds since 1970" % text)
        return since

    def metadata(self):
        """What a webhook's JSON object says beside the canary's name."""
        try:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or "{}") if 0 <= length <= BODY_MAX else None
        except ValueError:
            body = None
        metadata = body.get("metadata") if isinstance(body, dict) else []
        if metadata is not None and not isinstance(metadata, dict):
            raise Misasked("a webhook's JSON was expected")
        return metadata or {}

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        if url.path == "/healthz":
            self.reply(200, {"status": "ok"})
        elif url.path == "/verdict":
            self.judged(dict(urllib.parse.parse_qsl(url.query)), lambda outcome: 200)
        else:
            self.refuse(404, "no such path")

    def do_POST(self):
        try:
            metadata = self.metadata()
        except Misasked as error:
            self.refuse(400, str(error))
            return
        if self.path == "/flagger/rollout":
            self.judged(metadata, lambda outcome: 412 if outcome == "fail" else 200)
        elif self.path == "/flagger/confirm-promotion":
            self.judged(metadata, lambda outcome: 200 if outcome == "pass" else 403)
        else:
            self.refuse(404, "no such path")

    def log_message(self, format, *arguments):
        sys.stderr.write("%s %s\n" % (self.address_string(), format % arguments))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--listen", default="127.0.0.1:8080", metavar="ADDRESS:PORT")
    parser.add_argument("--gate", required=True, metavar="SPEC")
    parser.add_argument("--metric", required=True, action="append", metavar="SPEC")
    parser.add_argument("--tocsin", default="tocsin", help="the program")
    parser.add_argument("--timeout", type=float, default=30, help="seconds for a verdict")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--file", help="what `tocsin gate` reads, as it grows")
    source.add_argument("--prometheus", metavar="URL")
    parser.add_argument("--query", help="PromQL whose series have the label `arm`")
    parser.add_argument("--window", type=float, default=1800, help="seconds, where nobody says since when")
    parser.add_argument("--step", type=float, default=15, help="seconds between samples")
    settings = parser.parse_args()
    if settings.prometheus and not settings.query:
        parser.error("--prometheus needs a --query")
    try:
        tried = run_gate(settings, b"arm,value\n")
    except (OSError, subprocess.SubprocessError) as error:
        parser.error(str(error))
    if tried.returncode != NO_DATA:
        sys.stderr.write(tried.stderr.decode(errors="replace"))
        sys.exit(tried.returncode or 70)
    Handler.settings = settings
    address, _, port = settings.listen.rpartition(":")
    server = http.server.ThreadingHTTPServer((address, int(port)), Handler)
    print("listening on http://%s:%d" % server.server_address[:2], flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
