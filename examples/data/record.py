#!/usr/bin/env python3
"""Record this machine's own counters while real work and real incidents run.

Every second the recorder reads counters and gauges from /proc and appends
them to a long-format CSV file (``time,series,value``).  Meanwhile it runs an
ordinary, changing workload and a small request/response service on the
loopback interface; after a quiet learning period it causes six incidents, one
after the other, and writes down when each of them began and ended.

    python3 record.py --plan a --out machine-a.csv

writes ``machine-a.csv`` and ``machine-a.labels.csv``.  A plan takes 48 minutes;
``--minutes 3`` runs the same plan in a shorter time (every duration is scaled)
and ``--dry-run`` only prints the plan.

Plans:
  a   compile C files, bulk TCP transfer over loopback, idle, in a cycle
  b   compress data, SQLite transactions, idle, sort and write files, in a cycle

Incidents (labels):
  cpu-hog            four busy processes at normal priority
  memory-balloon     a quarter of the memory is allocated and touched, then freed
  disk-write-storm   one process writes to the disk, past the page cache
  service-stall      the service is stopped (SIGSTOP), later continued
  error-burst        the service answers a third of the requests with an error
  sender-death       the process which reports the service's numbers is killed;
                     its rows are missing until it is started again

Series whose names end in ``_total`` are cumulative counters, written as the
kernel gives them; all others are gauges.  Only Linux has what is needed, and
only the Python standard library is used.  The load is real: a recording needs
a quarter of the memory and about 4 GiB of disk space for a short time.
Ctrl-C ends a recording early; all processes and temporary files are removed.
"""

import argparse
import ctypes
import hashlib
import lzma
import mmap
import os
import random
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import zlib

PLAN_SECONDS = 48 * 60
MIB = 1 << 20

# Times and durations are in seconds of the full, 48 minute plan.
PLANS = {
    "a": {
        "seed": 11,
        "requests_per_second": 80,
        "request_kib": (16, 128),       # bytes hashed by the service, per request
        "cycle": [("compile", 50), ("transfer", 40), ("idle", 30)],
        "incidents": [                  # (start, duration, incident)
            (1120, 75, "cpu-hog"),
            (1405, 60, "memory-balloon"),
            (1665, 60, "disk-write-storm"),
            (1930, 50, "service-stall"),
            (2190, 80, "error-burst"),
            (2480, 90, "sender-death"),
        ],
    },
    "b": {
        "seed": 23,
        "requests_per_second": 55,
        "request_kib": (64, 512),
        "cycle": [("compress", 45), ("database", 60), ("idle", 20), ("sort", 40)],
        "incidents": [
            (1100, 90, "sender-death"),
            (1400, 85, "disk-write-storm"),
            (1720, 55, "error-burst"),
            (1995, 50, "cpu-hog"),
            (2270, 75, "service-stall"),
            (2560, 75, "memory-balloon"),
        ],
    },
}

# The series which should show an incident first of all.
INCIDENT_SERIES = {
    "cpu-hog": "cpu_user_total;cpu_idle_total;procs_running;psi_cpu_total",
    "memory-balloon": "mem_available",
    "disk-write-storm": "disk_written_total;psi_io_total",
    "service-stall": "svc_requests_total;svc_latency_ms",
    "error-burst": "svc_errors_total",
    "sender-death": "svc_requests_total;svc_errors_total;svc_latency_ms",
}

NORMAL_ERROR_SHARE = 0.005
BURST_ERROR_SHARE = 0.33
HOG_PROCESSES = 4
BALLOON_SHARE = 0.25                    # of MemTotal
STORM_FILE_BYTES = 4096 * MIB           # the file is overwritten when it is full
STORM_BYTES_PER_SECOND = 250 * MIB      # upper limit; a slow disk sets its own


def fail(message):
    sys.exit("record.py: error: " + message)


# ---------------------------------------------------------------- processes

