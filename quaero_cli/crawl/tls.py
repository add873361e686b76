"""What is wrong with a site's encryption, in words that say what to do; libcurl's own speak of OpenSSL. Pure."""

_WORDS = (
    ("certificate has expired", "the site's certificate has expired"),
    ("certificate is not yet valid", "the site's certificate is not valid yet, or this machine's clock is wrong"),
    (
        "self-signed certificate in certificate chain",
        "the site's certificate is vouched for by an authority of its own",
    ),
    ("self-signed certificate", "the site's certificate is its own: nobody vouches for it"),
    ("unable to get local issuer", "nobody known here vouches for the site's certificate, or its chain has gaps"),
    ("unable to get issuer", "nobody known here vouches for the site's certificate, or its chain has gaps"),
    ("certificate revoked", "the site's certificate was revoked"),
    ("no alternative certificate subject name", "the site's certificate is another host's"),
    ("does not match", "the site's certificate is another host's"),
    ("alert protocol version", "the site speaks only versions of TLS that are no longer safe"),
    ("unsupported protocol", "the site speaks only versions of TLS that are no longer safe"),
    ("dh key too small", "the site's encryption is too weak"),
    ("key too small", "the site's encryption is too weak"),
    ("certificate required", "the site asks for a certificate of ours"),
    ("handshake failure", "the site and quaero have no encryption in common"),
    ("wrong version number", "the site does not speak TLS on this port"),
    ("packet length too long", "the site does not speak TLS on this port"),
    ("record layer failure", "the site does not speak TLS on this port"),
    ("reset by peer", "the site hung up while the encryption was agreed on"),
    ("broken pipe", "the site hung up while the encryption was agreed on"),
    ("unexpected eof", "the site hung up while the encryption was agreed on"),
)


def explained(text: str) -> str:
    """libcurl's words as ours; those that are not known stay as they are."""
    lower = text.lower()
    return next((words for sign, words in _WORDS if sign in lower), text)
