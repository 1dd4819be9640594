"""Who vouches for the servers we talk to."""

import ssl
from functools import cache

HTTP = "http/1.1"


@cache
def verifying_context(*protocols: str) -> ssl.SSLContext:
    """TLS 1.2 or newer; the certificate is verified against the authorities that Python finds in the system, and the
    host's name. Read once for each choice of ``protocols`` (ALPN): that takes longer than connecting.

    On Linux those are OpenSSL's own folder, on Windows the stores ROOT and CA; on macOS not the keychain
    (Python's ``SSLContext.load_default_certs``). The variables SSL_CERT_FILE and SSL_CERT_DIR name others.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if protocols:
        context.set_alpn_protocols(protocols)
    return context