class Child:
    """A forked process which leads its own process group.

    The kernel kills it when the recorder dies, whatever the reason (prctl
    PR_SET_PDEATHSIG); kill() also reaches the processes it has started.
    """

    def __init__(self, name, function, *args):
        self.name = name
        recorder = os.getpid()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid:
            try:
                os.setpgid(self.pid, self.pid)
            except OSError:
                pass                    # the child has done it already
            return
        status = 1
        try:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            os.setpgid(0, 0)
            ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)
            if os.getppid() == recorder:
                function(*args)
                status = 0
        except BaseException:
            sys.stderr.write("record.py: %s failed\n" % name)
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(status)

    def alive(self):
        if self.pid and os.waitpid(self.pid, os.WNOHANG)[0]:
            self.pid = 0
        return bool(self.pid)

    def signal(self, number):
        os.kill(self.pid, number)

    def kill(self, wait=True):
        if not self.pid:
            return
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        if wait:
            os.waitpid(self.pid, 0)
            self.pid = 0


class Pace:
    """Sleeps so that a loop does not exceed a number of units per second."""

    def __init__(self, units_per_second):
        self.seconds = 1.0 / units_per_second
        self.due = time.monotonic()

    def wait(self, units=1):
        self.due += units * self.seconds
        ahead = self.due - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)
        elif ahead < -0.5:              # too slow: do not catch up in a burst
            self.due = time.monotonic()


# ------------------------------------------- service, client and its sender

class Shared:
    """Numbers in memory that service, client, sender and recorder share."""

    REQUESTS, ERRORS, LATENCY_SUM_MS, WAITING_SINCE, ERROR_SHARE = range(5)

    def __init__(self):
        self.cells = memoryview(mmap.mmap(-1, mmap.PAGESIZE)).cast("d")
        self.cells[self.ERROR_SHARE] = NORMAL_ERROR_SHARE

    def __getitem__(self, cell):
        return self.cells[cell]

    def __setitem__(self, cell, value):
        self.cells[cell] = value


def receive(connection, size):
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise ConnectionError("connection closed")
        data += part
    return data


def run_service(listener, shared, seed):
    """Answers each request (a size) with a status byte and a digest."""
    rng = random.Random(seed)
    body = rng.randbytes(MIB)
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while True:
                size, = struct.unpack("!I", receive(connection, 4))
                digest = hashlib.sha256(body[:size]).digest()
                failed = rng.random() < shared[Shared.ERROR_SHARE]
                connection.sendall((b"E" if failed else b"K") + digest)
        except ConnectionError:
            connection.close()


def run_client(address, shared, rate, kib_range, seed):
    """Sends requests at a steady rate, one at a time, and waits for answers."""
    rng = random.Random(seed)
    pace = Pace(rate)
    with socket.create_connection(address) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            size = rng.randint(*kib_range) * 1024
            begin = time.monotonic()
            shared[Shared.WAITING_SINCE] = begin
            connection.sendall(struct.pack("!I", size))
            answer = receive(connection, 33)
            shared[Shared.WAITING_SINCE] = 0.0
            shared[Shared.LATENCY_SUM_MS] += (time.monotonic() - begin) * 1000
            shared[Shared.REQUESTS] += 1
            if answer[:1] == b"E":
                shared[Shared.ERRORS] += 1
            pace.wait(rng.uniform(0.5, 1.5))


def run_sender(out, shared):
    """Once a second, sends the service's numbers to the recorder."""
    requests, latency = shared[Shared.REQUESTS], shared[Shared.LATENCY_SUM_MS]
    while True:
        time.sleep(1.0 - (time.time() + 0.5) % 1.0)     # half past each second
        new_requests = shared[Shared.REQUESTS]
        new_latency = shared[Shared.LATENCY_SUM_MS]
        waiting_since = shared[Shared.WAITING_SINCE]
        if new_requests > requests:
            mean = (new_latency - latency) / (new_requests - requests)
        elif waiting_since:             # nothing was answered: time waited so far
            mean = (time.monotonic() - waiting_since) * 1000
        else:
            mean = 0.0
        requests, latency = new_requests, new_latency
        out.send(b"svc_requests_total=%d svc_errors_total=%d svc_latency_ms=%.3f"
                 % (requests, shared[Shared.ERRORS], mean))


# ---------------------------------------------------------------- workloads
# Each runs in a process of its own until it is killed.

