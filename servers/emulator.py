"""The emulator put together: which servers run in this process, and how they find each other."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import attrs
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger

from starwire.grammar import MetadataError
from starwire.protocol.catalogue import Catalogue, catalogue
from starwire.protocol.endpoints import DEFAULT_PORTS, PROXY_OF_TARGET
from starwire.protocol.native import NativeReader
from starwire.protocol.profile import Profile
from starwire.protocol.status import MessageType
from starwire.protocol.validation import Refusal, validate

from . import tls
from .adapter import AnsweringFactory
from .answering import Answer, Answerer, Hop, Interposer
from .audit import AUDITED, Audit
from .audit_key import audit_key
from .backend import BackEnd
from .breaking import BREAKING
from .bulk import Bulk
from .capacity import Capacity
from .configuration import Configuration, read_link_keys
from .database import Database
from .deferral import Deferral
from .dispatcher import Dispatcher
from .fault import HOPS
from .fault_plan import FaultPlan
from .files import FileRoot
from .first_data import FirstData
from .front import Front, PostAnswerer
from .hops import PROXY, WEB, Hops
from .inbox import Inbox
from .jar import CookieJar
from .jar_client import Jar, JarClient, JarUnreachable
from .link import Reply
from .misbehaving import Misbehaviour
from .notifying import stored_contact
from .pinging import Pinger
from .proxy import PROXIES, Proxy, ProxySpec
from .readers import NativeRequests, shares_its_connection
from .reading import Reader
from .recorder import Recorder, TappedReader
from .registry import Registry
from .report_manager import ReportManager
from .serials import Serials
from .services import Services
from .silence import Patience
from .sources import Sources
from .star_oe import StarOE
from .store import StoreError, url_of
from .trail import Trail, digest
from .transfers import Transfers
from .web import WebSite
from .world import RealWorld, World

if TYPE_CHECKING:
    from .control.plane import ControlPlane, ControlPort

_DRAIN_SECONDS = 10.0
_WATCH_SECONDS = 1.0
"""How soon a bulk run learns that it was ended at another instance."""
_FOLLOW_SECONDS = 1.0
"""How soon a jar notices that its sessions were changed in the store by another process."""
_SWEEP_SECONDS = 15.0
"""How long an accepted request may wait before any instance works it off."""


@attrs.frozen
class Settings:
    """What `starwire serve` was asked for."""

    state: Path
    profile: Profile
    configuration: Configuration = attrs.field(factory=Configuration)
    only: tuple[str, ...] = tuple(DEFAULT_PORTS)
    ports: Mapping[str, int] = attrs.field(factory=dict)
    """Of the endpoints that run here, and of those that run elsewhere on `host`."""
    shared: frozenset[str] = frozenset()
    """The endpoints that other processes listen for too, on the same ports."""
    host: str = "127.0.0.1"
    database: str = ""
    """URL of the state store; empty: SQLite in the state folder."""
    certificate: tuple[Path, Path] | None = None
    record: Path | None = None
    """Where what crosses the ports is recorded (docs/recording.md)."""
    can_fault: bool = False
    """Whether faults can be switched on while it runs, also without the control API."""


class Emulator:
    """The servers of one process. `start`, then `stop`."""

    def __init__(
        self,
        reactor: Any,
        settings: Settings,
        log: TextIO | None = None,
        *,
        sources: Sources | None = None,
        world: World | None = None,
    ) -> None:
        """`sources` stand in for the files of bulk transfers."""
        settings = attrs.evolve(settings, profile=BREAKING.profile(settings.profile))
        self._reactor = reactor
        self._world: World = world or RealWorld()
        self._sources = sources
        self._settings = settings
        self._profile = settings.profile
        self._trail = Trail(log)
        self._catalogue: Catalogue = BREAKING.catalogue(
            catalogue().with_overlay(settings.profile.overlay)
        )
        self._root = FileRoot(Path(settings.configuration.file_root or settings.state / "files"))
        keys = read_link_keys(settings.configuration)
        self._hops = Hops(reactor, settings.profile, keys, self._trail)
        self._first = FirstData(self._root, settings.configuration.logon.cost)
        self.registry = Registry(settings.profile.registry)
        self._ports = {**DEFAULT_PORTS, **settings.ports}
        self._listening: list[Any] = []
        self._factories: list[AnsweringFactory | WebSite | ControlPort] = []
        self._own_jar: CookieJar | None = None
        self._serials: Serials | None = None
        self._dispatcher: Dispatcher | None = None
        self._jars: list[JarClient] = []
        self._loops: list[LoopingCall] = []
        self._interposers: list[Interposer] = BREAKING.interposers(settings.profile)
        """Of every port of frames or bare messages, the innermost first."""
        self.faults = FaultPlan(settings.configuration.seed)
        self._misbehaviour = self._make_misbehaviour()
        self._capacity = Capacity(settings.configuration.capacity, settings.profile)
        self._interposers.append(self._capacity.interpose)
        self._control = self._make_control()
        if self._control is not None:
            self._interposers.insert(0, self._control.stub)
            self._interposers.append(self._control.watch)
        self._places: list[tuple[str, str, int]] = []
        self._audit: Audit | None = None
        self._log = Logger(namespace="starwire.emulator")
        self._database: Database | None = None
        self.recorder: Recorder | None = None
        if settings.record is not None:
            self.recorder = Recorder(
                settings.record,
                settings.profile,
                self._trail,
                part_octets=settings.configuration.recording.part_octets,
                source="starwire serve",
            )

    async def start(self) -> list[tuple[str, str, int]]:
        """Listen on every endpoint; gives name, host and port of each.

        Raises StoreError, OSError for a port that is taken, ValueError for a bad certificate.
        """
        try:
            self._settings.state.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"state folder {error.filename}: {error.strerror}") from None
        first = self._first
        url = url_of(self._settings.state, self._settings.database)
        self._database = self._world.database(self._reactor, url, first.fill)
        self._database.start()
        starters: list[tuple[str, Callable[[], Any]]] = [
            ("jar", self._start_jar),
            *((spec.name, lambda spec=spec: self._start_proxy(spec)) for spec in PROXIES),
            ("rm-native", lambda: self._start_native("rm-native")),
            ("inbox-native", lambda: self._start_native("inbox-native")),
            ("dispatcher", self._start_dispatcher),
            ("web", self._start_web),
            ("control", self._start_control),
        ]
        self._services = self._make_services(self._database)
        self._bulk = self._make_bulk(self._database)
        await self._start_audit(self._database)
        if self.recorder is not None:
            self.recorder.begin()
        for target, name in PROXY_OF_TARGET.items():
            if name in self._ports and target not in self.registry:
                self.registry.place(target, f"{self._settings.host}:{self._ports[name]}")
        for name, starter in starters:
            if name in self._settings.only:
                self._places.append((name, self._host(name), self._listen(name, await starter())))
        self._repeat(_SWEEP_SECONDS, self._resume)
        if self._world.is_shared:
            self._repeat(_WATCH_SECONDS, self._bulk.watch)
        if self._misbehaviour is not None:
            self._misbehaviour.reach(self._database, self._services, self._root)
        for fault in self._settings.configuration.faults:
            self.faults.add(fault)
        return self._places

    def _repeat(self, seconds: float, work: Callable[[], Any]) -> None:
        """Do `work` every so often from now on; what it does wrong is logged, and it goes on."""
        loop = LoopingCall(lambda: Deferred.fromCoroutine(self._logged(work)))
        loop.clock = self._reactor
        loop.start(seconds, now=False)
        self._loops.append(loop)

    async def _logged(self, work: Callable[[], Any]) -> None:
        try:
            await work()
        except Exception:
            self._log.failure("a repeated task failed")

    async def _ping_all(self, pinger: Pinger) -> None:
        """All at the same time: one that hangs does not keep the others waiting."""
        for address in self.registry.all_addresses():
            Deferred.fromCoroutine(self._logged(partial(pinger.ping, address)))

    async def _resume(self) -> None:
        """Work off what an instance that is gone has accepted."""
        for spec in PROXIES:
            if spec.name in self._settings.only and MessageType.REQUEST in spec.types:
                await self._services.resume(spec.name, older=_SWEEP_SECONDS)

    async def stop(self) -> None:
        """Accept nothing more, let the answers under way go out, then close everything."""
        if self._database is None:
            return
        for loop in self._loops:
            loop.stop()
        self.faults.clear()  # what hangs goes on
        for port in self._listening:
            await maybeDeferred(port.stopListening)
        until = self._reactor.seconds() + _DRAIN_SECONDS
        while (
            self._services.working
            or self._bulk.working
            or any(factory.busy for factory in self._factories)
        ):
            if self._reactor.seconds() > until:
                break
            await deferLater(self._reactor, 0.02)
        # What was answered in this turn of the reactor is written at its end.
        await deferLater(self._reactor, 0.0)
        for jar in self._jars:
            jar.stop()
        for factory in self._factories:
            if isinstance(factory, AnsweringFactory):
                factory.abort()
        self._hops.stop()
        if self._audit is not None:
            await self._audit.close()
        if self.recorder is not None:
            await deferLater(self._reactor, 0.0)  # the connections end a turn after their abort
            self.recorder.end()
        self._database.stop()

    def abandon(self) -> None:
        """Give back what a kernel takes from a process that is killed."""
        if self._audit is not None:
            self._audit.abandon()

    async def _start_audit(self, database: Database) -> None:
        """ENC-02, where a port that is audited runs here: innermost, it sees what was answered."""
        wanted = self._settings.configuration.audit
        if wanted.enabled and AUDITED.intersection(self._settings.only):
            key = audit_key(self._settings.state, wanted.key_file)
            threads = self._world.in_thread
            self._audit = Audit(
                self._reactor, database, self._settings.state, key, in_thread=threads
            )
            await self._audit.open()
            self._interposers.insert(0, self._audit.interpose)

    # The servers, each from its parts.

    def _make_services(self, database: Database) -> Services:
        profile, settings = self._profile, self._settings.configuration
        clock, in_thread = self._world.time, self._world.in_thread
        common: dict[str, Any] = {
            "catalogue": self._catalogue,
            "limits": profile.limits,
            "entpid_length": profile.entpid_length,
        }
        borders = self._misbehaviour.borders if self._misbehaviour is not None else None
        manager = ReportManager(
            **common,
            clock=clock,
            files=self._root,
            load=self._world.reference,
            fulserver=settings.rm.fulserver,
            servers=settings.rm.servers,
            server_code=borders.server_code if borders else None,
        )
        contacts = borders.contacts(stored_contact) if borders else stored_contact
        inbox = Inbox(**common, clock=clock, files=self._root, contacts=contacts)
        order_entry = StarOE(
            **common,
            clock=clock,
            store=database.store,
            failures=settings.logon.failures,
            wait_seconds=settings.logon.wait_seconds,
            cost=settings.logon.cost,
        )
        behind: tuple[BackEnd, ...] = (manager, inbox, order_entry)
        if borders is not None:
            behind = tuple(map(borders.back_end, behind))
        back_ends = {door: back_end for back_end in behind for door in back_end.doors}
        deferral = Deferral(database, clock)
        return Services(profile, self._catalogue, database, deferral, back_ends, in_thread)

    def _make_bulk(self, database: Database) -> Bulk:
        greatest = self._profile.bulk.transfer.greatest
        return Bulk(
            self._profile,
            self._services,
            Transfers(database, self._world.time, greatest),
            self._reactor.seconds,
            sources=self._sources,
            in_thread=self._world.in_thread,
        )

    async def _start_jar(self) -> AnsweringFactory:
        assert self._database is not None
        jar = CookieJar(self._profile, self._catalogue, self._database, self._reactor.seconds)
        await jar.load()
        self._own_jar = jar
        if self._world.is_shared:
            self._repeat(_FOLLOW_SECONDS, jar.follow)
        return self._bare("jar", jar.answer)

    async def _start_proxy(self, spec: ProxySpec) -> AnsweringFactory:
        jar = self._new_jar()
        proxy = Proxy(spec, self._profile, jar, self._services, self._bulk, self._trail)
        if MessageType.REQUEST in spec.types:
            await self._services.resume(spec.name)
        return self._framed(spec.name, PROXY, proxy.answer)

    async def _start_native(self, door: str) -> AnsweringFactory:
        async def answer(octets: bytes, hop: Hop) -> Answer:
            done = await self._services.serve(octets, door, None)
            told = {"in": hop.peer, "error": done.error, "digest": digest(octets)}
            self._trail.line(door, hop.transaction, told)
            return Answer(done.octets)

        return self._bare(door, answer)

    async def _start_dispatcher(self) -> AnsweringFactory:
        assert self._database is not None
        codec = self._profile.wire.common
        greatest = 256 ** codec.integer("serial").width - 1
        self._serials = serials = Serials(self._database, greatest)

        async def echo(address: str, frame: bytes, transaction: str) -> Reply:
            patience = self._profile.ping_seconds
            return await self._hops.once(PROXY, address, frame, transaction, patience)

        pinger = Pinger(self._profile, self.registry, serials, echo, self._trail)
        self._repeat(self._profile.ping_seconds, lambda: self._ping_all(pinger))
        self._dispatcher = dispatcher = Dispatcher(
            self._profile,
            self.registry,
            self._new_jar(),
            serials,
            self._hops.to_proxy,
            self._trail,
            partial(self._hops.stream, PROXY),
            reads=self._catalogue.reads,
        )
        return self._framed("dispatcher", WEB, dispatcher.answer)

    async def _start_web(self) -> WebSite:
        address = f"{self._settings.host}:{self._ports['dispatcher']}"
        front = Front(
            self._profile,
            self._new_jar(),
            self._hops.to_dispatcher(address),
            partial(self._hops.stream, WEB, address),
            self._trail,
        )
        answer: PostAnswerer = BREAKING.at_web(self._profile, front.answer)
        if self._misbehaviour is not None:
            answer = self._misbehaviour.ports.front(answer)
        answer = self._capacity.interpose_web(answer)
        if self._control is not None:
            answer = self._control.watch_web(answer)
        site = WebSite(self._reactor, self._profile, answer, self._trail, self.recorder)
        site.most_connections = self._capacity.connections
        return site

    def _make_misbehaviour(self) -> Misbehaviour | None:
        """What only an emulator has whose faults can be switched on."""
        settings = self._settings
        can_fault = "control" in settings.only or settings.can_fault
        if not can_fault and not settings.configuration.faults:
            return None

        jar = cache(self._new_jar)

        async def whose(key: str) -> str:
            try:
                customer = await jar().customer(key)
            except JarUnreachable:
                return ""
            return customer.userid if customer else ""

        made = Misbehaviour(self.faults, self._reactor, self._profile, whose)
        self._interposers.append(made.ports.interpose)
        return made

    def _make_control(self) -> ControlPlane | None:
        """What only an emulator with a control API has; it is loaded for no other."""
        if "control" not in self._settings.only:
            return None
        from .control.plane import ControlPlane

        settings = self._settings.configuration.control
        return ControlPlane(
            self._reactor,
            self._profile,
            settings,
            self.faults,
            self._connections,
            cache(self._new_jar),
        )

    async def _start_control(self) -> ControlPort:
        from .control.state_desk import State

        assert self._control is not None
        assert self._database is not None
        state = State(
            self._database,
            self._first.fill,
            self._settings.configuration.logon.cost,
            self._profile.dispatcher.user_id.width,
            self._profile.entpid_length,
            self.forget_sessions,
        )
        return self._control.site(state, lambda: self._places)

    async def forget_sessions(self) -> None:
        """Forget what is kept in memory of sessions and of what their users may reach."""
        if self._own_jar is not None:
            await self._own_jar.load()
        if self._dispatcher is not None:
            self._dispatcher.forget_entitlements()

    async def begin_anew(self) -> None:
        """Forget what is known of the store, which has been put back, and of other servers."""
        await self.forget_sessions()
        if self._serials is not None:
            self._serials.forget()
        for address in self.registry.all_addresses():
            self.registry.answered(address, well=True)
        self.faults.clear()
        for fault in self._settings.configuration.faults:
            self.faults.add(fault)

    def _connections(self) -> list[tuple[str, int]]:
        """The name of each port that is watched, and how many connections are open there."""
        return [
            (name, factory.open)
            for (name, _, _), factory in zip(self._places, self._factories, strict=True)
            if name != "control"
        ]

    # What they have in common.

    def _host(self, name: str) -> str:
        """Where an endpoint of this process listens."""
        if name == "control":
            return self._settings.configuration.control.host
        return self._settings.host

    def _new_jar(self) -> Jar:
        """The cookie jar of this process, or a client of the one that runs elsewhere."""
        if self._own_jar is not None:
            return self._world.jar(self._own_jar, self._new_jar_client)
        return self._new_jar_client()

    def _new_jar_client(self) -> JarClient:
        address = f"{self._settings.host}:{self._ports['jar']}"
        jar = JarClient(self._reactor, address, self._profile.limits, self._profile.reply_seconds)
        self._jars.append(jar)
        return jar

    def _framed(self, name: str, link: str, answer: Answerer) -> AnsweringFactory:
        shares = shares_its_connection if link == PROXY and self._profile.multiplex else None
        tapped = partial(self._tapped, name, sealed=self._hops.sealed)
        return self._factory(name, lambda: self._hops.accepts(link, tapped), answer, shares=shares)

    def _tapped(self, port: str, reader: Reader, *, sealed: bool = False) -> Reader:
        """The reader of a connection to that port, recorded where recording is on."""
        if self.recorder is None:
            return reader
        return TappedReader(reader, self.recorder.tap(port, sealed=sealed))

    def _bare(self, name: str, answer: Answerer) -> AnsweringFactory:
        """A port of bare messages, open to the configured servers only (HDR-08)."""
        limits, entpid_length = self._profile.limits, self._profile.entpid_length

        def refuse(octets: bytes, error: MetadataError) -> bytes:
            try:
                validate(
                    octets,
                    name,
                    catalogue=self._catalogue,
                    limits=limits,
                    entpid_length=entpid_length,
                )
            except Refusal as refusal:
                return refusal.reply
            raise AssertionError("a message that is refused here was accepted there") from error

        peers = self._settings.configuration.native.peers
        return self._factory(
            name,
            lambda: self._tapped(name, NativeRequests(NativeReader(limits), refuse)),
            answer,
            admits=lambda host: host in peers,
        )

    def _factory(
        self, name: str, make_reader: Any, answer: Answerer, **options: Any
    ) -> AnsweringFactory:
        for interpose in self._interposers:
            answer = interpose(name, answer)
        patience = Patience(self._profile.idle_seconds, self._profile.mid_frame_seconds)
        return AnsweringFactory(
            name,
            self._reactor,
            make_reader,
            answer,
            patience=patience,
            trail=self._trail,
            most_connections=self._capacity.connections,
            holding=self._capacity.holding,
            **options,
        )

    def _listen(self, name: str, factory: Any) -> int:
        """Listen, note where, and let the dispatcher know of a proxy."""
        wanted, host, context = self._ports[name], self._host(name), None
        if name == "web" and not self._profile.allow_plain_http:
            certificate = self._settings.certificate or tls.self_signed(
                self._settings.state, datetime.datetime.now(datetime.UTC)
            )
            context = tls.options(*certificate, allow_old=self._profile.allow_old_tls)
        shared = name in self._settings.shared
        port = self._world.listen(
            self._reactor, host, wanted, factory, context=context, shared=shared
        )
        self._listening.append(port)
        if self._misbehaviour is not None and name in HOPS:
            self._misbehaviour.listening(name, self._world.refusable(port))
        self._factories.append(factory)
        number = self._ports[name] = port.getHost().port
        for target, proxy in PROXY_OF_TARGET.items():
            if proxy == name and target not in self._profile.registry:
                self.registry.place(target, f"{host}:{number}")
        return int(number)
