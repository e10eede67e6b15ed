"""Hides passwords and tokens in texts that people will read: errors, journals, tables, reports."""

import re

HIDDEN = "***"
_NAME = r"(?:token|secret|passw|pwd|signature|credential|api[-_]?key|access[-_]?key|auth(?!or)|jwt)"
_VALUE = r"[^\s&#'\"<>)]*[^\s&#'\"<>).,:;]"
_PATTERNS = (  # the lengths are limited, so that a long text takes no longer than its length
    r"(\w://)[^\s/:@'\"]{0,200}:(?!\d+/)[^\s'\"]{1,500}(?=@)",  # user:password@, whatever the password contains
    r"(https?://)[^\s/?#:@'\"]{1,500}(?=@)",  # token@
    rf"([?&][^\s=&#]{{0,60}}?{_NAME}[^\s=&#]{{0,60}}=){_VALUE}",  # ?access_token=
    rf"([?&](?:[\w.-]{{0,60}}[-_.])?(?:key|sig|pass)=){_VALUE}",  # ?sig=
    r"(\bbearer\s+)[\w.~+/=-]{8,}",  # of a request that a server repeats in its answer
)
_COMPILED = tuple(re.compile(pattern, re.IGNORECASE) for pattern in _PATTERNS)


def hide_secrets(text: str) -> str:
    """Return a text in which the passwords, tokens and signatures of URLs are asterisks.

    >>> hide_secrets("cannot read ftp://me:hunter2@host/a.csv, https://host/a.csv?gid=3&token=abc")
    'cannot read ftp://***@host/a.csv, https://host/a.csv?gid=3&token=***'
    """
    for pattern in _COMPILED:
        text = pattern.sub(rf"\1{HIDDEN}", text)
    return text
