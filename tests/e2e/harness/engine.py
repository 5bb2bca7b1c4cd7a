# SPDX-License-Identifier: Apache-2.0
"""The ezcdc program as a user meets it: INI files, commands, exit codes, processes."""

import copy
import datetime
import contextlib
import json
import os
import pathlib
import signal
import subprocess

from . import process
from .waiting import wait_for

OK, FAILED, USAGE, FOUND = 0, 1, 2, 3
PASSED_ON = ("PATH", "HOME", "LANG", "ASAN_OPTIONS", "UBSAN_OPTIONS",
             "TSAN_OPTIONS", "LSAN_OPTIONS", "TERM")


class Result:
    """What a finished command left behind."""

    def __init__(self, command, code, stdout, stderr):
        self.command = command
        self.code = code
        self.stdout = stdout
        self.stderr = stderr

    @property
    def text(self):
        return self.stdout + self.stderr

    def json(self):
        try:
            return json.loads(self.stdout)
        except ValueError:
            raise AssertionError(f"no JSON on standard output: {self}") from None

    def __repr__(self):
        return (f"{' '.join(map(str, self.command))} ended with {self.code}\n"
                f"stdout: {self.stdout}\nstderr: {self.stderr}")


class Program:
    """An installed ezcdc: make install DESTDIR=stage."""

    def __init__(self, stage):
        programs = sorted(pathlib.Path(stage).rglob("bin/ezcdc"))
        connectors = sorted(pathlib.Path(stage).rglob("ezcdc/*/postgres.so"))
        connectors += sorted(pathlib.Path(stage).rglob("ezcdc/postgres.so"))
        if not programs or not connectors:
            raise RuntimeError(f"no ezcdc is installed under {stage}")
        self.path = programs[0]
        self.connector_dir = connectors[0].parent

    def environment(self, **more):
        kept = {name: os.environ[name] for name in PASSED_ON
                if name in os.environ}
        kept.update((name, value) for name, value in more.items()
                    if value is not None)
        return kept

    def __call__(self, *arguments, input=None, timeout=60, **environment):
        command = [str(self.path), *map(str, arguments)]
        done = subprocess.run(
            command, env=self.environment(**environment), text=True,
            input=input, stdin=None if input is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout)
        return Result(command, done.returncode, done.stdout, done.stderr)

    def new_key(self):
        return self("key", "new").stdout.strip()


class Pipeline:
    """One INI file, its key and its state folder."""

    def __init__(self, program, folder, name, key):
        self.program = program
        self.folder = folder
        self.name = name
        self.key = key
        self.ini = folder / f"{name}.ini"
        self.state_dir = folder / "state"
        self.audit_log = folder / f"{name}.audit.jsonl"
        self.sections = {
            "pipeline": {"name": name, "state_dir": self.state_dir,
                         "connector_dir": program.connector_dir,
                         "audit_log": self.audit_log},
            "source": {}, "sink": {}, "batch": {"max_delay": "100ms"},
        }
        self.secrets = {}
        self.runs = []
        self._outputs = []
        self._sealed = False
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def slot(self):
        return str(self.sections["source"].get("slot", f"ezcdc_{self.name}"))

    def configure(self, **sections):
        """Merges keys into sections (None takes one away) and writes the file."""
        for section, keys in sections.items():
            self.section(section, **keys)
        self.write()
        return self

    def section(self, title, **keys):
        """As configure, for sections whose title is no Python word."""
        held = self.sections.setdefault(title, {})
        for key, value in keys.items():
            if value is None:
                held.pop(key, None)
            else:
                held[key] = value
        return self

    def text(self):
        parts = []
        for title, keys in self.sections.items():
            if keys or title in ("source", "sink"):
                parts.append(f"[{title}]")
                parts += [f"{key} = {value}" for key, value in keys.items()]
        return "\n".join(parts) + "\n"

    def write(self):
        self.ini.write_text(self.text())
        os.chmod(self.ini, 0o600)

    def seal(self):
        """Seals every secret of self.secrets: {"source.password": "..."}.

        The sealed values are taken back from the file, so that a later
        write keeps them.
        """
        self.write()
        for option, secret in self.secrets.items():
            done = self("seal", self.ini, "--set", option, input=secret)
            assert done.code == OK, done
        titles = copy.copy(self.sections)
        section = None
        for line in self.ini.read_text().splitlines():
            if line.startswith("["):
                section = line.strip("[] ")
            elif "=" in line and section in titles:
                key, _, value = line.partition("=")
                if value.strip().startswith("ezc1:"):
                    self.sections[section][key.strip()] = value.strip()
        self._sealed = True
        return self

    # Commands.

    def __call__(self, command, *arguments, input=None, timeout=60, **env):
        env.setdefault("CONFIG_ENCRYPTION_KEY", self.key)
        done = self.program(command, *arguments, input=input, timeout=timeout,
                            **env)
        self._outputs.append(done.text)
        return done

    def _ready(self):
        if not self._sealed:
            self.seal()

    def check(self, *arguments, **options):
        self._ready()
        return self("check", *arguments, self.ini, **options)

    def verify(self, *arguments, timeout=120):
        self._ready()
        return self("verify", *arguments, self.ini, timeout=timeout)

    def until_caught_up(self, timeout=120, expect=OK, **env):
        """Runs until caught up; expect is the exit code asked for, or None."""
        self._ready()
        done = self("run", "--until-caught-up", self.ini, timeout=timeout, **env)
        if expect is not None:
            assert done.code == expect, done
        return done

    def audit(self):
        """The records of the audit log."""
        if not self.audit_log.exists():
            return []
        return [json.loads(line) for line in
                self.audit_log.read_text().splitlines()]

    def audit_verify(self):
        return self("audit", "verify", self.audit_log)

    def status(self):
        """status --json as a dictionary; {} while there is nothing to tell."""
        done = self("status", "--json", self.ini)
        if done.code != OK:
            return {}
        return done.json()

    def start(self, *arguments, detached=False, inherit=False, **env):
        """Starts a run. inherit lets it write where we write, so that a
        person sees it; detached lets it outlive us."""
        self._ready()
        run = Run(self, arguments, env, detached, inherit)
        self.runs.append(run)
        return run

    def stop_all(self):
        for run in self.runs:
            run.kill()

    def outputs(self):
        """Everything that the program ever printed for this pipeline."""
        return "".join(self._outputs
                       + [run.text for run in self.runs])


