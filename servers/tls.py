"""The web server's certificate: the one that is given, or a self-signed one made once (WEB-07)."""

from __future__ import annotations

import datetime
import ipaddress
import warnings
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from twisted.internet.ssl import CertificateOptions, TLSVersion

from .whole import write_whole

_YEARS = 10


def self_signed(folder: Path, now: datetime.datetime) -> tuple[Path, Path]:
    """The certificate and key in `folder`, made on first use for this machine's loopback names."""
    certificate, key = folder / "web.crt", folder / "web.key"
    if not (certificate.exists() and key.exists()):
        private = ec.generate_private_key(ec.SECP256R1())
        write_whole(key, _key_text(private), 0o600)
        write_whole(certificate, _certificate_text(private, now), 0o644)
    return certificate, key


def options(certificate: Path, key: Path, *, allow_old: bool) -> CertificateOptions:
    """TLS 1.2 and later; older ones by the profile's explicit switch only (HDR-10)."""
    from OpenSSL import SSL, crypto

    try:
        chain = crypto.load_certificate(crypto.FILETYPE_PEM, certificate.read_bytes())
        private = crypto.load_privatekey(crypto.FILETYPE_PEM, key.read_bytes())
    except (OSError, crypto.Error) as error:
        raise ValueError(f"{certificate} and {key} are no certificate and key: {error}") from None
    least = TLSVersion.TLSv1_0 if allow_old else TLSVersion.TLSv1_2
    made = CertificateOptions(
        privateKey=private,
        certificate=chain,
        insecurelyLowerMinimumTo=least,
        # Without them Twisted fails the handshake of every client that offers any protocol.
        acceptableProtocols=[b"http/1.1", b"http/1.0"],
    )
    with warnings.catch_warnings():
        # Twisted hands pyOpenSSL's own kind of certificate to it; that is not ours to mend.
        warnings.simplefilter("ignore", DeprecationWarning)
        context = made.getContext()
    if allow_old:
        # OpenSSL 3 has the old versions and ciphers switched off below its security level 0.
        context.set_cipher_list(b"ALL:@SECLEVEL=0")
        context.set_min_proto_version(SSL.TLS1_VERSION)
    return made


def _key_text(private: ec.EllipticCurvePrivateKey) -> bytes:
    return private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _certificate_text(private: ec.EllipticCurvePrivateKey, now: datetime.datetime) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "starwire")])
    names = x509.SubjectAlternativeName(
        [
            x509.DNSName("localhost"),
            x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
            x509.IPAddress(ipaddress.ip_address("::1")),
        ]
    )
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=365 * _YEARS))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(private, hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM)
