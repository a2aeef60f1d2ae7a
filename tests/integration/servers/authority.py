"""A certificate authority for a test: its certificate, and keystores that it has signed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

NAME = x509.oid.NameOID.COMMON_NAME


class Authority:
    """Signs certificates; nobody but the test trusts it.

    As many a private one, it does without a key usage extension.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._certificate = self._sign(name, self._key, authority=True)
        self.path = folder / f"{name}.pem"
        self.path.write_bytes(_pem(self._certificate))

    def keystore(self, host: str) -> Path:
        """Return a PEM file with a new private key, its certificate for the host, and ours."""
        key = ec.generate_private_key(ec.SECP256R1())
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        path = self._folder / f"{self._name}-{host}.pem"
        certificate = self._sign(host, key, authority=False)
        path.write_bytes(private + _pem(certificate) + _pem(self._certificate))
        return path

    def revoked(self, *keystores: Path) -> Path:
        """Return a PEM file with the list of certificates that are good no more."""
        now = datetime.now(UTC)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self._certificate.subject)
            .last_update(now - timedelta(hours=1))
            .next_update(now + timedelta(days=1))
        )
        for keystore in keystores:
            number = x509.load_pem_x509_certificates(keystore.read_bytes())[0].serial_number
            entry = x509.RevokedCertificateBuilder().serial_number(number)
            builder = builder.add_revoked_certificate(
                entry.revocation_date(now - timedelta(minutes=1)).build()
            )
        path = self._folder / f"{self._name}-{len(keystores)}.crl"
        made = builder.sign(self._key, hashes.SHA256())
        path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        return path

    def _sign(
        self, name: str, key: ec.EllipticCurvePrivateKey, *, authority: bool
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        public = key.public_key()
        own = self._key.public_key()
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(own)
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(NAME, self._name)]))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(identifier, critical=False)
            .sign(self._key, hashes.SHA256())
        )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
