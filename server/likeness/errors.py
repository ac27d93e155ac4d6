"""The family of errors that Likeness raises on purpose."""


class LikenessError(Exception):
    """Something a person can act on.

    The message says what was wrong, where, and what to do. The command line prints it and exits
    with `exit_code`; gRPC and HTTP answer with `grpc_status` and `http_status`.
    """

    exit_code: int = 2
    code: str = "error"
    grpc_status: str = "INVALID_ARGUMENT"
    http_status: int = 400


class InputError(LikenessError):
    """A file, text, argument or message that cannot be used as it is."""

    code = "bad_input"


class NotFoundError(LikenessError):
    """A character, head, session, room or file that does not exist."""

    code = "not_found"
    grpc_status = "NOT_FOUND"
    http_status = 404


class DeniedError(LikenessError):
    """A token that is missing, wrong, expired, or grants too little."""

    code = "denied"
    grpc_status = "PERMISSION_DENIED"
    http_status = 403


class LimitError(LikenessError):
    """A size, rate, time or capacity limit was reached."""

    code = "limit"
    grpc_status = "RESOURCE_EXHAUSTED"
    http_status = 429


class MachineError(LikenessError):
    """The machine lacks something: a port, disk space, a library, a writable folder."""

    exit_code = 1
    code = "environment"
    grpc_status = "UNAVAILABLE"
    http_status = 503


class SealError(LikenessError):
    """Tagging, sealing or logging failed; the stream stops (fail closed)."""

    exit_code = 1
    code = "provenance"
    grpc_status = "ABORTED"
    http_status = 503


class VerificationError(LikenessError):
    """A seal, proof, take or ledger does not verify."""

    exit_code = 1
    code = "unverified"
    grpc_status = "DATA_LOSS"
    http_status = 409
