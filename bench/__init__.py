"""What the gateway costs: its latency and throughput beside the runtime's own, as ratios within one run."""


class BenchError(Exception):
    """The measurement cannot be made, or its figures would mean nothing; the message says why."""
