"""Tag, seal, ledger and verification of everything that is generated."""

from likeness.provenance.keys import ServerKey, SessionKey, fingerprint, verify_certificate
from likeness.provenance.ledger import Ledger, LedgerEntry
from likeness.provenance.ledger_check import verify_ledger
from likeness.provenance.report import Report
from likeness.provenance.seal import SealChain, Sealer, verify_seal
from likeness.provenance.session_log import (
    SessionLog,
    SessionRecord,
    new_session_id,
    read_session,
    read_sessions,
)
from likeness.provenance.tag import driver_name, make_tag, mark_text
from likeness.provenance.take_check import verify_take
from likeness.provenance.take_seal import seal_take

__all__ = [
    "Ledger",
    "LedgerEntry",
    "Report",
    "SealChain",
    "Sealer",
    "ServerKey",
    "SessionKey",
    "SessionLog",
    "SessionRecord",
    "driver_name",
    "fingerprint",
    "make_tag",
    "mark_text",
    "new_session_id",
    "read_session",
    "read_sessions",
    "seal_take",
    "verify_certificate",
    "verify_ledger",
    "verify_seal",
    "verify_take",
]
