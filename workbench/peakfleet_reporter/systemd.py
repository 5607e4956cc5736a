"""Readiness and watchdog of systemd, and log lines as its journal reads them."""

from __future__ import annotations

import logging
import os
import socket
from typing import Final

_PRIORITIES: Final = {logging.ERROR: 3, logging.WARNING: 4, logging.INFO: 6, logging.DEBUG: 7}


def notify(state: str) -> None:
    """Tell systemd, as `sd_notify(3)` does; without systemd this does nothing."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as told:
        try:
            told.sendto(state.encode(), address)
        except OSError as error:
            logging.getLogger(__name__).debug("systemd is not told: %s", error)


class JournalFormatter(logging.Formatter):
    """Begins each line with its priority, as `sd-daemon(3)` says."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        text = super().format(record).replace("\n", " | ")
        return f"<{_PRIORITIES.get(record.levelno, 6)}>{text}"


def log_to_stderr() -> None:
    """Log to standard error, with priorities where the journal reads it."""
    handler = logging.StreamHandler()
    plain = "%(asctime)s %(levelname)s %(message)s"
    in_journal = "JOURNAL_STREAM" in os.environ
    handler.setFormatter(
        JournalFormatter("%(message)s") if in_journal else logging.Formatter(plain)
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger(__package__).setLevel(logging.INFO)
