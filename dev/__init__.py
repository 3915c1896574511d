"""The developer's programs: each `make` target is one of these modules."""
