"""A client that speaks through an emulator in memory."""

from starwire.protocol.headers import CommonHeader, DispatcherHeader, WebHeader
from starwire.servers.memory import MemoryConnection, MemoryEmulator


class Client:
    """Asks one emulator."""

    def __init__(self, emulator: MemoryEmulator) -> None:
        self.emulator = emulator
        self.wire = emulator.profile.wire
        self.version = emulator.profile.version

    def key(self, user: str = "jeanvnet2", enterprise: str = "00022924") -> str:
        """That of a new session, from the jar."""
        jar = self.emulator.connect("jar")
        said = self.on(jar, f"CKM<USERID={user},ENTPID={enterprise}>".encode())
        jar.close()
        return said.split(b"KEY=")[1].rstrip(b">").decode()

    def on(self, connection: MemoryConnection, octets: bytes) -> bytes:
        """What is answered there to octets as they are."""
        connection.write(octets)
        self.emulator.run()
        return connection.take()

    def frame(self, message: bytes, key: str = "", serial: int = 1, **fields: int) -> bytes:
        header = CommonHeader(self.version, session_key=key, serial=serial, **fields)
        return self.wire.common.frame(header, message)

    def ask(self, place: str, message: bytes, key: str = "", **fields: int) -> bytes:
        """The data of the reply, on a connection of its own."""
        connection = self.emulator.connect(place)
        said = self.on(connection, self.frame(message, key, **fields))
        connection.close()
        return said[self.wire.common.size :]

    def status(self, place: str, message: bytes, key: str = "", **fields: int) -> int:
        connection = self.emulator.connect(place)
        said = self.on(connection, self.frame(message, key, **fields))
        connection.close()
        return self.wire.common.decode(said).status

    def body(self, transaction: int, target: str, message: bytes, key: str = "") -> bytes:
        """Of a POST."""
        header = DispatcherHeader(self.version, target=target)
        web = self.wire.web.encode(WebHeader(transaction, key))
        return web + self.wire.dispatcher.frame(header, message)

    def post(self, connection: MemoryConnection, body: bytes) -> bytes:
        """The whole response, as it is if the connection lasts."""
        head = f"POST {self.emulator.profile.web_path} HTTP/1.1\r\nHost: x\r\nContent-Length: "
        return self.on(connection, f"{head}{len(body)}\r\n\r\n".encode() + body)
