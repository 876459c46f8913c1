"""The security settings that we know, by Kafka's own names, and what to say of any other name."""

import difflib

NAMES = (
    "security.protocol",
    "sasl.mechanism",
    "sasl.jaas.config",
    "sasl.username",
    "sasl.password",
    "ssl.truststore.type",
    "ssl.truststore.location",
    "ssl.truststore.password",
    "ssl.truststore.certificates",
    "ssl.keystore.type",
    "ssl.keystore.location",
    "ssl.keystore.password",
    "ssl.keystore.key",
    "ssl.keystore.certificate.chain",
    "ssl.key.password",
    "ssl.endpoint.identification.algorithm",
)
"""Those of Kafka's Java client, and librdkafka's two for a user, which Java only has inside `sasl.jaas.config`."""

OTHER_NAMES = {
    "sasl.plain.username": "sasl.username",
    "sasl.plain.password": "sasl.password",
    "sasl.mechanisms": "sasl.mechanism",
    "ssl.cafile": "ssl.truststore.location",
    "ssl.ca.location": "ssl.truststore.location",
    "ssl.certfile": "ssl.keystore.location",
    "ssl.keyfile": "ssl.keystore.location",
    "ssl.certificate.location": "ssl.keystore.location",
    "ssl.key.location": "ssl.keystore.location",
    "ssl.password": "ssl.key.password",
    "ssl.check.hostname": "ssl.endpoint.identification.algorithm",
    "bootstrap.servers": "PLAYPROOF_BROKER",
}
"""Names of other clients, kafka-python's and librdkafka's, and ours for the same."""

PREFIXES = ("ssl.", "sasl.", "security.")
SIMILAR = 0.8
"""How like a known name an unknown one must be (difflib's ratio) to be taken for a misspelt one."""


def unknown_name(name: str, where: str) -> str:
    """Say that a name is unknown, with the one that was meant. A name that could be a piece of a password is not shown.

    >>> unknown_name("security_protocol", "entry 1")
    'unknown setting security_protocol (entry 1): did you mean security.protocol?'
    >>> unknown_name("42", "entry 3")
    'entry 3 is no security setting of Kafka (not shown: it may be a part of a password, write that in quotes)'
    """
    dotted = name.lower().replace("_", ".")
    meant = OTHER_NAMES.get(dotted) or next(iter(difflib.get_close_matches(dotted, NAMES, 1, SIMILAR)), None)
    if meant:
        return f"unknown setting {name} ({where}): did you mean {meant}?"
    if dotted.startswith(PREFIXES) and all(part.isalpha() for part in dotted.split(".")):
        return f"unknown setting {name} ({where}): known are {', '.join(NAMES)}"
    return f"{where} is no security setting of Kafka (not shown: it may be a part of a password, write that in quotes)"
