"""examples/pipeline for real: its scripts against a Prometheus that answers by HTTP, its server asked
by HTTP as Argo Rollouts and Flagger ask."""

import bisect
import functools
import http.server
import re
import shutil
import sys
import threading
import urllib.error
import urllib.request

from cli_support import *

try:
    import yaml
except ImportError:
    yaml = None

PIECES = os.path.join(ROOT, "examples", "pipeline")
BOUNDS = [5, 10, 15, 20, 25, 30, 40, 50, 60, 80, 100, 130, 200, 400, math.inf]
PASSES = 100_000        # requests after which a release that is the same has passed


@functools.lru_cache(maxsize=None)
def histogram(factor, count):
    """What a histogram's counters say of a rollout, as query_range answers."""
    noise = random.Random(2)
    buckets = {arm: [0] * len(BOUNDS) for arm in ("baseline", "candidate")}
    samples = {(arm, k): [] for arm in buckets for k in range(len(BOUNDS))}
    for i in range(count):
        arm = "candidate" if noise.random() < 0.1 else "baseline"
        value = noise.lognormvariate(3.4, 0.5) * (factor if arm == "candidate" else 1)
        buckets[arm][bisect.bisect_left(BOUNDS, value)] += 1
        if i % 1000 == 999:
            for name, own in buckets.items():
                below = 0
                for k, more in enumerate(own):
                    below += more
                    samples[name, k].append([START + i / 100, str(below)])
    return {"status": "success", "data": {"resultType": "matrix", "result": [
        {"metric": {"arm": arm, "le": "+Inf" if math.isinf(BOUNDS[k]) else str(BOUNDS[k])},
         "values": values} for (arm, k), values in samples.items()]}}


class Prometheus(http.server.BaseHTTPRequestHandler):
    answer, asked = None, []

    def do_GET(self):
        type(self).asked.append(self.path)
        body = json.dumps(self.answer).encode()
        self.send_response(200 if self.answer else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *arguments):
        pass


