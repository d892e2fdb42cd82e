"""Captures as connections: packets in any order and twice, with holes, raw octets and hex dumps."""

import random

import dpkt
import msgspec
import pytest
from click.testing import CliRunner
from support_learning import Traffic

from starwire.harness import captures
from starwire.harness.captures import Captured
from starwire.harness.cli import main
from starwire.harness.learning import Line
from starwire.protocol.layout import Integer
from starwire.protocol.profile import load_profile, shipped

CLIENT, SERVER = b"\x7f\0\0\1", b"\x0a\0\0\2"


def run(*arguments):
    result = CliRunner().invoke(main, ["profile", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result


def packets_of(line, port, size=100):
    """The packets of a connection: both sides in segments of any length, and the handshake."""
    chance = random.Random(port)
    ports = {"client": (40_000 + port, 8412), "server": (8412, 40_000 + port)}
    due = {"client": 0xFFFFFF00 + port, "server": 7}

    def packet(sender, flags, data=b""):
        source, target = (CLIENT, SERVER) if sender == "client" else (SERVER, CLIENT)
        sport, dport = ports[sender]
        tcp = dpkt.tcp.TCP(
            sport=sport, dport=dport, seq=due[sender] % 2**32, flags=flags, data=data
        )
        ip = dpkt.ip.IP(src=source, dst=target, p=6, data=tcp)
        ip.len = len(ip)
        due[sender] += len(data) + bool(flags & 2)
        return dpkt.ethernet.Ethernet(src=b"\0" * 6, dst=b"\0" * 6, type=0x0800, data=ip)

    yield packet("client", 0x02)
    yield packet("server", 0x12)
    for sender, octets in (("client", line.client), ("server", line.server)):
        at = 0
        while at < len(octets):
            length = chance.randrange(1, size)
            yield packet(sender, 0x18, octets[at : at + length])
            at += length
    yield packet("client", 0x11)


LINKS = {
    "ethernet": (1, bytes),
    "loopback": (0, lambda packet: b"\2\0\0\0" + bytes(packet.data)),
    "raw": (101, lambda packet: bytes(packet.data)),
    "cooked": (113, lambda packet: b"\0\0\0\1\0\6" + bytes(8) + b"\x08\0" + bytes(packet.data)),
}


def written(path, packets, link="ethernet", kind=dpkt.pcap.Writer):
    number, octets_of = LINKS[link]
    with path.open("wb") as file:
        if kind is dpkt.pcapng.Writer:
            idb = dpkt.pcapng.InterfaceDescriptionBlockLE(linktype=number)
            writer = kind(file, idb=idb)
        else:
            writer = kind(file, linktype=number)
        for at, packet in enumerate(packets):
            writer.writepkt(octets_of(packet), ts=at)
    return path


def traffic():
    return [one for one in Traffic(shipped("little"), 1).lines if one.spoken != "web"]


def told(lines):
    return [(line.spoken, line.client, line.server) for line in lines]


@pytest.mark.parametrize("link", LINKS)
def test_packets_of_every_link_are_the_connections(tmp_path, link):
    lines = traffic()
    packets = [one for port, line in enumerate(lines) for one in packets_of(line, port)]
    captured = Captured([str(written(tmp_path / "x.pcap", packets, link))], "auto")
    assert told(captured.lines()) == told(lines)
    assert captured.notes == []


def test_pcapng_is_read_too_and_the_profile_learned_of_it(tmp_path):
    packets = [one for port, line in enumerate(traffic()) for one in packets_of(line, port)]
    path = written(tmp_path / "x.pcapng", packets, kind=dpkt.pcapng.Writer)
    run("learn", path, "--out", tmp_path / "x.toml")
    learned = load_profile((tmp_path / "x.toml").read_text())
    assert learned.common == shipped("little").common
    assert learned.dispatcher == shipped("little").dispatcher


@pytest.mark.parametrize("seed", range(5))
def test_order_and_retransmission_of_segments_do_not_show(tmp_path, seed):
    chance = random.Random(seed)
    lines = traffic()[:12]
    packets = []
    for port, line in enumerate(lines):
        mine = list(packets_of(line, port))
        body = mine[2:]
        body += chance.sample(body, len(body) // 2)
        chance.shuffle(body)
        packets += mine[:2] + body
    captured = Captured([str(written(tmp_path / "x.pcap", packets))], "auto")
    assert told(captured.lines()) == told(lines)
    assert captured.notes == []


def test_a_missing_segment_ends_its_stream_and_is_told(tmp_path):
    line = max(traffic(), key=lambda one: len(one.client))
    packets = list(packets_of(line, 0, size=50))
    kept = len(packets[2].data.data.data)
    captured = Captured([str(written(tmp_path / "x.pcap", packets[:3] + packets[4:]))], "auto")
    [found] = captured.lines()
    assert found.client == line.client[:kept]
    assert found.server == line.server
    [note] = captured.notes
    assert note == (
        f"127.0.0.1:40000 to 10.0.0.2:8412: a segment of the client behind octet {kept} was not"
        f" captured; its stream ends there, "
        f"{len(line.client) - kept - len(packets[3].data.data.data)} octets left out"
    )


def test_a_connection_whose_opening_was_not_captured_is_read_from_there(tmp_path):
    """With the server's SYN its acknowledgement tells where the client begins; without, a note."""
    line = max(traffic(), key=lambda one: len(one.client))
    packets = list(packets_of(line, 0, size=50))
    body = packets[2:]
    body[0], body[1] = body[1], body[0]
    packets[1].data.data.ack = packets[2].data.data.seq
    answered = Captured([str(written(tmp_path / "x.pcap", [packets[1], *body]))], "auto")
    assert told(answered.lines()) == told([line])
    assert answered.notes == []
    unknown = Captured([str(written(tmp_path / "y.pcap", packets[2:]))], "auto")
    assert told(unknown.lines()) == told([line])
    assert [note.partition(": ")[2] for note in unknown.notes] == [
        "its beginning was not captured",
        "its beginning was not captured",
    ]


def test_the_fill_of_short_ethernet_frames_is_no_data(tmp_path):
    line = max(traffic(), key=lambda one: len(one.client))
    with (tmp_path / "x.pcap").open("wb") as file:
        writer = dpkt.pcap.Writer(file)
        for at, packet in enumerate(packets_of(line, 0, size=5)):
            writer.writepkt(bytes(packet).ljust(60, b"x"), ts=at)
    assert told(Captured([str(tmp_path / "x.pcap")], "auto").lines()) == told([line])


def test_packets_cut_short_are_told(tmp_path):
    line = max(traffic(), key=lambda one: len(one.client))
    with (tmp_path / "x.pcap").open("wb") as file:
        writer = dpkt.pcap.Writer(file)
        for at, packet in enumerate(packets_of(line, 0, size=200)):
            writer.writepkt(bytes(packet)[:60], ts=at)
    captured = Captured([str(tmp_path / "x.pcap")], "auto")
    captured.lines()
    assert any(
        "were not captured whole; capture with their whole length" in n for n in captured.notes
    )


def xxd(octets):
    for at in range(0, len(octets), 16):
        piece = octets[at : at + 16]
        pairs = " ".join(piece[n : n + 2].hex() for n in range(0, len(piece), 2))
        text = "".join(chr(one) if 32 <= one < 127 else "." for one in piece)
        yield f"{at:08x}: {pairs:<39}  {text}\n"


def hexdump(octets):
    for at in range(0, len(octets), 16):
        piece = octets[at : at + 16]
        text = "".join(chr(one) if 32 <= one < 127 else "." for one in piece)
        yield f"{at:08x}  {piece[:8].hex(' '):<23}  {piece[8:].hex(' '):<23}  |{text}|\n"
    yield f"{len(octets):08x}\n"


@pytest.mark.parametrize("dumped", [None, xxd, hexdump])
def test_the_two_sides_of_a_connection_as_files(tmp_path, dumped):
    lines = [one for one in traffic() if one.spoken == "common"]
    sent, received = (
        b"".join(getattr(one, side) for one in lines) for side in ("client", "server")
    )
    for name, octets in (("sent", sent), ("received", received)):
        text = octets if dumped is None else "".join(dumped(octets)).encode()
        (tmp_path / name).write_bytes(text)
    captured = Captured([], "auto", str(tmp_path / "sent"), str(tmp_path / "received"))
    assert told(captured.lines()) == [("common", sent, received)]


def test_a_dump_that_leaves_lines_out_is_refused(tmp_path):
    dumped = list(hexdump(bytes(range(100))))
    (tmp_path / "x").write_text("".join([*dumped[:2], "*\n", *dumped[3:]]))
    told = CliRunner().invoke(main, ["profile", "learn", "--requests", f"{tmp_path}/x"])
    assert told.exit_code == 2
    assert told.stderr == (
        f"starwire: {tmp_path}/x: line 3 does not go on at octet 32; dump every line"
        " (`hexdump -v -C`, `xxd`)\n"
    )


@pytest.mark.parametrize(
    ("client", "said"),
    [
        (b"\x16\x03\x01\x02\x00\x01", "encrypted by TLS"),
        (random.Random(1).randbytes(32) + b"\0\0\0\x40" + bytes(64), "are sealed (ENC-01)"),
        (b"GRTL<PRODUCT=V>", "bare messages"),
        (b"GET / HTTP/1.1\r\n\r\n", "no connection of this wire"),
        (random.Random(2).randbytes(5000), "is the capture encrypted?"),
        (bytes(5000), "from octet 0 on: no length field fits"),
        (b"\x01\0\0\0\x31" + bytes(44), "no message text found"),
        (b"", "carry nothing"),
        (
            b"".join(
                b"\1\0\0\0\x27\0\0" + bytes(n * k % 251 for k in range(1, 27)) + b"VUM<A>"
                for n in range(1, 99)
            ),
            "explains its 33 octets: there is no place for session_key",
        ),
    ],
)
def test_what_cannot_be_learned_from_is_told_in_one_line(tmp_path, client, said):
    (tmp_path / "x").write_bytes(client)
    told = CliRunner().invoke(main, ["profile", "learn", "--requests", f"{tmp_path}/x"])
    assert told.exit_code == 2, told.output
    assert said in told.stderr
    assert told.stderr.count("\n") == 1


def test_no_octets_of_a_packet_file_bring_a_traceback(tmp_path):
    packets = [one for port, line in enumerate(traffic()[:4]) for one in packets_of(line, port)]
    whole = written(tmp_path / "x.pcap", packets).read_bytes()
    chance = random.Random(3)
    for number in range(60):
        octets = bytearray(whole)
        for _ in range(20):
            octets[chance.randrange(24, len(octets))] = chance.randrange(256)
        (tmp_path / "y.pcap").write_bytes(octets[: chance.randrange(24, len(octets))])
        told = CliRunner().invoke(main, ["profile", "learn", f"{tmp_path}/y.pcap"])
        assert told.exit_code in (0, 2), (number, told.exception)


def test_plain_http_in_packets_gives_the_web_header(tmp_path):
    """Requests with a length, replies with one and chunked; what is not 200 is no body of ours."""
    packets = []
    for port, line in enumerate(one for one in Traffic(shipped("little"), 4).lines if one.bodies):
        (_, asked), (_, answered) = line.bodies
        head = b"POST /nmci HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(asked)
        reply = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(answered), answered)
        chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        chunked += b"%x\r\n%b\r\n0\r\n\r\n" % (len(answered), answered)
        refused = b"HTTP/1.1 503 No\r\nContent-Length: 110\r\n\r\n" + 10 * b"for people\n"
        whole = Line("", "web", 2 * (head + asked), (reply if port % 2 else chunked) + refused)
        packets += packets_of(whole, port, size=300)
    out = tmp_path / "learned.toml"
    told = run("learn", written(tmp_path / "x.pcap", packets), "--out", out)
    learned = load_profile(out.read_text())
    assert learned.web == shipped("little").web
    assert learned.dispatcher == shipped("little").dispatcher
    assert f"web header: 17 octets, {3 * (port + 1)} frames" in told.stdout


def test_what_only_the_rest_of_a_capture_shows_is_learned_too(tmp_path, monkeypatch):
    """A length of 3 octets and an echo of 2 look like 4 and 1 until there is an echo."""
    common = msgspec.structs.replace(shipped("little").common, length=Integer(3), echo=Integer(2))
    profile = msgspec.structs.replace(shipped("little"), common=common, frame_octets=(1 << 24) - 1)
    lines = [one for one in Traffic(profile, 6, 80).lines if one.spoken == "common"]
    echoes = [one for one in lines if one.client == one.server]
    others = [one for one in lines if one.client != one.server]
    packets = [one for port, line in enumerate(others + echoes) for one in packets_of(line, port)]
    path = written(tmp_path / "x.pcap", packets)
    monkeypatch.setattr(captures, "_IN_ALL", sum(len(x.client + x.server) for x in others) - 10)
    assert len(Captured([str(path)], "auto").lines()) <= len(others)
    out = tmp_path / "learned.toml"
    told = run("learn", path, "--out", out)
    assert load_profile(out.read_text()).common == common
    assert f"of {len(lines)} connections are read with this profile" in told.stdout


def test_frames_that_are_not_read_are_told_and_do_no_harm(tmp_path):
    lines = [one for one in Traffic(shipped("default"), 7).lines if one.spoken == "common"]
    broken = Line("", "common", lines[0].client + b"\2" + bytes(60), lines[0].server)
    packets = [one for port, line in enumerate([*lines, broken]) for one in packets_of(line, port)]
    out = tmp_path / "learned.toml"
    told = run("learn", written(tmp_path / "x.pcap", packets), "--out", out)
    assert load_profile(out.read_text()).common == shipped("default").common
    assert f"127.0.0.1:{40_000 + len(lines)} to 10.0.0.2:8412 is not read to its end" in told.stdout
    assert "version 2 is not 1, in the frame at octet" in told.stdout


def test_other_traffic_in_a_capture_does_no_harm(tmp_path):
    lines = [one for one in Traffic(shipped("default"), 8).lines if one.spoken == "common"]
    other = Line("", "common", b"SSH-2.0-x\r\n" + bytes(range(256)) * 200, b"SSH-2.0-y\r\n" * 9)
    tls = Line("", "common", b"\x16\x03\x01" + bytes(range(256)) * 8, b"\x16\x03\x03")
    packets = [
        one
        for port, one_line in enumerate([other, tls, *lines])
        for one in packets_of(one_line, port)
    ]
    out = tmp_path / "learned.toml"
    told = run("learn", written(tmp_path / "x.pcap", packets), "--out", out)
    assert load_profile(out.read_text()).common == shipped("default").common
    assert "note: 1 connection left out, which are encrypted by TLS" in told.stdout


def test_encrypted_connections_take_no_room_from_the_others(tmp_path, monkeypatch):
    lines = [one for one in Traffic(shipped("default"), 8).lines if one.spoken == "common"]
    tls = Line("", "common", b"\x16\x03\x01" + bytes(60_000), b"\x16\x03\x03" + bytes(60_000))
    packets = [one for port, line in enumerate([tls, *lines]) for one in packets_of(line, port)]
    path = str(written(tmp_path / "x.pcap", packets))
    monkeypatch.setattr(captures, "_IN_ALL", sum(len(x.client + x.server) for x in lines) + 10)
    captured = Captured([path], "auto")
    assert told(captured.lines()) == told(lines)
    assert len(captured.notes) == 1
    assert "1 connection left out, which are encrypted by TLS" in captured.notes[0]


def test_a_sealed_link_is_told_though_only_its_beginning_is_kept(tmp_path, monkeypatch):
    records = b"".join(b"\0\0\0\x40" + bytes(64) for _ in range(40))
    sealed = random.Random(1).randbytes(32) + records
    (tmp_path / "x").write_bytes(sealed)
    monkeypatch.setattr(captures, "_OF_STREAM", 1000)
    captured = Captured([], "auto", str(tmp_path / "x"))
    assert captured.lines() == []
    assert "are sealed (ENC-01)" in captured.notes[0]