class Run:
    """An `ezcdc run` in the background."""

    def __init__(self, pipeline, arguments, env, detached=False,
                 inherit=False):
        self.pipeline = pipeline
        number = len(pipeline.runs)
        self.stdout_path = pipeline.folder / f"{pipeline.name}.{number}.out"
        self.stderr_path = pipeline.folder / f"{pipeline.name}.{number}.err"
        env.setdefault("CONFIG_ENCRYPTION_KEY", pipeline.key)
        self.since = datetime.datetime.now(datetime.timezone.utc).strftime(
            "%Y-%m-%dT%H:%M:%S.%fZ")
        with open(self.stdout_path, "wb") as out, \
                open(self.stderr_path, "wb") as err:
            self.process = process.start(
                [str(pipeline.program.path), "run", *map(str, arguments),
                 str(pipeline.ini)],
                env=pipeline.program.environment(**env), detached=detached,
                stdin=subprocess.DEVNULL, stdout=None if inherit else out,
                stderr=None if inherit else err)

    @property
    def text(self):
        return (self.stdout_path.read_text(errors="replace")
                + self.stderr_path.read_text(errors="replace"))

    @property
    def running(self):
        return self.process.poll() is None

    def describe(self):
        return (f"exit code: {self.process.poll()}\n"
                f"status: {self.pipeline.status()}\noutput:\n{self.text}")

    def wait_status(self, condition, what, timeout=60):
        """Polls status --json until condition(status); fails early if the run ended."""
        def holds():
            status = self.pipeline.status()
            if status and condition(status):
                return status
            if not self.running:
                raise AssertionError(f"ezcdc ended before: {what}\n"
                                     f"{self.describe()}")
            return None
        return wait_for(holds, timeout, what, every=0.1, because=self.describe)

    def wait_streaming(self, timeout=60):
        return self.wait_status(
            # A run that was killed has left what it said last.
            lambda status: (status.get("started") or "") >= self.since
            and status.get("state") == "running"
            and status.get("phase") == "streaming", "streaming", timeout)

    def wait_until(self, condition, what, timeout=60, every=0.05):
        """Waits for a condition outside ezcdc while the run must stay alive."""
        def holds():
            value = condition()
            if not value and not self.running:
                raise AssertionError(f"ezcdc ended before: {what}\n"
                                     f"{self.describe()}")
            return value
        return wait_for(holds, timeout, what, every=every,
                        because=self.describe)

    def wait_exit(self, timeout=60):
        def ended():
            return not self.running
        wait_for(ended, timeout, "ezcdc ends", because=self.describe)
        return self.process.returncode

    def wait_text(self, text, timeout=30):
        return wait_for(lambda: text in self.text, timeout,
                        f"output says {text!r}", because=self.describe)

    @property
    def keeper(self):
        return self.process.pid

    def runner(self):
        """The pid of the process that maps a connector, or None."""
        for pid in process.descendants(self.process.pid):
            try:
                with open(f"/proc/{pid}/maps") as maps:
                    if "postgres.so" in maps.read():
                        return pid
            except OSError:
                continue
        return None

    def terminate(self, timeout=30):
        """SIGTERM; returns the exit code."""
        if self.running:
            self.process.send_signal(signal.SIGTERM)
        return self.wait_exit(timeout)

    @contextlib.contextmanager
    def paused(self):
        """The runner stands still: it looks at nothing meanwhile."""
        runner = self.runner()
        os.kill(runner, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(runner, signal.SIGCONT)

    def kill(self):
        """SIGKILL to keeper and runner alike: the crash of a machine."""
        below = process.descendants(self.process.pid)
        for pid in [self.process.pid, *below]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        wait_for(lambda: not any(process.alive(pid) for pid in below), 10,
                 "the runner is gone")
