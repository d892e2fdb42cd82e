"""Whom the Twisted client trusts: the same certificates as the blocking one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.ssl import (
    Certificate,
    CertificateOptions,
    TLSVersion,
    optionsForClientTLS,
    trustRootFromCertificates,
)
from twisted.web.iweb import IPolicyForHTTPS
from zope.interface import implementer

from starwire.protocol.profile import Profile

from .failures import no_certificates
from .target import Target


@implementer(IPolicyForHTTPS)
class Policy:
    """Verifies by the file `ca`, or the system's certificates; a loopback host, or anybody if
    `insecure`, not at all. Raises ClientError for a file without certificates.
    """

    def __init__(self, target: Target, profile: Profile, ca: str | None, insecure: bool) -> None:
        self._verified = not insecure and not (ca is None and target.is_loopback)
        self._old = profile.allow_old_tls
        self._root: Any = None if ca is None else trustRootFromCertificates(_certificates(ca))

    def creatorForNetloc(self, hostname: bytes, port: int) -> Any:
        if not self._verified:
            return _Unverified(self._old)
        return optionsForClientTLS(hostname.decode(), trustRoot=self._root)


def _certificates(path: str) -> list[Certificate]:
    try:
        found = x509.load_pem_x509_certificates(Path(path).read_bytes())
    except OSError as error:
        raise no_certificates(path, error) from None
    except ValueError:
        raise no_certificates(path, None) from None
    return [Certificate.load(one.public_bytes(Encoding.DER)) for one in found]


@implementer(IOpenSSLClientConnectionCreator)
class _Unverified:
    """Makes TLS connections to anybody, of versions before 1.2 too if they are allowed."""

    def __init__(self, old: bool) -> None:
        least = TLSVersion.TLSv1_0 if old else TLSVersion.TLSv1_2
        options = CertificateOptions(verify=False, insecurelyLowerMinimumTo=least)
        self._context = options.getContext()
        if old:
            # OpenSSL 3 has the old versions and ciphers switched off below its security level 0.
            self._context.set_cipher_list(b"ALL:@SECLEVEL=0")

    def clientConnectionForTLS(self, protocol: Any) -> Any:
        return SSL.Connection(self._context, None)
