# SPDX-License-Identifier: Apache-2.0
"""Copies a recording (engine/events/recording.h) without what processes did that were not seeded, nor made by those that were.

Arguments: the recording, the copy.
"""

import struct
import sys

HEADER = struct.Struct("<QIHHIIII")  # struct tercel_hdr of bpf/abi.h, without the exec id
FORK, SEED, CGROUP = 1, 7, 8
FORK_CHILD_TGID = 48 + 16 + 8 * 7 + 4 * 5  # offset of tercel_fork.child_tgid


def main():
    with open(sys.argv[1], "rb") as source:
        info, data = source.readline(), source.read()
    known, kept, at = set(), [info], 0
    while at < len(data):
        _, size, kind, _, _, _, tgid, _ = HEADER.unpack_from(data, at)
        record = data[at:at + size]
        at += size
        if kind == SEED:
            known.add(tgid)
        if kind == FORK and tgid in known:
            known.add(struct.unpack_from("<I", record, FORK_CHILD_TGID)[0])
        if kind == CGROUP or tgid in known:
            kept.append(record)
    with open(sys.argv[2], "wb") as copy:
        copy.write(b"".join(kept))


main()
