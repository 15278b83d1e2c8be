# SPDX-License-Identifier: Apache-2.0
"""A running libsinsp host (tests/falco/host.cpp in the chroot) and what it prints. Knows no test."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent


class Skip(Exception):
    """The chroot cannot be made here."""


def chroot(*args, **kwargs):
    return subprocess.run([HERE / "chroot", *args], **kwargs)


def host_program():
    """Path of the host inside the chroot; compiles it if need be."""
    done = chroot("host", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode == 77:
        raise Skip(done.stderr.strip())
    if done.returncode:
        raise RuntimeError("the host cannot be made:\n" + done.stderr)
    return done.stdout.strip()


def stage(build):
    """The directory of plugins as `cmake --install` makes it and as one would copy it into a Falco image."""
    out = pathlib.Path(tempfile.mkdtemp(prefix="tercel-falco-"))
    subprocess.run(["cmake", "--install", build, "--prefix", out], check=True, stdout=subprocess.DEVNULL)
    return out / "share" / "falco" / "plugins"


class Host:
    """Started in the chroot, ended by closing its stdin; bounded by `seconds` in any case."""

    def __init__(self, plugins, fields=(), condition="", rules=None, config=None, container_config=None, seconds=120,
                 source="tercel", wrap=()):
        args = [host_program(), "--seconds", str(seconds)]
        for p in plugins:
            spec = str(p)
            if config is not None and p.name == "libtercel.so":
                spec += "=" + config
            if container_config is not None and p.name == "libtercel_container.so":
                spec += "=" + container_config
            args += ["--plugin", spec]
        if source:
            args += ["--source", source]
        if fields:
            args += ["--fields", ",".join(fields)]
        if condition:
            args += ["--filter", condition]
        if rules:
            args += ["--rules", str(rules)]
        self.lines = []
        self.changed = threading.Condition()
        self.ready = threading.Event()
        self.process = subprocess.Popen([HERE / "chroot", "run", *wrap, *args], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.errors = ""
        self.readers = [threading.Thread(target=self._read, daemon=True), threading.Thread(target=self._read_errors, daemon=True)]
        for r in self.readers:
            r.start()

    def _read(self):
        for line in self.process.stdout:
            event = json.loads(line)
            if event.get("ready"):
                self.ready.set()
                continue
            with self.changed:
                self.lines.append(event)
                self.changed.notify_all()
        self.ready.set()

    def _read_errors(self):
        self.errors = self.process.stderr.read()

    def wait_ready(self, seconds=60):
        self.ready.wait(seconds)
        if self.process.poll() is not None or not self.ready.is_set():
            self.stop()
            raise RuntimeError("the host did not get ready: " + self.errors)
        return self

    def events(self, **wanted):
        """Fields of all events so far for which every given field (dots as __) has that value, or fulfils that function."""
        def fits(fields):
            for key, value in wanted.items():
                have = fields.get(key.replace("__", "."))
                if not (value(have) if callable(value) else have == value):
                    return False
            return True
        return [e["fields"] for e in list(self.lines) if fits(e["fields"])]

    def wait(self, seconds=10, **wanted):
        """The first such event, once it is there; None if none comes."""
        end = time.monotonic() + seconds
        with self.changed:
            while True:
                found = self.events(**wanted)
                if found:
                    return found[0]
                left = end - time.monotonic()
                if left <= 0 or not self.changed.wait(left):
                    found = self.events(**wanted)
                    return found[0] if found else None

    def stop(self):
        """Ends it and returns its exit status."""
        try:
            self.process.stdin.close()
        except OSError:
            pass
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGKILL)
            return self.process.wait()
        finally:
            for r in self.readers:
                r.join(5)