def work_compile(directory, rng):
    """Compiles generated C files, one at a time."""
    names = []
    for number in range(6):
        name = os.path.join(directory, "unit%d.c" % number)
        with open(name, "w") as file:
            for f in range(rng.randint(60, 160)):
                a, b, c = (rng.randint(3, 99) for _ in range(3))
                file.write(
                    "int f%d_%d(const int *x, int *y, int n) {\n"
                    "  int s = %d;\n"
                    "  for (int i = 0; i < n; i++) {\n"
                    "    for (int j = 0; j < %d; j++)\n"
                    "      y[i] = x[i] * %d + (s ^ j) %% %d;\n"
                    "    switch (y[i] %% 5) {\n"
                    "      case 0: s += y[i]; break;\n"
                    "      case 1: s ^= x[i] << 3; break;\n"
                    "      case 2: s -= x[i] / %d; break;\n"
                    "      default: s = s * %d + i;\n"
                    "    }\n"
                    "  }\n"
                    "  return s;\n"
                    "}\n" % (number, f, a, b % 9 + 2, c, a + b, b, c))
        names.append(name)
    environment = dict(os.environ, TMPDIR=directory)
    while True:
        for name in names:
            subprocess.run(["cc", "-O2", "-c", name, "-o", name[:-1] + "o"],
                           check=True, env=environment,
                           stdin=subprocess.DEVNULL)


def work_transfer(directory, rng):
    """Sends bytes over a loopback TCP connection at a limited rate."""
    listener = socket.create_server(("127.0.0.1", 0))

    def drain():
        connection, _ = listener.accept()
        while connection.recv(256 * 1024):
            pass

    threading.Thread(target=drain, daemon=True).start()
    chunk = bytes(64 * 1024)
    pace = Pace(rng.uniform(50, 100) * 1e6 / len(chunk))
    with socket.create_connection(listener.getsockname()) as connection:
        while True:
            connection.sendall(chunk)
            pace.wait(rng.uniform(0.8, 1.2))


def words(rng, count):
    """Compressible bytes: words of a small vocabulary."""
    vocabulary = [rng.randbytes(rng.randint(2, 9)).hex().encode()
                  for _ in range(3000)]
    return b" ".join(rng.choices(vocabulary, k=count))


