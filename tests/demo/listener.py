# SPDX-License-Identifier: Apache-2.0
"""The demo's attacker: listens on a loopback port, writes whatever arrives to a file, until it is ended.

Arguments: the file for the port number (written once the socket listens), the file for what arrives.
"""

import os
import socket
import sys


def main():
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(8)
    with open(sys.argv[1] + ".new", "w") as f:
        f.write("%d\n" % listener.getsockname()[1])
    os.rename(sys.argv[1] + ".new", sys.argv[1])
    with open(sys.argv[2], "ab", buffering=0) as received:
        while True:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(10)
                while data := connection.recv(4096):
                    received.write(data)


main()
