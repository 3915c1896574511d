"""What a rollout does to the workloads, one after the other: restarts, then a change of each image."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from dev.rollout.cluster import Cluster
from dev.rollout.images import Images
from dev.rollout.verdict import Restart


@dataclass(frozen=True)
class Step:
    """A restart or a change; `act` returns why it did not complete, or nothing."""

    workload: str
    what: str
    act: Callable[[], str]
    new_image: bool = False

    def run(self) -> Restart:
        began = time.time()
        problem = self.act()
        return Restart(self.workload, began, time.time(), problem, self.new_image)


def steps(
    cluster: Cluster, workloads: Sequence[str], restarts: int, seconds: float, images: Images
) -> Iterator[Step]:
    """Yield the steps, each of which may take so many seconds."""
    for number in range(restarts):
        for workload in workloads:
            what = f"restart {number + 1} of {restarts}"
            yield Step(workload, what, partial(cluster.restart, workload, seconds))
    for workload, (_, after) in images.items():
        if workload in workloads:
            yield Step(workload, "another image", partial(cluster.set_image, workload, after, seconds), True)
