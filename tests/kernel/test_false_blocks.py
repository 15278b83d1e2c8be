#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Real work under the full own rule set: nothing is blocked that the exact evaluator would not block.

usage: test_false_blocks.py TERCEL [NAME…]

Each work runs three times: without Tercel (if it fails then, it is left out, and said), enforced on the host, and
watched as if in a container, where many of the rules match. Every verdict is compared with what `tercel eval`, which
answers as Falco does, says of the same act; of starts of programs, everything that it says is compared, both ways. Work
that changes the system does so in an overlay of it, in a mount namespace of the test's own.
"""
import collections
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

from daemon import CONTAINER, PATIENCE, enter, main, remove_cgroup

ROOT = pathlib.Path(__file__).resolve().parents[2]
RULES = ROOT / "rules" / "tercel_rules.yaml"
VM = os.environ.get("TERCEL_VM") == "1"
EXEC_POINTS = ("sched_process_exec", "bprm_creds_from_file")
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/tmp", "LC_ALL": "C.UTF-8",
               "DEBIAN_FRONTEND": "noninteractive", "GIT_CONFIG_NOSYSTEM": "1"}

BUILD = """
set -e
rm -rf cmake && mkdir cmake && cd cmake
printf 'cmake_minimum_required(VERSION 3.16)\\nproject(p C)\\nadd_library(l a.c)\\nadd_executable(p b.c)\\ntarget_link_libraries(p l)\\n' >CMakeLists.txt
echo 'int f(void) { return 0; }' >a.c
echo 'int f(void); int main(void) { return f(); }' >b.c
cmake -S . -B build >/dev/null
cmake --build build >/dev/null
build/p
"""

CLONE = """
set -e
rm -rf git clone && git init -q git && cd git
git config user.name n && git config user.email e@example.org
for i in 1 2 3; do echo $i >f$i && git add f$i && git commit -q -m $i; done
git clone -q file://$PWD ../clone
cd ../clone && git checkout -q HEAD^ && git gc -q && [ -e f2 ]
"""

# Each command is on its own: in a container most are forbidden, and the others have to go on.
TOOLS = """
rm -rf tools && mkdir tools && cd tools
gcc --version; cmake --version; apt-get --version; dpkg --version; git --version; python3 --version
python3 -c 'import os; os.system("true")'; perl -e 'system("true; true")'
printf '#!/bin/sh\\nexit 0\\n' >script && chmod +x script && ./script; bash -c ./script; env sh script
cp /bin/true nc && ./nc; cp /bin/true xmrig && ./xmrig; cp /bin/true .hidden && ./.hidden
sh -c 'cat /etc/shadow' | head -c 1; tar cf t.tar script; tar xf t.tar; curl --version; base64 script | base64 -d
bash -c 'exec 3<>/dev/tcp/127.0.0.1/9'; bash -c 'exec 3<>/dev/tcp/127.0.0.1/3333'
timeout 2 bash -c 'exec 3<>/dev/udp/169.254.169.254/80'; getent hosts localhost; ls | sort | uniq
LD_PRELOAD=/nowhere.so true; nice ionice true; su -s /bin/sh nobody -c id; setsid true; kill -0 $$
true
"""

# What a machine without compilers and package managers does all day; ends well only if nothing of it is blocked.
FILES = """
set -e
rm -rf files && mkdir files && cd files
mkdir -p a/b/c && for i in 1 2 3 4 5 6 7 8; do echo $i >a/b/$i; done
ln -s b/1 a/link && ln a/b/2 a/hard && mv a/b/3 a/b/c/three && chmod 600 a/b/4 && chmod +x a/b/5 && rm a/b/6
sed -i s/7/seven/ a/b/7 && cp -a a copy && tar cf t.tar a && tar tf t.tar >/dev/null && rm -r copy && mkfifo p && rmdir a/b/c 2>/dev/null || true
find . -type f | sort | xargs grep -l e >/dev/null
printf 'import socket\\ns = socket.create_server(("127.0.0.1", 0))\\nc = socket.create_connection(s.getsockname())\\n' >s.py && python3 s.py
printf '#!/bin/sh\\ntest -e a\\n' >run && chmod 755 run && ./run && bash ./run && touch -d yesterday run && head -c 10 run >/dev/null && dd if=/dev/zero of=z bs=1k count=4 2>/dev/null
"""

APT = "set -e; apt-get install -qq -y --no-install-recommends containerd runc busybox-static >/dev/null"

CONTAINERD = r"""
mkdir -p /run/its && cd /run/its || exit
cat >config.toml <<E
version = 2
root = "/run/its/root"
state = "/run/its/state"
oom_score = 0
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "/run/its/socket"
E
containerd --config config.toml >log 2>&1 &
pid=$!
for i in $(seq 100); do ctr -a socket version >/dev/null 2>&1 && break; sleep 0.1; done
cat >image.py <<E
import hashlib, io, json, tarfile
def add(tar, name, data):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))
layer = io.BytesIO()
with tarfile.open(fileobj=layer, mode="w") as tar:
    tar.add("/bin/busybox", "bin/busybox")
    for name in ("sh", "echo"):
        info = tarfile.TarInfo("bin/" + name)
        info.type, info.linkname = tarfile.SYMTYPE, "busybox"
        tar.addfile(info)
