"""Holds idle connections open: `python benchmarks/holder.py PORT COUNT REQUEST_IN_HEX [tls]`.

Each sends the request, takes the first octets of the reply, and idles until standard input ends.
Prints `ready` when all do.
"""

import resource
import socket
import ssl
import sys


def main() -> None:
    port, count = int(sys.argv[1]), int(sys.argv[2])
    request = bytes.fromhex(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_NOFILE, (count + 100, count + 100))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    held = []
    for _ in range(count):
        connection = socket.create_connection(("127.0.0.1", port))
        if sys.argv[4:] == ["tls"]:
            connection = context.wrap_socket(connection)
        connection.sendall(request)
        if not connection.recv(65_536):
            raise SystemExit("the server closed a connection")
        held.append(connection)
    print("ready", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
