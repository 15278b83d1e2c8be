# SPDX-License-Identifier: Apache-2.0
"""Programs that answer questions about conditions, one JSON line for another: the oracle and our evaluator.

Knows their protocol (tests/falco/oracle.cpp) and nothing of what is asked.
"""

import json
import os
import pathlib
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


class Skip(Exception):
    """The chroot cannot be made here."""


class Ended(Exception):
    """The program ended instead of answering."""


def shared():
    """The folder of rule files and captures, which may not be there."""
    return pathlib.Path(os.environ.get("TERCEL_SHARED", HERE.parents[1].parent / "shared")).resolve()


def chroot_oracle():
    """The command that runs the oracle in the chroot; compiles it if need be."""
    done = subprocess.run([HERE / "chroot", "oracle"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode == 77:
        raise Skip(done.stderr.strip())
    if done.returncode:
        raise RuntimeError("the oracle cannot be made:\n" + done.stderr)
    binds = ["--bind", str(shared())] if shared().is_dir() else []
    return [str(HERE / "chroot"), "run", *binds, done.stdout.strip()]


class Program:
    """One running program; started again when it has ended."""

    def __init__(self, command):
        self.command = command
        self.process = None
        self.complaints = tempfile.TemporaryFile()  # libraries say much that nobody asked

    def _start(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.complaints)

    def _line(self):
        line = self.process.stdout.readline()
        if not line.endswith(b"\n"):
            status = self.process.wait()
            self.process = None
            raise Ended(f"{self.command[-1]} ended with status {status}: {self._complaint()}")
        return json.loads(line.decode("utf-8", "surrogateescape"))

    def _complaint(self):
        self.complaints.seek(0)
        return self.complaints.read().decode("utf-8", "replace")[-500:].strip()

    def _send(self, request):
        if self.process is None:
            self._start()
        text = json.dumps(request, ensure_ascii=False, separators=(",", ":"))
        try:
            self.process.stdin.write(text.encode("utf-8", "surrogateescape") + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # reading says what became of it

    def ask(self, request):
        self._send(request)
        answer = self._line()
        if "error" in answer:
            raise RuntimeError(f"{self.command[-1]}: {answer['error']}")
        return answer

    def stream(self, request):
        """The answers up to the one that says "end"."""
        self._send(request)
        while True:
            answer = self._line()
            if "error" in answer:
                raise RuntimeError(f"{self.command[-1]}: {answer['error']}")
            if "end" in answer:
                return
            yield answer

    def stop(self):
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait(30)
            self.process = None
