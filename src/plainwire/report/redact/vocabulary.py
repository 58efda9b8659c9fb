"""The words by which secrets, and what only looks like one, are told. All in lower case."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SECRET = _words(
    "assertion auth authentication authorization cred creds hmac oauth otp pass passkey passwd pin psk pw "
    "pwd sess session sid sig totp userpass wskey xauth"
)
"""Words of names that introduce secrets; longer ones, which stand inside other words too: ``names``."""

DOUBTFUL = _words("code cookie cookies hint invitation invite key mac nonce sign state ticket verify")
"""Last words of names whose values are secrets if they look like it, or stand beside certain others."""

OPAQUE = _words(
    "boundary build checksum commit correlation crc32 digest dns etag fingerprint guid hash id ids "
    "integrity match md5 ray ref rev revision sha1 sha256 span spanid trace traceid traceparent "
    "tracestate uuid v ver version websocket"
)
"""Words of names whose values look like secrets and are none."""

KEYS_THAT_OPEN_NOTHING = _words(
    "cache foreign group idempotency partition primary public routing row sort surrogate websocket"
)
"""What stands before ``key`` then."""

ABOUT = _words(
    "age alg algorithm allow count duration enabled endpoint error expires expiry format headers input "
    "kind length level limit method methods mode policy provider realm required scheme size status "
    "timeout ttl type uri url user username version"
)
"""Last words of names that say something about a secret: ``token_type``, ``X-Auth-User``."""

SPOKEN = _words("auth bearer cookie credential credentials csrf oauth session signature")
"""Names that sentences have as well (``auth: failed``)."""

LOGIN = _words(
    "client_id client_secret code_challenge code_verifier grant_type id_token redirect_uri response_type "
    "session_state"
)
"""Parameters beside which ``code`` and ``state`` are those of OAuth (RFC 6749 section 4.1.2)."""

OF_A_LOGIN = _words("code nonce state ticket")

DOORS = _words(
    "activate activation confirm confirm-email confirmation email-verification integration magic magic-link "
    "magiclink one-time unsubscribe verification verify-email"
)
"""Segments of paths behind which a key stands, as ``names`` would not tell: links in mails, mostly."""

CONTENTS = _words(
    "assets blob blobs chunks commit commits containers dist exec hash images layers manifests md5 "
    "networks nodes objects raw services sha1 sha256 spans static tasks traces tree volumes"
)
"""Segments of paths behind which a long name is that of contents, or of an object."""

URL_FIELDS = _words(
    ":path callback content-location destination hx-current-url hx-redirect location origin referer "
    "referrer sourcemap turbo-location x-envoy-original-path x-forwarded-path x-forwarded-uri "
    "x-forwarded-url x-location x-original-uri x-original-url x-pingback x-redirect x-request-uri "
    "x-request-url x-rewrite-url x-sourcemap"
)
"""Header fields that are URLs as a whole; in others URLs are looked for."""

LINE_FIELDS = _words("authorization cookie proxy-authorization set-cookie x-authorization")
"""Header fields whose values have spaces in them."""

CHALLENGES = _words("authentication-info proxy-authenticate proxy-authentication-info www-authenticate")
"""Header fields that speak of credentials and hold none."""

DATES = _words("date expires if-modified-since if-unmodified-since last-modified")

SCHEMES = _words(
    "apikey aws aws4-ecdsa-p256-sha256 aws4-hmac-sha256 basic bearer digest dpop geniekey googlelogin "
    "hawk hoba mac mutual negotiate ntlm oauth privatetoken scram-sha-1 scram-sha-256 "
    "sharedaccesssignature sharedkey sharedkeylite snowflake splunk ssws token vapid"
)
"""Authentication schemes, registered and others: of credentials they may be shown."""

COOKIE_ATTRIBUTES = _words("domain expires httponly max-age partitioned path priority samesite secure")

SUBPROTOCOLS = _words(
    "actioncable-v1-json base64 binary chat graphql-transport-ws graphql-ws json mqtt mqttv3.1 realtime "
    "sip soap stomp superchat v10.stomp v11.stomp v12.stomp vite-hmr wamp wamp.2.json xmpp"
)
"""WebSocket subprotocols that may be shown also where a token is among the others."""

ADDRESS_SCHEMES = _words("acct cid im mailto mid pres sip sips xmpp")
"""Schemes of URLs whose addresses have an @ and no //: no password stands before it."""
