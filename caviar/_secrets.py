"""Hides passwords and tokens in texts that people will read: errors, journals, tables, reports."""

import re

HIDDEN = "***"
_SECRET = r"(?:token|secret|passw|pwd|signature|credential|api[-_]?key|access[-_]?key|auth(?!or)|jwt)"
_PATTERNS = (  # the lengths are limited, so that a long text takes no longer than its length
    (r"(\w://)[^\s/:@'\"]{0,200}:(?!\d+/)[^\s'\"]{1,500}@", rf"\1{HIDDEN}@"),  # user:password@, with any / or @ in it
    (r"(https?://)[^\s/?#:@'\"]{1,500}@", rf"\1{HIDDEN}@"),  # token@
    (rf"([?&][^\s=&#]{{0,60}}?{_SECRET}[^\s=&#]{{0,60}}=)[^\s&#'\"<>)]+", rf"\1{HIDDEN}"),  # ?access_token=
    (r"([?&](?:[\w.-]{0,60}[-_.])?(?:key|sig|pass)=)[^\s&#'\"<>)]+", rf"\1{HIDDEN}"),  # ?sig=
    (r"(\bbearer\s+)[\w.~+/=-]{8,}", rf"\1{HIDDEN}"),  # of a request that a server repeats in its answer
)
_COMPILED = tuple((re.compile(pattern, re.IGNORECASE), hidden) for pattern, hidden in _PATTERNS)


def hide_secrets(text: str) -> str:
    """Return a text in which the passwords, tokens and signatures of URLs are asterisks.

    >>> hide_secrets("cannot read ftp://me:hunter2@host/a.csv, https://host/a.csv?gid=3&token=abc")
    'cannot read ftp://***@host/a.csv, https://host/a.csv?gid=3&token=***'
    """
    for pattern, hidden in _COMPILED:
        text = pattern.sub(hidden, text)
    return text