layer = layer.getvalue()
config = {"architecture": "amd64", "os": "linux", "config": {},
          "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]}}
with tarfile.open("image.tar", "w") as tar:
    add(tar, "config.json", json.dumps(config).encode())
    add(tar, "layer.tar", layer)
    add(tar, "manifest.json", json.dumps([{"Config": "config.json", "RepoTags": ["docker.io/library/t:1"],
                                           "Layers": ["layer.tar"]}]).encode())
E
python3 image.py && ctr -a socket images import image.tar >/dev/null &&
	ctr -a socket run --rm --cgroup $CGROUP/inner docker.io/library/t:1 t1 /bin/sh -c 'echo "it runs"' | grep -q "it runs"
status=$?
kill $pid; wait $pid
[ $status = 0 ] || tail -n 5 log
exit $status
"""


class Overlay:
    """The machine's own file system, changes to which are forgotten; goes with this mount namespace."""

    def __init__(self, w):
        self.root = w.path("o/m")
        os.mkdir(w.path("o"))
        self.mount("-t", "tmpfs", "tercel", w.path("o"))
        for name in ("u", "w", "m"):
            os.mkdir(w.path("o/" + name))
        self.mount("-t", "overlay", "overlay", "-o", "lowerdir=/,upperdir=%s,workdir=%s" % (w.path("o/u"), w.path("o/w")), self.root)
        self.mount("-t", "proc", "proc", self.root + "/proc")
        self.mount("--rbind", "/dev", self.root + "/dev")
        self.mount("--rbind", "/sys", self.root + "/sys")
        self.mount("-t", "tmpfs", "run", self.root + "/run")
        # Packages start no services.
        with open(self.root + "/usr/sbin/policy-rc.d", "w") as f:
            f.write("#!/bin/sh\nexit 101\n")
        os.chmod(self.root + "/usr/sbin/policy-rc.d", 0o755)
        self.top = w.path("o")

    def mount(self, *args):
        subprocess.run(["mount", *args], check=True, capture_output=True)

    def close(self):
        subprocess.run(["umount", "-l", "-R", self.top], check=False)


def work_in(w, cgroup, script, root=None):
    """Runs it in that cgroup, without a terminal, by a program that is no interpreter; returns (exit status, what it said)."""
    def become():
        enter(cgroup)
        if root:
            os.chroot(root)
            os.chdir("/")
    place = os.path.relpath(cgroup, os.path.dirname(w.cgroup))
    done = subprocess.run(["/usr/bin/timeout", "300", "/bin/bash", "-c", script], env={**ENVIRONMENT, "CGROUP": "/" + place}, stdin=subprocess.DEVNULL, cwd=w.dir,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=5 * PATIENCE,
                          preexec_fn=become, start_new_session=True)
    return done.returncode, done.stdout


def under(w, mode, work):
    """What the daemon told while the work was done, and what the work came to."""
    w.write("p.yaml", "rules_files: [%s]\nrules: [{name: '*', mode: %s}]\n" % (RULES, mode))
    daemon = w.run(config="p.yaml")
    assert daemon.poll() is None, w.said()
    came_to = work()
    time.sleep(0.5)
    assert w.end(daemon, signal.SIGINT) == 0, w.said()
    with open(w.path("out")) as f:
        return [json.loads(line) for line in f], came_to


# ---- an act, as the evaluator takes it --------------------------------------------------------------------------------------

def arguments(text):
    """As Falco joins them; the export schema puts those with a blank into quotation marks."""
    out, rest = [], text
    while rest:
        if rest[0] == '"':
            end = rest.find('" ', 1)
            end = len(rest) - 1 if end < 0 else end
            out.append(rest[1:end])
            rest = rest[end + 2:]
        else:
            word, _, rest = rest.partition(" ")
            out.append(word)
    return " ".join(out)


def process_fields(entry, ancestry):
    p = entry["process"]
    name, args = ancestry[-1], arguments(p.get("arguments", ""))
    return {"proc.name": name, "proc.exepath": p.get("binary", ""), "proc.args": args,
            "proc.cmdline": (name + " " + args).strip(), "proc.pname": ancestry[-2] if len(ancestry) > 1 else None,
            "proc.aname": ancestry[-2::-1], "container.id": p["docker"][:12] if "docker" in p else "host",
            "user.uid": p["process_credentials"]["euid"] if "process_credentials" in p else p["uid"], "proc.tty": 0,
            "proc.env": " ".join("%s=%s" % pair for pair in ENVIRONMENT.items()),
            "proc.is_exe_from_memfd": p.get("binary", "").startswith("/memfd:"), "proc.is_exe_upper_layer": False}


def exec_event(entry):
    return {"evt.type": "execve", "evt.rawres": 0, "evt.res": "SUCCESS", **process_fields(entry, entry["tercel"]["lineage"].split(">"))}


def object_of(verdict):
    """The arguments of a verdict, by their names."""
    out = collections.defaultdict(list)
    for arg in verdict.get("args", []):
        for kind, value in arg.items():
            out[kind].append(value)
    return out


FILE_CALLS = {"path_unlink": "unlink", "path_rmdir": "rmdir", "path_rename": "rename", "path_link": "link", "path_symlink": "symlink",
              "path_mkdir": "mkdir", "path_mknod": "mknod", "path_chmod": "chmod", "path_chown": "chown"}


def protocol_of(verdict, connects):
    """A verdict does not tell it: the event of the same call does, which comes after it."""
    for entry in connects:
        told = object_of(entry)
        if entry["process"]["tid"] == verdict["process"]["tid"] and told["sock_arg"] and entry["seen"] > verdict["seen"] and \
                told["sockaddr_arg"] == object_of(verdict)["sockaddr_arg"]:
            return told["sock_arg"][0]["protocol"].replace("IPPROTO_", "").lower()
    return None


def act_event(verdict, connects):
    """What is told of a verdict that is not on the commit of an exec; None: it tells too little to be compared."""
    ancestry, point, told = verdict["tercel"]["lineage"].split(">"), verdict["tercel"]["point"], object_of(verdict)
    paths = [a["path"] for kind in ("linux_binprm_arg", "file_arg", "path_arg") for a in told[kind]]
    event = {"evt.rawres": 0, "evt.res": "SUCCESS", **process_fields(verdict, ancestry)}
    if point == "bprm_creds_from_file":
        name = os.path.basename(paths[0])[:15]
        return {**event, "evt.type": "execve", "proc.name": name, "proc.exepath": paths[0]}
    if point.startswith("cgroup_connect"):
        sock = told["sockaddr_arg"][0]
        return {**event, "evt.type": "connect", "fd.typechar": "6" if "INET6" in sock["family"] else "4", "fd.num": 3,
                "fd.l4proto": protocol_of(verdict, connects), "fd.sip": sock["addr"], "fd.sport": sock["port"]}
    if point == "file_open":
        return {**event, "evt.type": "openat", "evt.is_open_write": True, "fd.typechar": "f", "fd.num": 3, "fd.name": paths[0],
                "fd.directory": os.path.dirname(paths[0]), "fd.filename": os.path.basename(paths[0])}
    call = FILE_CALLS.get(point)
    if not call or not paths:
        return None
    return {**event, "evt.type": call, "fs.path.name": paths[0], "fs.path.source": paths[0], "fs.path.target": paths[-1],
            "evt.arg.oldpath": paths[0], "evt.arg.newpath": paths[-1], "evt.arg.linkpath": paths[0], "evt.arg.mode": "S_ISUID|S_IXUSR"}


def evaluate(w, events):
    """The rules that match each event, by the exact evaluator."""
    with open(w.path("events"), "w") as f:
        for event in events:
            f.write(json.dumps({k: v for k, v in event.items() if v is not None}) + "\n")
    done = subprocess.run([w.tercel, "eval", "--events", w.path("events"), "-o", "json", str(RULES)], capture_output=True, text=True,
                          timeout=PATIENCE)
    assert done.returncode == 0, done.stderr[:1000]
    answers = [set(json.loads(line)["rules"]) for line in done.stdout.splitlines()]
    assert len(answers) == len(events), (len(answers), len(events))
    return answers


def compare(w, told, name, mode):
    """Returns (starts of programs, verdicts, rules that matched). Fails where a verdict is more than the rule says."""
    for seen, entry in enumerate(told):
        for event in entry.values():
            if isinstance(event, dict):
                event["seen"] = seen
    starts = [e["process_exec"] for e in told if "process_exec" in e and "execve" in e["process_exec"]["process"]["flags"].split()]
    verdicts = [e["process_lsm"] for e in told if "policy_name" in e.get("process_lsm", {})]
    at_exec = collections.defaultdict(dict)
    for v in verdicts:
        if v["tercel"]["point"] == "sched_process_exec":
            at_exec[v["process"]["exec_id"]][v["policy_name"]] = v
    wrong, matched = [], collections.Counter()
    events = [exec_event(entry) for entry in starts]
    for entry, event, rules in zip(starts, events, evaluate(w, events)):
        got = at_exec.pop(entry["process"]["exec_id"], {})
        certain = {rule for rule, v in got.items() if not v["tercel"]["uncertain"]}
        matched.update(rules)
        if certain - rules:
            wrong.append("more than the rule says: %s on %s" % (sorted(certain - rules), event))
        # Where the LSM has refused a start, there is none; what remains was let through there, or is decided at the commit.
        if rules - set(got):
            wrong.append("not told: %s on %s" % (sorted(rules - set(got)), event))
    for got in at_exec.values():
        wrong += ["a verdict on no start: %s" % v for v in got.values()]
    others = [v for v in verdicts if v["tercel"]["point"] != "sched_process_exec"]
    connects = [e["process_lsm"] for e in told if e.get("process_lsm", {}).get("function_name") == "socket_connect"
                and "policy_name" not in e["process_lsm"]]
    events = [act_event(v, connects) for v in others]
    wrong += ["cannot be compared: %s" % v for v, event in zip(others, events) if event is None and not v["tercel"]["uncertain"]]
    pairs = [(v, event) for v, event in zip(others, events) if event]
    for (v, event), rules in zip(pairs, evaluate(w, [event for _, event in pairs]) if pairs else []):
        matched.update({v["policy_name"]} & rules)
        if v["policy_name"] not in rules and not v["tercel"]["uncertain"]:
            wrong.append("more than the rule says: %s on %s" % (v["policy_name"], event))
    wrong += ["blocked although uncertain: %s" % v for v in verdicts if v["tercel"]["uncertain"] and v["tercel"]["enforced"]]
    wrong += ["%s, and not enforced: %s" % (mode, v) for v in verdicts
              if not v["tercel"]["uncertain"] and v["tercel"]["enforced"] != (mode == "enforce")]
    blocked = sum(v["tercel"]["enforced"] for v in verdicts)
    print("  %-10s %-9s %5d starts of programs, %4d verdicts, %4d blocked, %2d rules" %
          (name, mode, len(starts), len(verdicts), blocked, len(matched)), flush=True)
    assert not wrong, "%d wrong, the first: %s" % (len(wrong), "\n".join(wrong[:3]))
    for line in w.said().splitlines():
        assert "undecided" not in line and "not made" not in line and "faulty" not in line, line
        if " generated " in line and (" verdict " in line or " exec " in line):
            assert line.endswith("dropped 0"), line
    return len(starts), len(verdicts), matched


def everywhere(w, name, script, least, root=None, container=True):
    status, said = work_in(w, w.cgroup, script, root)
    if status:
        print("  %-10s left out: it fails without Tercel, too: %s" % (name, said.strip()[-300:]), flush=True)
        return None
    told, (status, said) = under(w, "enforce", lambda: work_in(w, w.cgroup, script, root))
    starts, verdicts, matched = compare(w, told, name, "enforce")
    assert status == 0 or matched, "%s: status %d, and no rule matched: %s" % (name, status, said[-500:])
    assert starts >= least, starts
    if not container:
        return matched
    inner = os.path.join(w.cgroup, CONTAINER)
    os.makedirs(inner, exist_ok=True)
    try:
        for mode in ("monitor", "enforce"):
            told, _ = under(w, mode, lambda: work_in(w, inner, script, root))
            matched += compare(w, told, name + " (c)", mode)[2]
    finally:
        remove_cgroup(inner)
    return matched


# ---- tests ------------------------------------------------------------------------------------------------------------------

def a_build(w):
    everywhere(w, "cmake", BUILD, 20)


def a_clone(w):
    everywhere(w, "git", CLONE, 20)


def tools_that_rules_are_about(w):
    matched = everywhere(w, "tools", TOOLS, 30)
    # Else this shows nothing: the comparison has to have had something to compare.
    assert matched is None or len(matched) >= 8, matched


def files_and_sockets(w):
    # Under emulation loading takes most of the time: once has to do.
    everywhere(w, "files", FILES, 15, container=not VM)


def a_package_and_a_container_runtime(w):
    overlay = Overlay(w)
    try:
        if subprocess.run(["chroot", overlay.root, "apt-get", "--version"], capture_output=True).returncode:
            print("  no apt-get")
            return
        # Enforced on its first run: a second one would find the package installed. Without it the network may be at fault.
        told, (status, said) = under(w, "enforce", lambda: work_in(w, w.cgroup, APT, overlay.root))
        starts, _, matched = compare(w, told, "apt-get", "enforce")
        if status and not matched:
            print("  apt-get    left out: it fails without a rule that matches: " + said.strip()[-300:])
            return
        assert status == 0, said[-1000:]
        everywhere(w, "containerd", CONTAINERD, 20, overlay.root, container=False)
    finally:
        overlay.close()


sys.exit(main([files_and_sockets] if VM else
              [files_and_sockets, a_build, a_clone, tools_that_rules_are_about, a_package_and_a_container_runtime]))