def work_compress(directory, rng):
    """Compresses generated data with zlib and LZMA."""
    data = words(rng, 150000)
    while True:
        packed = zlib.compress(data, rng.choice((6, 9)))
        with open(os.path.join(directory, "data.z"), "wb") as file:
            file.write(packed)
        begin = rng.randrange(len(data) // 2)
        lzma.compress(data[begin:begin + len(data) // 4], preset=4)
        time.sleep(rng.uniform(0.0, 0.3))


def work_database(directory, rng):
    """Commits small SQLite transactions and queries now and then."""
    database = sqlite3.connect(os.path.join(directory, "work.sqlite"))
    database.execute("create table if not exists item"
                     " (id integer primary key, tag text, size integer)")
    pace = Pace(rng.uniform(15, 30))
    while True:
        with database:
            database.executemany(
                "insert into item (tag, size) values (?, ?)",
                [(rng.randbytes(12).hex(), rng.randint(1, 10000))
                 for _ in range(rng.randint(20, 80))])
            database.execute("delete from item where id <"
                             " (select max(id) from item) - 100000")
        if rng.random() < 0.2:
            database.execute("select size / 100, count(*), max(tag) from item"
                             " group by 1").fetchall()
        pace.wait(rng.uniform(0.5, 1.5))


def work_sort(directory, rng):
    """Sorts random lines, writes them to a file and reads them again."""
    name = os.path.join(directory, "sorted.txt")
    while True:
        lines = [b"%016x %d\n" % (rng.getrandbits(64), i)
                 for i in range(rng.randint(100000, 250000))]
        lines.sort()
        with open(name, "wb") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
        with open(name, "rb") as file:
            hashlib.sha256(file.read())
        time.sleep(rng.uniform(0.1, 0.6))


WORK = {
    "compile": work_compile, "transfer": work_transfer,
    "compress": work_compress, "database": work_database, "sort": work_sort,
}


# ---------------------------------------------------- processes of incidents

def run_hog():
    number = 1
    while True:
        number = number * 1103515245 + 12345 & 0x7fffffff


def run_balloon(size):
    """Allocates and touches memory in steps, then keeps it until killed."""
    steps = 24
    filler = b"\x55" * MIB
    kept = []
    for _ in range(steps):
        block = mmap.mmap(-1, max(size // steps // MIB, 1) * MIB)
        for _ in range(len(block) // MIB):
            block.write(filler)
        kept.append(block)
        time.sleep(0.1)
    while True:
        time.sleep(60)


def run_storm(name, size):
    """Writes blocks straight to the disk, over and over in the same file."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    block = mmap.mmap(-1, 4 * MIB)      # page-aligned, as O_DIRECT demands
    block.write(random.randbytes(len(block)))
    try:
        file = os.open(name, flags | os.O_DIRECT, 0o600)
        os.pwrite(file, block, 0)
        direct = True
    except OSError:                     # the file system has no O_DIRECT
        file = os.open(name, flags, 0o600)
        direct = False
    os.unlink(name)                     # gone as soon as this process ends
    pace = Pace(STORM_BYTES_PER_SECOND / len(block))
    while True:
        for offset in range(0, size, len(block)):
            os.pwrite(file, block, offset)
            if not direct or offset % (64 * MIB) == 0:
                os.fsync(file)
            pace.wait()


# ---------------------------------------------------------------- sampling

def read_text(path):
    with open(path) as file:
        return file.read()


def disk_of(directory):
    """The "major minor" of the block device that holds a directory."""
    device = os.stat(directory).st_dev
    wanted = [str(os.major(device)), str(os.minor(device))]
    best, most = None, -1
    for line in read_text("/proc/diskstats").splitlines():
        field = line.split()
        if field[:2] == wanted:
            return wanted
        virtual = field[2].startswith(("loop", "ram", "zram"))
        if not virtual and int(field[9]) > most:
            best, most = field[:2], int(field[9])
    if best is None:
        fail("found no disk in /proc/diskstats")
    return best


def sample(disk):
    """Reads all series of the machine, as (name, value) pairs."""
    rows = []
    stat = {}
    for line in read_text("/proc/stat").splitlines():
        key, _, rest = line.partition(" ")
        stat[key] = rest.split()
    rows.append(("cpu_user_total", stat["cpu"][0]))
    rows.append(("cpu_system_total", stat["cpu"][2]))
    rows.append(("cpu_idle_total", stat["cpu"][3]))
    rows.append(("ctxt_total", stat["ctxt"][0]))
    rows.append(("forks_total", stat["processes"][0]))
    rows.append(("procs_running", stat["procs_running"][0]))

    rows.append(("mem_available", memory("MemAvailable")))

    for line in read_text("/proc/diskstats").splitlines():
        field = line.split()
        if field[:2] == disk:
            rows.append(("disk_written_total", field[9]))

    for line in read_text("/proc/net/dev").splitlines():
        name, _, rest = line.partition(":")
        if name.strip() == "lo":
            rows.append(("net_lo_total", rest.split()[0]))

    for line in read_text("/proc/vmstat").splitlines():
        name, value = line.split()
        if name in ("pgfault", "pgmajfault"):
            rows.append((name + "_total", value))

    for resource, name in (("cpu", "cpu"), ("io", "io"), ("memory", "mem")):
        try:
            some = read_text("/proc/pressure/" + resource).splitlines()[0]
        except OSError:
            continue                    # a kernel without pressure information
        rows.append(("psi_%s_total" % name, some.rpartition("total=")[2]))
    return rows


def memory(key):
    """A line of /proc/meminfo, in bytes."""
    for line in read_text("/proc/meminfo").splitlines():
        name, _, rest = line.partition(":")
        if name == key:
            return int(rest.split()[0]) * 1024
    fail("no %s in /proc/meminfo" % key)


# ---------------------------------------------------------------- recording

class Recorder:
    def __init__(self, plan, minutes, out, labels, directory):
        self.plan = plan
        self.scale = minutes * 60 / PLAN_SECONDS
        self.seconds = minutes * 60
        self.out, self.labels = out, labels
        self.directory = directory
        self.disk = disk_of(directory)
        self.rng = random.Random(plan["seed"])
        self.shared = Shared()
        self.phase, self.phase_index, self.phase_end = None, -1, 0.0
        self.incidents = [(start * self.scale, (start + length) * self.scale, name)
                          for start, length, name in plan["incidents"]]
        self.incident = None            # (name, start time) of the current one
        self.culprits = []              # its processes
        self.killed = []                # those of former incidents
        self.service = self.client = self.sender = None

    def log(self, message):
        sys.stderr.write("%7.1f s  %s\n" % (time.time() - self.begin, message))
        sys.stderr.flush()

    def run(self):
        self.start_service()
        tick = int(time.time()) + 1
        self.begin = float(tick)
        self.log("start")
        try:
            while tick <= self.begin + self.seconds:
                time.sleep(max(0.0, tick - time.time()))
                self.sweep()
                self.advance(time.time() - self.begin)
                # The next whole second; one that is already past is skipped.
                tick = max(tick, int(time.time() + 0.5)) + 1
        finally:
            self.stop_incident()
            self.stop_all()
        self.log("end")

    def start_service(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.inbox, self.outbox = socket.socketpair(socket.AF_UNIX,
                                                    socket.SOCK_DGRAM)
        self.inbox.setblocking(False)
        seed = self.plan["seed"]
        self.service = Child("service", run_service, listener, self.shared, seed)
        self.client = Child("client", run_client, listener.getsockname(),
                            self.shared, self.plan["requests_per_second"],
                            self.plan["request_kib"], seed + 1)
        listener.close()
        self.start_sender()

    def start_sender(self):
        self.sender = Child("sender", run_sender, self.outbox, self.shared)

    def stop_all(self):
        for child in self.killed + [self.phase, self.sender, self.client,
                                    self.service]:
            if child:
                child.kill()

    def sweep(self):
        """Writes one row for each series; of the sender, only what arrived."""
        now = time.time()
        rows = sample(self.disk)
        message = b""
        while True:
            try:
                message = self.inbox.recv(4096)
            except BlockingIOError:
                break
        for pair in message.decode().split():
            rows.append(tuple(pair.split("=")))
        self.out.write("".join("%.1f,%s,%s\n" % (now, name, value)
                               for name, value in rows))
        self.out.flush()

    def advance(self, elapsed):
        """Starts and ends what the plan says for this moment."""
        if elapsed >= self.phase_end:
            self.next_phase(elapsed)
        for child in (self.service, self.client, self.phase):
            if child and not child.alive():
                raise RuntimeError("%s has ended unexpectedly" % child.name)
        if self.incidents and elapsed >= self.incidents[0][0] and not self.incident:
            self.start_incident(self.incidents[0][2])
        elif self.incident and elapsed >= self.incidents[0][1]:
            self.stop_incident()
            self.incidents.pop(0)

    def next_phase(self, elapsed):
        if self.phase:
            self.phase.kill()
        cycle = self.plan["cycle"]
        self.phase_index = (self.phase_index + 1) % len(cycle)
        name, length = cycle[self.phase_index]
        self.phase_end = elapsed + length * self.scale * self.rng.uniform(0.8, 1.2)
        self.phase = None
        rng = random.Random(self.rng.random())
        if name in WORK:
            self.phase = Child(name, WORK[name], self.directory, rng)

    def start_incident(self, name):
        self.log(name + " begins")
        self.incident = (name, time.time())
        if name == "cpu-hog":
            self.culprits = [Child("hog", run_hog) for _ in range(HOG_PROCESSES)]
        elif name == "memory-balloon":
            size = min(int(memory("MemTotal") * BALLOON_SHARE),
                       memory("MemAvailable") * 2 // 3)
            self.culprits = [Child("balloon", run_balloon, size)]
        elif name == "disk-write-storm":
            free = shutil.disk_usage(self.directory).free
            size = max(min(STORM_FILE_BYTES, free // 4), 64 * MIB)
            path = os.path.join(self.directory, "storm.bin")
            self.culprits = [Child("storm", run_storm, path, size)]
        elif name == "service-stall":
            self.service.signal(signal.SIGSTOP)
        elif name == "error-burst":
            self.shared[Shared.ERROR_SHARE] = BURST_ERROR_SHARE
        elif name == "sender-death":
            self.sender.kill()

    def stop_incident(self):
        if not self.incident:
            return
        name, start = self.incident
        for child in self.culprits:
            if not child.alive():
                self.log("warning: %s had ended by itself" % child.name)
            child.kill(wait=False)      # freeing its memory can take a second
        self.killed += self.culprits
        self.culprits = []
        if name == "service-stall":
            self.service.signal(signal.SIGCONT)
        elif name == "error-burst":
            self.shared[Shared.ERROR_SHARE] = NORMAL_ERROR_SHARE
        elif name == "sender-death":
            self.start_sender()
        self.incident = None
        self.labels.write("%s,%.1f,%.1f,%s\n"
                          % (name, start, time.time(), INCIDENT_SERIES[name]))
        self.labels.flush()
        self.log(name + " ends")


# ---------------------------------------------------------------- main

def on_disk(directory):
    """Whether a directory exists, is writable and is not held in memory."""
    if not os.path.isdir(directory) or not os.access(directory, os.W_OK):
        return False
    path, kind, longest = os.path.realpath(directory), "", -1
    for line in read_text("/proc/self/mounts").splitlines():
        _, point, file_system = line.split()[:3]
        inside = path == point or path.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= longest:
            kind, longest = file_system, len(point)
    return kind not in ("tmpfs", "ramfs", "devtmpfs")


def work_base(wanted, out):
    """The directory for temporary files: on a real disk."""
    if wanted:
        if not on_disk(wanted):
            fail("%s is not a writable directory on a disk" % wanted)
        return wanted
    for directory in (tempfile.gettempdir(), "/var/tmp",
                      os.path.dirname(os.path.abspath(out))):
        if on_disk(directory):
            return directory
    fail("found no directory on a disk for temporary files; give --tmp")


def print_plan(plan, minutes):
    scale = minutes * 60 / PLAN_SECONDS
    print("cycle, until the end:")
    for name, length in plan["cycle"]:
        print("  about %5.1f s  %s" % (length * scale, name))
    print("service: %d requests/s" % plan["requests_per_second"])
    print("incidents:")
    for start, length, name in plan["incidents"]:
        print("  %7.1f s to %7.1f s  %s"
              % (start * scale, (start + length) * scale, name))
    print("end: %.1f s" % (PLAN_SECONDS * scale))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plan", choices=sorted(PLANS), required=True)
    parser.add_argument("--minutes", type=float, default=PLAN_SECONDS / 60,
                        help="scale the plan to this length (default: 48)")
    parser.add_argument("--out", metavar="FILE.csv", help="the recording to write")
    parser.add_argument("--tmp", metavar="DIR",
                        help="directory on a real disk for temporary files")
    parser.add_argument("--dry-run", action="store_true",
                        help="print the plan and exit")
    options = parser.parse_args()
    plan = PLANS[options.plan]
    if not 1 <= options.minutes <= 24 * 60:
        parser.error("--minutes must be between 1 and 1440")
    if options.dry_run:
        print_plan(plan, options.minutes)
        return
    if not options.out:
        parser.error("--out is required")
    if not sys.platform.startswith("linux"):
        fail("needs Linux")
    if not os.path.exists("/proc/stat"):
        fail("/proc is not mounted")
    if any(name == "compile" for name, _ in plan["cycle"]) and not shutil.which("cc"):
        fail("plan %s compiles C files, but there is no compiler 'cc'" % options.plan)

    base = work_base(options.tmp, options.out)
    stem = options.out[:-4] if options.out.endswith(".csv") else options.out
    try:
        out = open(options.out, "w")
        labels = open(stem + ".labels.csv", "w")
    except OSError as error:
        fail("cannot write %s: %s" % (error.filename, error.strerror))

    def stop(number, frame):
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:       # nohup
        signal.signal(signal.SIGHUP, stop)

    with out, labels, tempfile.TemporaryDirectory(prefix="record-", dir=base) as tmp:
        out.write("time,series,value\n")
        labels.write("incident,start,end,series\n")
        recorder = Recorder(plan, options.minutes, out, labels, tmp)
        try:
            recorder.run()
        except KeyboardInterrupt:
            fail("interrupted; the recording is incomplete")
        except (OSError, RuntimeError) as error:
            fail("%s; the recording is incomplete" % error)


if __name__ == "__main__":
    main()
