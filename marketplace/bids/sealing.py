"""Sealed bids: what the database holds of one, who can open it, and how an altered one is found. Pure.

A bid's text is encrypted by a key of its own, which is split into one share for each opener; any `needed` of them make
the key again (Shamir). Each share is sealed to its opener's public key (HPKE, RFC 9180, over X25519). An opener's
private key is made of their passphrase each time anew and is stored nowhere. Text, key and passphrases are in memory
only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from secrets import token_bytes
from typing import Any, Final
from uuid import UUID

from Crypto.Protocol.SecretSharing import Shamir
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from tenants.data import FieldError, Invalid
from tenants.ledger.text import canonical_json

PASSPHRASE_CHARS: Final = (12, 200)
MOST_OPENERS: Final = 20
KEY_BYTES: Final = 16  # what Shamir's scheme over GF(2^128) splits
NONCE_BYTES: Final = 12
SALT_BYTES: Final = 16
SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)
SEALED_ANEW: Final = "it was sealed anew: what is stored is not what the ledger says"


class Altered(Exception):
    """What is stored is not what was sealed; the words say what differs."""


@dataclass(frozen=True, slots=True)
class Place:
    """Whose bid it is, on what: bound to the text and to each share, so that nothing fits in another's place."""

    task: UUID
    bid: UUID
    firm: UUID
    number: int

    @property
    def facts(self) -> dict[str, Any]:
        return {"task": str(self.task), "bid": str(self.bid), "firm": str(self.firm), "number": self.number}

    @property
    def bound(self) -> bytes:
        return canonical_json(self.facts).encode()


def receipt_text(place: Place, content: Mapping[str, Any]) -> str:
    """The bid as one canonical text, with a nonce so that nobody finds it by guessing prices. The firm keeps it."""
    return canonical_json({**place.facts, "content": content, "nonce": token_bytes(16).hex()})


def commitment_of(text: str) -> str:
    """SHA-256 of the receipt's text, in hex."""
    return sha256(text.encode()).hexdigest()


def digest_of_keys(public_keys: Mapping[str, str], needed: int) -> str:
    """SHA-256, in hex, of who can open a tender: the openers' keys, in hex, and how many of them it takes."""
    return sha256(canonical_json({"keys": public_keys, "needed": needed}).encode()).hexdigest()


def digest_of_sealed(sealed: Mapping[str, Any]) -> str:
    """SHA-256, in hex, of what is stored of a sealed bid. Altered if it holds what is never sealed, as a float."""
    try:
        return sha256(canonical_json(sealed).encode()).hexdigest()
    except (TypeError, ValueError):
        raise Altered(SEALED_ANEW) from None


def new_opener(passphrase: str) -> tuple[bytes, bytes]:
    """Public key and salt to store. Invalid if the passphrase is too short to withstand guessing."""
    least, most = PASSPHRASE_CHARS
    if not least <= len(passphrase) <= most:
        raise Invalid(
            "The passphrase is not usable.", (FieldError("/passphrase", f"give {least} to {most} characters"),)
        )
    salt = token_bytes(SALT_BYTES)
    return private_key(passphrase, salt).public_key().public_bytes_raw(), salt


def private_key(passphrase: str, salt: bytes) -> X25519PrivateKey:
    """Takes 32 MB and a tenth of a second, so that guessing is dear."""
    return X25519PrivateKey.from_private_bytes(
        Scrypt(salt=salt, length=32, n=2**15, r=8, p=1).derive(passphrase.encode())
    )


def seal(text: str, place: Place, public_keys: Mapping[str, bytes], needed: int) -> dict[str, Any]:
    """`{"text": hex, "shares": {opener: {"index": n, "share": hex}}}`; any `needed` of the openers can open it."""
    key, nonce = token_bytes(KEY_BYTES), token_bytes(NONCE_BYTES)
    shares = zip(sorted(public_keys.items()), Shamir.split(needed, len(public_keys), key), strict=True)
    return {
        "text": (nonce + AESGCM(key).encrypt(nonce, text.encode(), place.bound)).hex(),
        "shares": {
            opener: {"index": index, "share": SUITE.encrypt(share, _public(raw), place.bound).hex()}
            for (opener, raw), (index, share) in shares
        },
    }


def unseal_share(sealed: Mapping[str, Any], place: Place, opener: str, key: X25519PrivateKey) -> tuple[int, str] | None:
    """The opener's share as `(index, hex)`; None if what is stored is not what was sealed for them."""
    try:
        kept = sealed["shares"][opener]
        return _index(kept["index"]), SUITE.decrypt(bytes.fromhex(kept["share"]), key, place.bound).hex()
    except (InvalidTag, KeyError, TypeError, ValueError):
        return None


def unseal(sealed: Mapping[str, Any], place: Place, shares: Sequence[Any], needed: int) -> str:
    """The text, by the shares of `needed` openers as `unseal_share` gave them and the database kept them; Altered if
    parts of it were changed or belong to another bid."""
    key = _key(shares, needed)
    try:
        stored = bytes.fromhex(sealed["text"])
        return AESGCM(key).decrypt(stored[:NONCE_BYTES], stored[NONCE_BYTES:], place.bound).decode()
    except (InvalidTag, KeyError, TypeError, ValueError):
        raise Altered("the sealed text was altered, or belongs to another bid") from None


def _key(shares: Sequence[Any], needed: int) -> bytes:
    try:
        parts = {_index(index): bytes.fromhex(share) for index, share in shares}
        if len(parts) >= needed:
            return Shamir.combine(list(parts.items())[:needed])
    except (TypeError, ValueError):
        pass
    raise Altered("a sealed share was altered, or belongs to another bid")


def _index(kept: Any) -> int:
    """As it was split: nothing seals the index, and Shamir's scheme takes any number or never ends."""
    if type(kept) is not int or not 1 <= kept <= MOST_OPENERS:
        raise ValueError("no index of a share")
    return kept


def _public(raw: bytes) -> X25519PublicKey:
    return X25519PublicKey.from_public_bytes(raw)
