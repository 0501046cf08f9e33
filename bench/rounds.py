"""Rounds in alternation: teams take turns, so that what disturbs the machine disturbs all of them.

The first rounds warm up and do not count. Who begins changes from round to round. A contender that
fails is left out, and listed as skipped with the reason; it fails nobody else.
"""

import contextlib
import random
import time
from collections.abc import Iterator, Sequence

from . import progress
from .contenders import Contender
from .teams import Team, TeamError, Workshop

#: From so many seconds of sleep on, teams sleep at the same time, and are woken one by one.
LONG = 0.5
#: Seconds: pollers with this period do not warm up.
SLOW = 0.01
#: How long teams sleep while they warm up.
SHORT = 0.001
#: More than 100 pollers that look more often than that, in a second and all together, keep all
#: cores busy, and a round takes minutes.
MOST_LOOKS = 20_000
_source = random.Random(1)


@contextlib.contextmanager
def gathered(
    contenders: Sequence[Contender],
    waiters: int,
    workshop: Workshop,
    skipped: dict[str, str],
    cores: tuple[int, int] = (-1, -1),
) -> Iterator[list[Team]]:
    """A team for each contender; all their members are gone at the end."""
    teams: list[Team] = []
    try:
        for contender in contenders:
            if contender.period and waiters > 100 and waiters / contender.period > MOST_LOOKS:
                skipped[_with(contender, waiters)] = "so many who poll keep all cores busy"
                continue
            try:
                teams.append(Team(contender, waiters, workshop, cores=cores))
            except (TeamError, OSError) as error:
                skipped[_with(contender, waiters)] = str(error)
        yield teams
    finally:
        for team in teams:
            team.end()


def alternate(
    teams: list[Team], rounds: int, idle: float, skipped: dict[str, str], warm_up: int = 3
) -> dict[str, list[list[int]]]:
    """{title: [each waiter's latency, in nanoseconds, in each round]}. idle: seconds asleep."""
    results: dict[str, list[list[int]]] = {team.contender.title: [] for team in teams}
    for number in range(-warm_up, rounds):
        progress.step(max(0, number), rounds)
        turn = number % max(1, len(teams))
        order = teams[turn:] + teams[:turn]
        if number < 0:  # who sleeps that long has nothing to warm up
            order = [team for team in order if team.contender.period < SLOW]
        if idle < LONG:
            groups = [[team] for team in order]
        else:  # who looks at a file all the time keeps the core from idling: apart from the others
            groups = [[team for team in order if bool(team.contender.period) == p] for p in (0, 1)]
        for group in groups:
            for team, latencies in _together(group, idle if number >= 0 else SHORT, skipped):
                if latencies is None:
                    teams.remove(team)
                    team.end()
                    del results[team.contender.title]
                elif number >= 0:
                    results[team.contender.title].append(latencies)
    return results


def _together(
    group: list[Team], idle: float, skipped: dict[str, str]
) -> Iterator[tuple[Team, list[int] | None]]:
    """Let them all sleep, and wake one after the other."""
    asleep = []
    for team in group:
        try:
            team.enter()
            asleep.append(team)
        except TeamError as error:
            skipped[_with(team.contender, len(team.indices))] = str(error)
            yield team, None
    time.sleep(idle)
    for team in asleep:
        # Or set() would come at the same point of each period.
        time.sleep(_source.uniform(0, team.contender.period))
        try:
            yield team, team.fire()
        except TeamError as error:
            skipped[_with(team.contender, len(team.indices))] = str(error)
            yield team, None


def _with(contender: Contender, waiters: int) -> str:
    return contender.title if waiters == 1 else f"{contender.title}, {waiters} waiters"
