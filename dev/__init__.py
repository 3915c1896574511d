"""The developer's programs: each `make` target is one of these modules."""


class FixableError(Exception):
    """Something that the developer can mend; the message says what is wrong and, after `fix:`, how."""
