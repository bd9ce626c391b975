"""TLS of the terminals' ways in."""

import ssl
from pathlib import Path


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """For the certificate, with those that sign it below it in the file, and its key; OSError if they do not serve.

    (`ssl.SSLError` is an OSError.)
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key, password=lambda: "")
    return context
