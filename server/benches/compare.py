#!/usr/bin/env python3
"""Measures SPG's daemon beside what a user would pick instead, in turns on the same machine, and prints ratios.

    cargo build --release --bin spg --bin spg-server && server/benches/compare.py [--durable]

With --durable every commit is on the disk before it is acknowledged, on all sides, and inserts are measured; put
the files on the disk that is meant with TMPDIR. With --transactions it is pgbench's transaction at each isolation level, done
again after a conflict; without --durable PostgreSQL then runs with fsync off. Needs Python 3 and nothing else; a peer that is not installed is skipped and named (Debian: postgresql, redis-server and
redis-tools). All servers listen on free ports of the loopback, keep their files in a temporary directory, and are
ended by this script, which touches no other process. Each figure is the median of RUNS runs; in each run SPG and its
peers take turns, so that a change of the machine's mood meets all of them.
"""

import argparse
import csv
import glob
import io
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CLIENTS = 8
PIPELINE = 16
READER_THREADS = 2
LEVELS = ("read committed", "repeatable read", "serializable")

# What a careful user sets on such a machine; durability as it comes.
POSTGRESQL_SETTINGS = {
    "listen_addresses": "'127.0.0.1'",
    "unix_socket_directories": "''",
    "max_connections": "200",
    "shared_buffers": "'2GB'",
    "work_mem": "'256MB'",
    "maintenance_work_mem": "'1GB'",
    "max_wal_size": "'8GB'",
    "checkpoint_timeout": "'30min'",
    "jit": "off",
}


class Skipped(Exception):
    """A peer that is not here, and what it needs."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(words, **options):
    """Runs a command; its standard output. What it says when it fails is shown."""
    return run_and_listen(words, **options)[0]


def run_and_listen(words, **options):
    """Runs a command; its standard output, and what it says beside."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, words))} ended with {done.returncode}: {done.stderr}")
    return done.stdout, done.stderr


def end(server, how=signal.SIGTERM):
    """Ends a server that this script started."""
    server.send_signal(how)
    try:
        server.wait(timeout=30)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def timed(action):
    begun = time.monotonic()
    action()
    return time.monotonic() - begun


class Spg:
    """SPG's daemon and command line."""

    name = "SPG"

    def __init__(self, options, directory):
        self.options, self.command = options, find_own(options.bin, "spg")
        words = [find_own(options.bin, "spg-server"), "127.0.0.1:0", *self.files(directory)]
        self.server = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.address = self.server.stdout.readline().split()[-1]
        self.spg("ping", "--ready")

    def files(self, directory):
        """A log without an audit log, as its peers have none; in memory unless durability is measured."""
        if not self.options.durable:
            return []
        home = directory / self.name.replace(" ", "-")
        home.mkdir()
        return [str(home / "spg.db"), "-", str(home / "wal.log")]

    def close(self):
        end(self.server)

    def inserts(self, clients):
        words = ["bench", "insert", "--clients", clients, "--seconds", self.options.seconds, "--format", "json"]
        return json.loads(self.spg(*words))["per_second"]

    def spg(self, *words):
        return run([self.command, "--addr", self.address, *words])

    def bench(self, *words):
        """What a bench of point reads finds, and what it says of those beside."""
        words = [self.command, "--addr", self.address, "bench", "point-read", *words, "--format", "json",
                 "--seconds", self.options.seconds, "--rows", self.options.rows]
        out, said = run_and_listen(words)
        figures = json.loads(out)
        if figures["errors"]:
            raise RuntimeError(f"SPG answered with errors: {figures}")
        return figures, said

    def reads(self, clients, pipeline):
        return self.bench("--clients", clients, "--pipeline", pipeline)[0]["per_second"]

    def transactions(self, level):
        words = ["bench", "tpcb-like", "--clients", CLIENTS, "--isolation", level.replace(" ", "-"),
                 "--rows", self.options.rows, "--seconds", self.options.seconds, "--format", "json"]
        return json.loads(self.spg(*words))["per_second"]

    def beside(self, writers):
        # As many threads as pgbench is given for the readers; the writer has one of its own on both sides.
        figures, said = self.bench("--clients", CLIENTS, "--threads", READER_THREADS, "--writers", writers)
        writes = re.search(r"writers: ([0-9.]+) per second", said)
        return figures["per_second"], figures["p99_us"], float(writes.group(1)) if writes else 0

    def load(self, path):
        self.spg("query", "DROP TABLE IF EXISTS loaded; CREATE TABLE loaded "
                 "(id int PRIMARY KEY, name text NOT NULL, score float8 NOT NULL)")
        return timed(lambda: self.spg("import", "loaded", path))