class Pipeline(Test):
    def setUp(self):
        super().setUp()
        Prometheus.asked = []
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Prometheus)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.prometheus = "http://127.0.0.1:%d" % server.server_address[1]

    def server(self, *arguments):
        """The address of a gate_server.py, which ends with the test."""
        running = subprocess.Popen(
            [sys.executable, os.path.join(PIECES, "gate_server.py"), "--listen", "127.0.0.1:0",
             "--tocsin", TOCSIN, "--gate", "unit=request share=10% alpha=0.01", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

        def end():
            running.terminate()
            running.wait()
            running.stdout.close()

        self.addCleanup(end)
        return running.stdout.readline().decode().split()[-1]

    def ask(self, address, body=None):
        request = urllib.request.Request(address, data=None if body is None else
                                         json.dumps(body).encode())
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    def run_script(self, script, environment=()):
        """A pipeline's own script in an empty directory that has the pieces."""
        if not shutil.which("curl"):
            self.skipTest("no curl")
        if not os.path.exists(self.path("examples")):
            os.symlink(os.path.join(ROOT, "examples"), self.path("examples"))
        return subprocess.run(["sh", "-e", "-c", script], cwd=self.scratch, capture_output=True,
                              timeout=60, check=False,
                              env={**os.environ, "TOCSIN": TOCSIN, "PROMETHEUS": self.prometheus,
                                   "QUERY": "a{b=\"c\"}", "SINCE": str(START),
                                   "ASAN_OPTIONS": "detect_leaks=0", **dict(environment)})

    def outcomes(self, script, environment=()):
        """The exit codes of a script for a bad, a good, a short and an absent rollout."""
        codes = []
        for answer in (histogram(1.5, 20000), histogram(1, PASSES), histogram(1, 2000),
                       {"status": "success", "data": {"resultType": "matrix", "result": []}}, None):
            Prometheus.answer = answer
            codes.append(self.run_script(script, environment).returncode)
        return codes

    def piece(self, name):
        with open(os.path.join(PIECES, name), encoding="utf-8") as file:
            return file.read()

    def document(self, name):
        if not yaml:
            self.skipTest("no yaml")
        return yaml.safe_load(self.piece(name))

    # ---- Pipelines with a shell

    def test_the_shell(self):
        script = ("sh examples/pipeline/gate.sh --gate 'unit=request share=10% alpha=0.01' "
                  "--metric 'histogram name=checkout margin=20%' --any-name")
        self.assertEqual(self.outcomes(script), [1, 0, 2, 3, 65])
        self.assertIn("query=a%7bb%3d%22c%22%7d", Prometheus.asked[0].lower())
        self.assertIn("start=%d" % START, Prometheus.asked[0])

    def test_jenkins(self):
        [script] = re.findall(r"script: '''(.*?)'''", self.piece("Jenkinsfile"), re.S)
        script = script.replace("margin=10%", "margin=20%")
        self.assertEqual(self.outcomes(script), [1, 0, 2, 3, 65])
        Prometheus.answer = histogram(1.5, 20000)
        self.run_script(script)
        self.assertIn(b"<failure ", self.read("gate.xml"))
        self.assertIn(b"Release gate", self.read("gate.html"))

    def test_gitlab(self):
        job = self.document("gitlab-ci.yml")["release-gate"]
        variables = {**job["variables"], "METRIC": "histogram name=checkout margin=20%"}
        self.assertEqual(self.outcomes("\n".join(job["script"]), variables.items()),
                         [1, 0, 2, 3, 65])
        self.assertEqual(job["allow_failure"]["exit_codes"], [2, 3])

    def test_github(self):
        workflow = self.document("github-actions.yml")
        [step] = [step for step in workflow["jobs"]["gate"]["steps"] if step.get("id") == "judge"]
        files = {"GITHUB_OUTPUT": self.path("output"), "GITHUB_STEP_SUMMARY": self.path("summary")}
        script = step["run"].replace("margin=10%", "margin=20%")
        self.assertEqual(self.outcomes(script, files.items()), [1, 0, 0, 0, 65])
        self.assertEqual(self.read("output").decode().splitlines(),
                         ["outcome=pass", "outcome=undecided", "outcome=no data"])
        self.assertIn(b"fail: ", self.read("summary"))

    # ---- The server

    def test_argo_rollouts(self):
        [metric] = self.document("argo-rollouts.yml")["spec"]["metrics"]
        path = re.search(r"(/verdict\?since=)", metric["provider"]["web"]["url"]).group(1)
        address = self.server("--metric", "histogram margin=20%", "--prometheus",
                              self.prometheus, "--query", "q")
        self.assertEqual(metric["provider"]["web"]["jsonPath"], "{$}")

        def holds(condition, verdict):
            alternatives = condition.split(" || ")
            matches = [re.fullmatch(r'result\.outcome == "([a-z ]+)"', one) for one in alternatives]
            return verdict["outcome"] in [match.group(1) for match in matches]

        ends = []
        for answer in (histogram(1.5, 20000), histogram(1, PASSES), histogram(1, 2000)):
            Prometheus.answer = answer
            code, verdict = self.ask("%s%s%d" % (address, path, START))
            self.assertEqual(code, 200)
            ends.append("Failed" if holds(metric["failureCondition"], verdict) else
                        "Successful" if holds(metric["successCondition"], verdict) else
                        "Inconclusive")
        self.assertEqual(ends, ["Failed", "Successful", "Inconclusive"])
        Prometheus.answer = None
        code, verdict = self.ask(address + "/verdict")
        self.assertEqual((code, verdict["outcome"]), (503, "error"))

    def test_flagger(self):
        hooks = self.document("flagger.yml")["spec"]["analysis"]["webhooks"]
        paths = {hook["type"]: re.sub(r"^https?://[^/]+", "", hook["url"]) for hook in hooks}
        address = self.server("--metric", "histogram margin=20%", "--prometheus", self.prometheus,
                              "--query", "q")
        body = {"name": "checkout", "namespace": "default", "phase": "Progressing",
                "metadata": {"since": str(START)}}
        for answer, rollout, promotion in ((histogram(1.5, 20000), 412, 403),
                                           (histogram(1, PASSES), 200, 200),
                                           (histogram(1, 2000), 200, 403), (None, 503, 503)):
            Prometheus.answer = answer
            self.assertEqual(self.ask(address + paths["rollout"], body)[0], rollout)
            self.assertEqual(self.ask(address + paths["confirm-promotion"], body)[0], promotion)

    def test_a_file_that_grows(self):
        noise = random.Random(6)
        path = self.write("rollout.csv", "arm,value\n")
        address = self.server("--metric", "latency margin=10%", "--file", path)
        self.assertEqual(self.ask(address + "/verdict")[1]["outcome"], "no data")
        with open(path, "a", encoding="ascii") as file:
            for _ in range(40000):
                arm = noise.random() < 0.1
                file.write("%s,%.4f\n" % ("candidate" if arm else "baseline",
                                          math.exp(noise.gauss(0, 0.5)) * (1.5 if arm else 1)))
        code, verdict = self.ask(address + "/verdict")
        self.assertEqual((code, verdict["outcome"]), (200, "fail"))

    def test_what_is_no_request(self):
        address = self.server("--metric", "latency", "--file", self.path("nowhere.csv"))
        self.assertEqual(self.ask(address + "/healthz"), (200, {"status": "ok"}))
        self.assertEqual(self.ask(address + "/verdict")[0], 503)
        self.assertEqual(self.ask(address + "/else")[0], 404)
        for since in ("yesterday", "nan", "-5", "1e12"):
            code, verdict = self.ask(address + "/verdict?since=" + since)
            self.assertEqual((code, verdict["outcome"]), (400, "error"))
            self.assertEqual(self.ask(address + "/flagger/confirm-promotion",
                                      {"metadata": {"since": since}})[0], 400)
        self.assertEqual(self.ask(address + "/flagger/rollout", {"metadata": None})[0], 503)
        self.assertEqual(self.ask(address + "/flagger/rollout", {"metadata": 5})[0], 400)
        self.assertEqual(self.ask(address + "/flagger/rollout", ["no object"])[0], 400)
        self.assertEqual(self.ask(address + "/flagger/else", {})[0], 404)


    def test_a_wrong_spec_ends_the_server(self):
        done = subprocess.run(
            [sys.executable, os.path.join(PIECES, "gate_server.py"), "--listen", "127.0.0.1:0",
             "--tocsin", TOCSIN, "--gate", "unti=request", "--metric", "latency", "--file", "x.csv"],
            capture_output=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 64)
        self.assertIn(b"'unit'", done.stderr)


if __name__ == "__main__":
    main()
