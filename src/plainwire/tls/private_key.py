"""Servers' private RSA keys, which undo the RSA key exchange (RFC 5246 section 7.4.7.1)."""

from __future__ import annotations

import re
import warnings

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from plainwire.model import UserError

_PREMASTER_SIZE = 48
_MOST_TRIED = 64
_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)


class PrivateKeys:
    """RSA keys by the certificate that they belong to. The ``repr`` shows none of them."""

    __slots__ = ("_asked", "_fitted", "_keys", "_moduli")

    def __init__(self) -> None:
        self._keys: dict[int, rsa.RSAPrivateKey] = {}  # by modulus
        self._moduli: dict[bytes, int] = {}  # of certificates that were seen; 0: none that is RSA's
        self._asked = self._fitted = False

    def __repr__(self) -> str:
        return f"<{len(self._keys)} private keys>"

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, data: bytes, name: str) -> None:
        """Take the keys of a file: PEM (keys and anything else), DER, or PKCS #12; none behind a password.

        Raises:
            UserError: there is no RSA key in it, with ``name`` and the reason.

        """
        for part in [match[0] for match in _PEM.finditer(data)] or [data]:
            key = _load(part, name)
            if not isinstance(key, rsa.RSAPrivateKey):
                message = (
                    f"{name}: not an RSA key; only the RSA key exchange can be undone with a private key"
                )
                raise UserError(message)
            self._keys[key.private_numbers().public_numbers.n] = key

    def premaster(self, encrypted: bytes, client_version: int, certificate_der: bytes | None) -> bytes | None:
        """Decrypt the premaster secret of a ClientKeyExchange; None where no key does.

        ``client_version`` is the ClientHello's, which the secret repeats in its first two bytes. With a
        certificate, only its own key is used; without one, all are tried.
        """
        if not self._keys:
            return None
        self._asked = True
        keys = list(self._keys.values())[:_MOST_TRIED]
        if certificate_der:
            own = self._keys.get(self._modulus(certificate_der))
            keys = [own] if own is not None else []
        for key in keys:
            try:
                found = key.decrypt(encrypted, padding.PKCS1v15())
            except ValueError:
                continue
            # With a key that does not fit, OpenSSL gives random bytes rather than an error.
            if len(found) == _PREMASTER_SIZE and (_repeats(found, client_version) or certificate_der):
                self._fitted = True
                return found
        return None

    def why_useless(self) -> str | None:
        """Why the given keys decrypted nothing; None if they did, or if none was given."""
        if not self._keys or self._fitted:
            return None
        if self._asked:
            return "no private key fits the servers that exchanged keys by RSA"
        return "the private key opens nothing: no connection exchanged keys by RSA, others need a key log"

    def _modulus(self, certificate_der: bytes) -> int:
        found = self._moduli.get(certificate_der)
        if found is None:
            found = _public_modulus(certificate_der)
            if len(self._moduli) < _MOST_TRIED:
                self._moduli[certificate_der] = found
        return found


def _repeats(premaster: bytes, client_version: int) -> bool:
    return int.from_bytes(premaster[:2], "big") == client_version


def _public_modulus(certificate_der: bytes) -> int:
    """0 if the certificate cannot be read or has no RSA key."""
    try:
        with warnings.catch_warnings(action="ignore"):  # odd serial numbers and the like
            key = x509.load_der_x509_certificate(certificate_der).public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return 0
    return key.public_numbers().n if isinstance(key, rsa.RSAPublicKey) else 0


def _load(data: bytes, name: str) -> object:
    """A private key of any kind."""
    if b"ENCRYPTED" in data[:200]:
        message = f"{name}: the key is behind a password; openssl pkey -in FILE -out NEW takes it off"
        raise UserError(message)
    loaders = (serialization.load_pem_private_key, serialization.load_der_private_key)
    for load in loaders:
        try:
            return load(data, None)
        except TypeError:
            message = f"{name}: the key is behind a password; openssl pkey -in FILE -out NEW takes it off"
            raise UserError(message) from None
        except (ValueError, UnsupportedAlgorithm):
            continue
    try:
        return pkcs12.load_key_and_certificates(data, None)[0]
    except (ValueError, UnsupportedAlgorithm):
        message = f"{name}: no private key (PEM, DER or PKCS #12 without a password)"
        raise UserError(message) from None