class AuditedSpg(Spg):
    """The same with its audit log."""

    name = "SPG with audit"

    def files(self, directory):
        return ["--data-dir", str(directory / "audited")]

    beside = load = None


class PostgreSQL:
    """A PostgreSQL cluster of its own, driven by pgbench."""

    name = "PostgreSQL"

    def __init__(self, options, directory):
        self.options, self.directory = options, directory
        places = glob.glob("/usr/lib/postgresql/*/bin") + [os.path.dirname(shutil.which("postgres") or "")]
        places = [Path(place) for place in places if place and (Path(place) / "pgbench").exists()]
        if not places:
            raise Skipped("needs postgresql (initdb, postgres, psql, pgbench)")
        self.bin = max(places, key=lambda place: int(re.sub(r"\D", "", place.parent.name) or 0))
        home, self.port = directory / "postgresql", free_port()
        home.mkdir()
        # PostgreSQL refuses to run as root; its package has made it a user.
        who = {}
        if os.getuid() == 0:
            shutil.chown(home, "postgres", "postgres")
            directory.chmod(0o755)
            who = {"user": "postgres", "group": "postgres", "extra_groups": []}
        run([self.bin / "initdb", "-D", home, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"],
            cwd=home, **who)
        settings = {**POSTGRESQL_SETTINGS, "port": self.port}
        if options.transactions and not options.durable:
            settings["fsync"] = "off"
        lines = [f"{key} = {value}\n" for key, value in settings.items()]
        (home / "postgresql.auto.conf").write_text("".join(lines))
        self.connect = ["-h", "127.0.0.1", "-p", self.port, "-U", "postgres"]
        self.server = subprocess.Popen([str(self.bin / "postgres"), "-D", str(home)], cwd=home,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **who)
        try:
            self.prepare()
        except BaseException:
            self.close()
            raise

    def prepare(self):
        ready = [str(word) for word in [self.bin / "pg_isready", "-q", *self.connect]]
        deadline = time.monotonic() + 60
        while subprocess.run(ready, check=False).returncode != 0:
            if time.monotonic() > deadline or self.server.poll() is not None:
                raise RuntimeError("PostgreSQL did not start")
            time.sleep(0.05)
        scale = max(1, self.options.rows // 100_000)
        run([self.bin / "pgbench", *self.connect, "-i", "-q", "-s", scale, "postgres"])
        self.psql("VACUUM ANALYZE")
        self.psql("CHECKPOINT")
        select = "\\set aid random(1, 100000 * :scale)\nSELECT abalance FROM pgbench_accounts WHERE aid = :aid;\n"
        self.pipelined = self.directory / "pipeline.sql"
        self.pipelined.write_text("\\startpipeline\n" + select * PIPELINE + "\\endpipeline\n")
        self.insert = self.directory / "insert.sql"
        self.insert.write_text("INSERT INTO inserted (name, score) VALUES ('name-00000000001', 0.5);\n")
        self.psql("CREATE TABLE inserted (id bigserial PRIMARY KEY, name text NOT NULL, score float8 NOT NULL)")
        self.update = self.directory / "update.sql"
        self.update.write_text("\\set aid random(1, 100000 * :scale)\n"
                               "UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = :aid;\n")

    def close(self):
        end(self.server, signal.SIGINT)

    def psql(self, text):
        return run([self.bin / "psql", *self.connect, "-X", "-q", "-d", "postgres", "-c", text])

    def pgbench_words(self, clients, *words):
        return [self.bin / "pgbench", *self.connect, "-n", "-M", "prepared", "-s", max(1, self.options.rows // 100_000),
                "-c", clients, "-j", min(clients, READER_THREADS), "-T", self.options.seconds, *words, "postgres"]

    def pgbench(self, clients, *words, **options):
        return pgbench_rate(run(self.pgbench_words(clients, *words), **options))

    def reads(self, clients, pipeline):
        if pipeline == 1:
            return self.pgbench(clients, "-S")
        return self.pgbench(clients, "-f", self.pipelined) * PIPELINE

    def inserts(self, clients):
        return self.pgbench(clients, "-f", self.insert)

    def transactions(self, level):
        level = level.replace(" ", "\\ ")
        environment = {**os.environ, "PGOPTIONS": f"-c default_transaction_isolation={level}"}
        return self.pgbench(CLIENTS, "--max-tries", "1000", env=environment)

    def beside(self, writers):
        logs = self.directory / "logs"
        logs.mkdir(exist_ok=True)
        writer = None
        if writers:
            # The peer of a database in memory: it does not wait for the disk either.
            waits = "on" if self.options.durable else "off"
            environment = {**os.environ, "PGOPTIONS": f"-c synchronous_commit={waits}"}
            words = [str(word) for word in self.pgbench_words(writers, "-f", self.update)]
            writer = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        writes = 0
        try:
            rate = self.pgbench(CLIENTS, "-S", "-l", cwd=logs)
        finally:
            if writer:
                writes = pgbench_rate(writer.communicate(timeout=60)[0])
        latencies = []
        for path in logs.glob("pgbench_log.*"):
            with open(path) as lines:
                latencies.extend(int(line.split(" ", 3)[2]) for line in lines)
            path.unlink()
        latencies.sort()
        return rate, float(latencies[int(0.99 * len(latencies))]), writes

    def load(self, path):
        self.psql("DROP TABLE IF EXISTS loaded")
        self.psql("CREATE TABLE loaded (id int PRIMARY KEY, name text NOT NULL, score float8 NOT NULL)")
        self.psql("CHECKPOINT")
        return timed(lambda: self.psql(f"\\copy loaded FROM '{path}' CSV HEADER"))


def pgbench_rate(text):
    return float(re.search(r"tps = ([0-9.]+) \(without", text).group(1))


class Redis:
    """A Redis server, driven by redis-benchmark."""

    name = "Redis"

    def __init__(self, options, directory):
        self.options = options
        for program in ("redis-server", "redis-benchmark", "redis-cli"):
            if not shutil.which(program):
                raise Skipped("needs redis-server and redis-tools")
        self.port = free_port()
        words = ["redis-server", "--port", self.port, "--bind", "127.0.0.1", "--save", "", "--dir", directory,
                 "--appendonly", "yes" if options.durable else "no", "--appendfsync", "always"]
        self.server = subprocess.Popen([str(word) for word in words], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
        if options.durable:
            return
        commands = directory / "redis.txt"
        with open(commands, "w", newline="") as out:
            for number in range(options.rows):
                key, value = f"key:{number:012d}", f"val-{number:012d}"
                out.write(f"*3\r\n$3\r\nSET\r\n${len(key)}\r\n{key}\r\n${len(value)}\r\n{value}\r\n")
        with open(commands) as source:
            subprocess.run(["redis-cli", "-p", str(self.port), "--pipe"], stdin=source, check=True,
                           stdout=subprocess.DEVNULL)
        commands.unlink()

    def close(self):
        end(self.server)

    def inserts(self, clients):
        requests = int((3_000 + 1_000 * clients) * self.options.seconds)
        text = run(["redis-benchmark", "-p", self.port, "-t", "set", "-c", clients, "-n", requests, "-r", 10_000_000,
                    "-d", 16, "--csv"])
        return float(list(csv.DictReader(io.StringIO(text)))[-1]["rps"])

    def reads(self, clients, pipeline):
        # It counts requests, not seconds: as many as take about as long.
        rate = 30_000 if clients == 1 else 150_000
        requests = int(rate * self.options.seconds * (6 if pipeline > 1 else 1))
        text = run(["redis-benchmark", "-p", self.port, "-t", "get", "-c", clients, "-n", requests, "-P", pipeline,
                    "-r", self.options.rows, "-d", 16, "--csv"])
        return float(list(csv.DictReader(io.StringIO(text)))[-1]["rps"])


def find_own(directory, name):
    path = Path(directory) / name
    if path.exists():
        return path
    sys.exit(f"{path} is missing: cargo build --release --bin spg --bin spg-server, or name its folder with --bin")


def csv_file(directory, rows):
    path = directory / "rows.csv"
    with open(path, "w") as out:
        out.write("id,name,score\n")
        for number in range(rows):
            out.write(f"{number},name-{number:011d},{number * 0.5}\n")
    return path


def open_all(options, directory):
    """SPG and those of its peers that are here."""
    systems = []
    try:
        kinds = (Spg, AuditedSpg, PostgreSQL, Redis) if options.durable else (Spg, PostgreSQL, Redis)
        if options.transactions:
            kinds = [kind for kind in kinds if kind is not Redis]
        for system in kinds:
            try:
                systems.append(system(options, directory))
            except Skipped as reason:
                print(f"{system.name}: skipped: {reason}")
    except BaseException:
        close_all(systems)
        raise
    return systems


def close_all(systems):
    for system in systems:
        system.close()


def measure(systems, options, directory):
    """Medians by figure and system's name."""
    rows = csv_file(directory, options.rows)
    results = {}

    def add(figure, system, value):
        results.setdefault(figure, {}).setdefault(system.name, []).append(value)
        print(f"  {figure}: {system.name} {value:,.5g}", flush=True)

    for number in range(options.runs):
        print(f"run {number + 1} of {options.runs}", flush=True)
        if options.transactions:
            for level in LEVELS:
                for system in systems:
                    add(f"tpcb-like/s, {CLIENTS} clients, {level}", system, system.transactions(level))
            continue
        if options.durable:
            for clients in (1, 8, 32, 64):
                for system in systems:
                    add(f"durable inserts/s, {clients} client(s)", system, system.inserts(clients))
        for clients, pipeline in [] if options.durable else [(CLIENTS, 1), (1, 1), (CLIENTS, PIPELINE)]:
            for system in systems:
                figure = f"point reads/s, {clients} client(s), pipeline {pipeline}"
                add(figure, system, system.reads(clients, pipeline))
        for system in [system for system in systems if getattr(system, "beside", None)]:
            alone, *_ = system.beside(0)
            rate, p99, writes = system.beside(1)
            add(f"{CLIENTS} readers beside a writer: reads/s", system, rate)
            add(f"{CLIENTS} readers beside a writer: throughput kept", system, rate / alone)
            add(f"{CLIENTS} readers beside a writer: p99 us", system, p99)
            add(f"{CLIENTS} readers beside a writer: writes/s", system, writes)
        for system in [system for system in systems if getattr(system, "load", None)]:
            add(f"import of {options.rows:,} rows with key: rows/s", system, options.rows / system.load(rows))
    return {figure: {name: statistics.median(values) for name, values in by_name.items()}
            for figure, by_name in results.items()}


def show(medians):
    """The table; a ratio above 1 is in favour of SPG."""
    peers = [name for name in ("SPG with audit", "PostgreSQL", "Redis")
             if any(name in by_name for by_name in medians.values())]
    heads = ["figure", "SPG", *peers, *(f"SPG : {name}" for name in peers)]
    lines = [heads, ["---"] * len(heads)]
    for figure, by_name in medians.items():
        own = by_name["SPG"]
        line = [figure, f"{own:,.4g}" if own < 1_000 else f"{own:,.0f}"]
        for name in peers:
            value = by_name.get(name)
            line.append("" if value is None else f"{value:,.4g}" if value < 1_000 else f"{value:,.0f}")
        for name in peers:
            value = by_name.get(name)
            less_is_better = figure.endswith("us")
            line.append("" if value is None else f"{value / own if less_is_better else own / value:.2f}")
        lines.append(line)
    for line in lines:
        print("| " + " | ".join(line) + " |")


def main():
    here = Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--bin", default=here.parent.parent / "target" / "release", help="folder of spg and spg-server")
    parser.add_argument("--durable", action="store_true", help="with files, each commit synced: inserts")
    parser.add_argument("--transactions", action="store_true", help="pgbench's transaction at each isolation level")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5, help="of each measurement")
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="spg-compare-") as name:
        directory = Path(name)
        systems = open_all(options, directory)
        try:
            medians = measure(systems, options, directory)
        finally:
            close_all(systems)
    show(medians)


if __name__ == "__main__":
    main()
