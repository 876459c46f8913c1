"""What a client of S3 means by an error: why the storage refused or did not answer, and which setting to look at.

The clients write of the same answer in different words: pyarrow in a line, without the body of an answer to HEAD;
`deltalake` as a tree of causes, in colours, with the XML of the answer.
"""

import re

_COLOURS = re.compile(r"\x1b\[\d*m")
_STATUS = re.compile(r"(?:HTTP status|HTTP response code|status:|status code)\W+(\d{3})")
_CODE = re.compile(r"<Code>(\w+)|ExceptionName: (\w+)|AWS Error (?!UNKNOWN)([A-Z_]+)")
_REGION = re.compile(r"(?:located in|expecting) '([\w-]+)'")
_KEYS = "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN where the key has one"
_REASONS = (
    # the address at which a client looks for the role of a machine, where it has no key
    (
        "latest/api/token|latest/meta-data",
        "cannot be used without a key: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (a profile in ~/.aws is not "
        "enough), or give this machine a role",
    ),
    (
        "ExpiredToken|InvalidToken",
        "is refused: the session token is wrong or over; set AWS_SESSION_TOKEN, and the two keys of it, again",
    ),
    (
        "^status 40[13]|ACCESS_?DENIED|AccessDenied|SIGNATURE_DOES|SignatureDoes|INVALID_ACCESS_KEY|InvalidAccessKey",
        f"is refused{{code}}: look at {_KEYS}, the rights of that key, and the clock here",
    ),
    (
        f"^status 301|{_REGION.pattern}|PermanentRedirect|AuthorizationHeaderMalformed|incorrectly configured region",
        "is in region {region}: set AWS_REGION to it, now {own_region!r}",
    ),
    ("^status 400[^<]*No response body", f"is refused{{code}}: look at {_KEYS}, and AWS_REGION"),
    (
        "certificate",
        "cannot be reached: the certificate of {where} is not trusted; name the file of its authority with "
        "SSL_CERT_FILE (docs/reference/storage.md)",
    ),
    (
        "NETWORK_CONNECTION|[Tt]imed out|error sending request",
        "cannot be reached: {where} does not answer; look at AWS_ENDPOINT_URL, and whether the storage runs",
    ),
    ("[Cc]redential", "cannot be used without a key: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
    ("", "cannot be used ({cause}): look at the storage at {where}"),
)
"""What is in an error, and what to say then; the first that fits."""


def reason_of(error: str, url: str = "", region: str = "") -> str:
    """Say why a storage refused or did not answer, from a client's error. `url`: empty for Amazon.

    >>> reason_of("AWS Error ACCESS_DENIED during HeadBucket operation: HTTP response code 403")[:60]
    'is refused (403): look at AWS_ACCESS_KEY_ID, AWS_SECRET_ACCE'
    >>> reason_of("HTTP status 301: Looks like the bucket is located in 'eu-north-1'", region="us-east-1")
    "is in region eu-north-1: set AWS_REGION to it, now 'us-east-1'"
    """
    error = _COLOURS.sub("", error)
    status = _first(_STATUS, error)
    message = next(said for pattern, said in _REASONS if re.search(pattern, f"status {status}\n{error}"))
    return message.format(
        code=f" ({status})" if status else "",
        region=_first(_REGION, error) or "another than this",
        own_region=region,
        where=url or "Amazon",
        # the innermost cause is in the last line
        cause=_first(_CODE, error) or (error.strip() or "no reason given").splitlines()[-1].strip(" ↳")[:200],
    )


def _first(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return next(filter(None, match.groups()), "") if match else ""
